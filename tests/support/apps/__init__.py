"""Applications that tests load by name, as a worker loads a user's."""
