"""Pings under way, and the round-trip times that their pongs give (RFC 6455 §5.5.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

from trunkline.errors import ConcurrencyError


class RoundTrip(float):
    """A round-trip time in seconds.

    Awaiting it gives itself: `await ws.ping()` has the time already, and the two steps of the
    `websockets` library, `waiter = await ws.ping(); latency = await waiter`, work as well.
    """

    def __await__(self) -> Generator[None, None, RoundTrip]:
        yield from ()
        return self


class Pings:
    """Remembers pings until their pongs arrive.

    Args:
        clock: gives the time in seconds.
    """

    __slots__ = ("_clock", "_pending", "latency")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pending: dict[bytes, tuple[float, asyncio.Future[RoundTrip]]] = {}
        self.latency = 0.0
        """The latest round-trip time in seconds; 0 before the first."""

    def sent(self, payload: bytes) -> asyncio.Future[RoundTrip]:
        """Take note of a ping; the future gives its round-trip time."""
        future: asyncio.Future[RoundTrip] = asyncio.get_running_loop().create_future()
        self._pending[payload] = (self._clock(), future)
        return future

    def check_unused(self, payload: bytes) -> None:
        """Refuse a payload that could not be told from that of a ping under way."""
        if self.is_under_way(payload):
            raise ConcurrencyError(f"a ping with payload {payload!r} is under way already")

    def is_under_way(self, payload: bytes) -> bool:
        """Whether a ping with this payload waits for its pong."""
        return payload in self._pending

    def forget(self, payload: bytes) -> None:
        """Wait no longer for the pong to a ping that nobody asks about."""
        self._pending.pop(payload, None)

    def answered(self, payload: bytes) -> None:
        """Take note of a pong; one that nobody asked for changes nothing."""
        now = self._clock()
        # RFC 6455 §5.5.3: a pong may answer the latest ping only, and so stands for those before
        while payload in self._pending:
            sent_at, future = self._pending.pop(next(iter(self._pending)))
            self.latency = now - sent_at
            if not future.done():
                future.set_result(RoundTrip(self.latency))

    def fail(self, error: Exception) -> None:
        """Tell everybody who waits that no pong will come."""
        for _, future in self._pending.values():
            if not future.done():
                future.set_exception(error)
                # Whoever does not wait for the pong is told of the end in other ways.
                future.exception()
        self._pending.clear()
