"""The HTTP API: routes on Powertools, served by a Lambda function and, with the very same handler, on one machine."""
