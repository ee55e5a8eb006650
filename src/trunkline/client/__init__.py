"""Reach a server, and come back to it."""
