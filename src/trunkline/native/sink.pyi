class Sink:
    """Takes bytes in place, without a bytes object."""
