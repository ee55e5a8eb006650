"""Programs that show what the library does, each startable with `python -m`."""
