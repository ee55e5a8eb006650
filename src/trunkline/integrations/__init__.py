"""Inside other people's servers: ASGI, from both sides."""
