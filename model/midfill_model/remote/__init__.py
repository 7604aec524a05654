"""The engine elsewhere: an endpoint that the user named."""
