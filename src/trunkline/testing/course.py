"""One direction of a line in memory: bytes are under way, arrive, or do not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from trunkline.limits import LINE_BYTES

END = b""
"""Stands for the end of what the sender has to say."""
Piece = bytes | OSError
"""Some bytes, `END`, or what the receiver's end is lost by."""


class Sender(Protocol):
    """Whoever writes into a course."""

    def room_made(self) -> None:
        """More can be sent."""


class Sink(Protocol):
    """Where a course leads to."""

    @property
    def unread(self) -> int:
        """Bytes that have arrived and have not been read."""

    def arrived(self, piece: Piece) -> None:
        """Take what arrived; never called from inside a call of the sender's."""


class Course:
    """Carries what one end sends to the other, in its order and in `delay` seconds.

    Args:
        loop: keeps the time.
        cut: called when the last byte that may pass has arrived.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, cut: Callable[[], None]) -> None:
        self._loop = loop
        self._cut = cut
        self.sender: Sender
        self.sink: Sink
        self.delay = 0.0
        self.passed = 0
        """Bytes that were sent so far."""
        self._bytes_left: int | None = None
        self._is_stalled = False
        self._under_way: deque[tuple[float, Piece]] = deque()
        self._bytes_under_way = 0
        self._last_due = 0.0
        self._alarm: asyncio.Handle | None = None

    # Called by the ends

    @property
    def room(self) -> int:
        """Give how many bytes can be sent now."""
        room = LINE_BYTES - self._bytes_under_way - self.sink.unread
        return room if self._bytes_left is None else min(room, self._bytes_left)

    def send(self, piece: Piece) -> None:
        """Take a piece that there is room for, or the end."""
        size = size_of(piece)
        self.passed += size
        self._bytes_under_way += size
        self._last_due = max(self._last_due, self._loop.time() + self.delay)
        self._under_way.append((self._last_due, piece))
        self._wait()
        if self._bytes_left is not None:
            self._bytes_left -= size

    def was_read(self) -> None:
        """Take note that the sink has read something."""
        self.sender.room_made()

    # Called by the line

    def cut_after(self, size: int) -> None:
        """Let so many more bytes be sent, and the line be cut when they have arrived."""
        self._bytes_left = size
        self._cut_if_spent()

    def stall(self) -> None:
        """Let nothing arrive; the sender notices when there is no room any more."""
        self._is_stalled = True
        self._wait()

    def flow(self) -> None:
        """Let everything arrive that is under way, and what follows."""
        self._is_stalled = False
        self._wait()

    def clear(self) -> None:
        """Forget what is under way."""
        self._under_way.clear()
        self._bytes_under_way = 0
        self._wait()

    # Carrying

    def _wait(self) -> None:
        """Wait for the next piece to be due, if there is one that can arrive."""
        if self._is_stalled or not self._under_way:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
        elif self._alarm is None:
            due = self._under_way[0][0]
            if due <= self._loop.time():
                # In the order of sending, whichever line it is on
                self._alarm = self._loop.call_soon(self._arrive)
            else:
                self._alarm = self._loop.call_at(due, self._arrive)

    def _arrive(self) -> None:
        """Hand on the next piece, and whatever is due with it."""
        self._alarm = None
        # An alarm may ring a hair before the time that it was set to.
        now = max(self._loop.time(), self._under_way[0][0])
        while self._under_way and self._under_way[0][0] <= now:
            _, piece = self._under_way.popleft()
            self._bytes_under_way -= size_of(piece)
            self.sink.arrived(piece)
        self._wait()
        self._cut_if_spent()

    def _cut_if_spent(self) -> None:
        if self._bytes_left == 0 and self._bytes_under_way == 0:
            self._loop.call_soon(self._cut)


def size_of(piece: Piece) -> int:
    """Give the bytes of a piece."""
    return len(piece) if isinstance(piece, bytes) else 0
