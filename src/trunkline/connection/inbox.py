"""The unread messages of a connection that is read with `recv()`."""

from __future__ import annotations

from collections import deque

from trunkline.connection.consumer import Data
from trunkline.connection.link import Link
from trunkline.connection.waiters import Waiters
from trunkline.errors import ConcurrencyError
from trunkline.limits import LOW_WATER_DIVISOR


class Inbox:
    """Keeps messages until they are read, and lets the peer wait when there are many.

    Reading pauses at `max_queue` messages or `max_queue_bytes`, and resumes at a quarter of both.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._messages: deque[Data] = deque()
        self._bytes = 0
        self._arrivals = Waiters()
        self._is_being_read = False
        self._is_handling = False
        self._has_ended = False

    async def get(self) -> Data:
        """Take the next message.

        Raises:
            ConnectionClosed: there is none, and none will come.
            ConcurrencyError: somebody else is waiting for it.
        """
        if self._is_being_read:
            raise ConcurrencyError("recv() is already waiting for a message in another task")
        self._is_being_read, self._is_handling = True, False
        try:
            await self._wait_for_message()
        finally:
            self._is_being_read = False
        return self._take()

    async def _wait_for_message(self) -> None:
        if not self._messages:
            self._link.settle()
        while not self._messages:
            if self._has_ended:
                raise self._link.closed()
            await self._arrivals.wait()

    def _take(self) -> Data:
        data = self._messages.popleft()
        self._bytes -= len(data)
        self._is_handling = True
        if self._messages:
            # What answers messages that came together leaves together.
            self._link.stream.gather()
        if self._is_below(LOW_WATER_DIVISOR):
            self._link.resume_reading()
        return data

    def _is_below(self, divisor: int) -> bool:
        limits = self._link.limits
        few = len(self._messages) <= limits.max_queue // divisor
        return few and self._bytes <= limits.max_queue_bytes // divisor

    def discard(self) -> int:
        """End, and drop what was not read; say how many messages that was."""
        count = len(self._messages)
        self._messages.clear()
        self._bytes = 0
        self.ended()
        return count

    # Called by the link

    def opened(self) -> None:
        """Wait for messages."""

    def message(self, data: Data) -> None:
        """Keep a message; let the peer wait when that is enough."""
        self._messages.append(data)
        self._bytes += len(data)
        limits = self._link.limits
        if len(self._messages) >= limits.max_queue or self._bytes >= limits.max_queue_bytes:
            self._link.pause_reading()
        self._arrivals.wake()

    def ping(self, payload: bytes) -> None:
        """Nobody asks for pings here."""

    def pong(self, payload: bytes) -> None:
        """Whoever waits for a pong waits for its ping."""

    def drained(self) -> None:
        """Whoever waits in `send()` has been woken."""

    def is_settled(self) -> bool:
        """Whether every message was read, and the next one asked for."""
        return not (self._messages or self._is_handling)

    def ended(self) -> None:
        """Wake the reader."""
        self._has_ended = True
        self._arrivals.wake()

    def lost(self) -> None:
        """Everything has been said by `ended()`."""
