"""Effects: what the kernel asks for and the core may not do itself. Each is safe to run twice."""
