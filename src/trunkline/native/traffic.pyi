class Traffic:
    """Counters of all connections of one setting; `connection.traffic.Traffic` says of what."""

    messages_received: int
    messages_sent: int
    bytes_received: int
    bytes_sent: int
    control_received: int
    dropped: int
    discarded: int
    paused: int
    closed: int
