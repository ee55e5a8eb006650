"""How much waits is found by looking, and looking changes nothing."""

from __future__ import annotations

from tests.connection.memory_stream import open_line
from trunkline.connection.depths import Depths, measure


async def test_nothing_waits_where_nobody_is() -> None:
    assert measure([]) == Depths(connections=0, unsent=0, writing_paused=0, reading_paused=0)


async def test_what_waits_is_added_up() -> None:
    lines = [open_line(write_limit=10) for _ in range(4)]
    for line, size in zip(lines, (100, 5, 0, 0), strict=True):
        line.stream.stall()
        if size:
            line.connection.send_soon(bytes(size))
    lines[2].connection.pause_reading()
    connections = (line.connection for line in lines)
    unsent = 102 + 7
    assert measure(connections) == Depths(
        connections=4, unsent=unsent, writing_paused=1, reading_paused=1
    )
