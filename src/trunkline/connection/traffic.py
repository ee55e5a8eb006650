"""What has gone through connections, counted."""

from __future__ import annotations

from typing import cast

from trunkline import native


class Traffic:
    """Counts of all connections of one setting; they begin at 0 and only grow.

    Bytes are those of frames: TLS and opening handshakes are not in them.
    """

    __slots__ = (
        *("bytes_received", "bytes_sent", "closed", "control_received", "discarded"),
        *("dropped", "messages_received", "messages_sent", "paused"),
    )

    def __init__(self) -> None:
        self.messages_received = 0
        """Messages that came for the user; those above a rate that were dropped are not in it."""
        self.messages_sent = 0
        """Messages that were handed to streams, those of topics and broadcasts as well."""
        self.bytes_received = 0
        self.bytes_sent = 0
        self.control_received = 0
        """Pings and pongs that were dealt with."""
        self.dropped = 0
        """Messages, pings and pongs that were dropped because they were above a rate."""
        self.discarded = 0
        """Of `messages_received`, those that nobody had taken when their peer was dismissed."""
        self.paused = 0
        """How often reading was paused because of a rate."""
        self.closed = 0
        """Connections that were closed because of a rate."""


COMPILED: type[Traffic] | None = None
if "traffic" in native.MODULES:
    # A twin: the same attributes and nothing in common otherwise.
    from trunkline.native.traffic import Traffic as Compiled

    COMPILED = cast(type[Traffic], Compiled)


def new_traffic() -> Traffic:
    """Make counters; what is compiled counts only on compiled ones."""
    return (COMPILED or Traffic)()
