"""What runs in AWS Lambda beside the HTTP API: the worker, and events that become messages."""
