"""How much waits on connections at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trunkline.connection.connection import Connection


@dataclass(frozen=True, slots=True)
class Depths:
    """What was found by looking at each connection."""

    connections: int
    """How many there were."""

    unsent: int
    """Bytes that were sent and have not left."""

    writing_paused: int
    """Connections whose unsent bytes are above high water: their peers read too slowly."""

    reading_paused: int
    """Connections of which nothing is read: their user, an inbox or a rate lets the peer wait."""


def measure(connections: Iterable[Connection]) -> Depths:
    """Look at each connection: a fraction of a microsecond for each, so once in a second at most.

    Args:
        connections: such as `server.connections`.
    """
    streams = [connection._stream for connection in connections]
    return Depths(
        connections=len(streams),
        unsent=sum(stream.unsent for stream in streams),
        writing_paused=sum(stream.is_writing_paused for stream in streams),
        reading_paused=sum(stream.is_reading_paused for stream in streams),
    )
