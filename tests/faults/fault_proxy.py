"""A TCP proxy that breaks a connection at a chosen byte.

Faults are placed by counts of bytes, never by time: the same exchange breaks in the same place.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from trunkline.protocol.role import Role

HOST = "127.0.0.1"
CHUNK_BYTES = 65536
LINGER_ZERO = struct.pack("ii", 1, 0)
"""struct linger: closing the socket resets the connection."""


class Fault(Enum):
    """What befalls one direction, once so many bytes have passed."""

    NONE = "none"
    STALL = "stall"
    """Nothing more is read from the sender, who sooner or later cannot send."""
    DROP = "drop"
    """The sender goes on; nothing arrives, no end and no reset either: a half-open line."""
    END = "end"
    """The receiver sees the end of the stream; what comes after is dropped."""
    RESET = "reset"
    """Both sides see a reset, in both directions."""


@dataclass
class Course:
    """One direction of a proxied connection.

    Args:
        fault: what befalls it.
        after_bytes: how much passes before.
        segment_bytes: the most that leaves in one segment.
    """

    fault: Fault = Fault.NONE
    after_bytes: int = 0
    segment_bytes: int = CHUNK_BYTES
    passed_bytes: int = 0
    segments: list[tuple[float, bytes]] = field(default_factory=list)
    """What has passed, and when on the loop's clock."""

    def room(self) -> int:
        """Give how many bytes may pass in the next segment."""
        if self.fault is Fault.NONE:
            return self.segment_bytes
        return min(self.segment_bytes, self.after_bytes - self.passed_bytes)

    def break_now(self, fault: Fault) -> None:
        """Let the fault befall whatever comes next."""
        self.fault, self.after_bytes = fault, self.passed_bytes

    def passed(self, data: bytes) -> None:
        """Take note of a segment."""
        self.passed_bytes += len(data)
        self.segments.append((asyncio.get_running_loop().time(), data))

    def delivered(self, until: float) -> bytes:
        """Give what had passed by then."""
        return b"".join(data for at, data in self.segments if at <= until)


FAULTS = tuple(fault for fault in Fault if fault is not Fault.NONE)


def broken_after(
    places: Iterable[int], fault: Fault, sender: Role
) -> Iterator[tuple[Course, Course]]:
    """Give both directions, up and down, with what `sender` sends broken after so many bytes."""
    for after_bytes in places:
        broken, whole = Course(fault, after_bytes), Course()
        yield (broken, whole) if sender is Role.CLIENT else (whole, broken)


class FaultProxy:
    """Proxies connections at a port of its own to `target_port`.

    Args:
        target_port: where the server listens.
        up: from client to server.
        down: from server to client.
    """

    def __init__(
        self, target_port: int, *, up: Course | None = None, down: Course | None = None
    ) -> None:
        self.up = up or Course()
        self.down = down or Course()
        self.port = 0
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far_reader, far_writer = await asyncio.open_connection(HOST, self._target_port)
        writers = (writer, far_writer)
        for end in writers:
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(Relay(reader, writer, far_writer, self.up).run())
                group.create_task(Relay(far_reader, far_writer, writer, self.down).run())
            # Both directions are over or faulted; what is left stays as it is.
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            for end in writers:
                reset(end)


class Relay:
    """Carries bytes in one direction, to the fault and beyond."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        source: asyncio.StreamWriter,
        sink: asyncio.StreamWriter,
        course: Course,
    ) -> None:
        self._reader = reader
        self._source = source
        self._sink = sink
        self._course = course

    async def run(self) -> None:
        """Relay until the direction has ended."""
        try:
            if await self._carry():
                await self._break()
        except OSError:
            # One side reset the connection, so the other hears of it.
            reset(self._sink)

    async def _carry(self) -> bool:
        """Pass bytes on; say whether it is time for the fault."""
        course = self._course
        while room := course.room():
            data = await self._reader.read(room)
            if not data:
                self._sink.write_eof()
                return False
            # The fault may have come meanwhile.
            data = data[: course.room()]
            self._sink.write(data)
            course.passed(data)
            await self._sink.drain()
            # So that segments leave one by one, and are read one by one
            await asyncio.sleep(0)
        return True

    async def _break(self) -> None:
        match self._course.fault:
            case Fault.STALL:
                self._source.transport.pause_reading()  # type: ignore[attr-defined]
            case Fault.RESET:
                reset(self._source)
                reset(self._sink)
            case Fault.END:
                self._sink.write_eof()
                await self._discard()
            case Fault.DROP:
                await self._discard()

    async def _discard(self) -> None:
        try:
            while await self._reader.read(CHUNK_BYTES):
                pass
        except OSError:
            # Where nothing arrives, no reset does.
            return


def reset(writer: asyncio.StreamWriter) -> None:
    """End both directions of a connection with a reset."""
    if not writer.transport.is_closing():
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    writer.transport.abort()
