class Layer:
    """What stands between a stream and its socket."""
