"""`make aws-local`: the stack of template.yaml on one machine, with Temporal, and a conversation with it over HTTP."""
