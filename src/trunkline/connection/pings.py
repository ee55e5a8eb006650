"""Pings under way, and the round-trip times that their pongs give (RFC 6455 §5.5.2)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator

from trunkline.errors import ConcurrencyError

PAYLOAD_BYTES = 4


class RoundTrip(float):
    """A round-trip time in seconds.

    Awaiting it gives itself: `await ws.ping()` has the time already, and the two steps of the
    `websockets` library, `waiter = await ws.ping(); latency = await waiter`, work as well.
    """

    def __await__(self) -> Generator[None, None, RoundTrip]:
        yield from ()
        return self


class Pings:
    """Remembers pings until their pongs arrive. All times are seconds, on one clock."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending: dict[bytes, tuple[float, asyncio.Future[RoundTrip] | None]] = {}

    def __bool__(self) -> bool:
        """Whether a ping is under way."""
        return bool(self._pending)

    def sent(self, payload: bytes, now: float) -> asyncio.Future[RoundTrip]:
        """Take note of a ping; the future gives its round-trip time."""
        future: asyncio.Future[RoundTrip] = asyncio.get_running_loop().create_future()
        self._pending[payload] = (now, future)
        return future

    def keepalive_sent(self, payload: bytes, now: float) -> None:
        """Take note of a ping of the keep-alive, and forget the one before.

        Nobody waits for it, and a peer that never answers makes nothing pile up.
        """
        waited_for = {key: ping for key, ping in self._pending.items() if ping[1] is not None}
        self._pending = waited_for | {payload: (now, None)}

    @property
    def keepalive_sent_at(self) -> float | None:
        """When the keep-alive's ping was sent, while it waits for its pong."""
        return next((at for at, future in self._pending.values() if future is None), None)

    def new_payload(self) -> bytes:
        """Make a payload that no ping under way has."""
        while self.is_under_way(payload := os.urandom(PAYLOAD_BYTES)):
            pass
        return payload

    def check_unused(self, payload: bytes) -> None:
        """Refuse a payload that could not be told from that of a ping under way."""
        if self.is_under_way(payload):
            raise ConcurrencyError(f"a ping with payload {payload!r} is under way already")

    def is_under_way(self, payload: bytes) -> bool:
        """Whether a ping with this payload waits for its pong."""
        return payload in self._pending

    def answered(self, payload: bytes, now: float) -> float | None:
        """Take note of a pong, and give its round-trip time; `None`: nobody asked for it."""
        latency: float | None = None
        # RFC 6455 §5.5.3: a pong may answer the latest ping only, and so stands for those before
        while payload in self._pending:
            first = next(iter(self._pending))
            sent_at, future = self._pending[first]
            latency = now - sent_at
            if future is not None and not future.done():
                future.set_result(RoundTrip(latency))
            # Last: where memory runs out before, the end of the connection tells who waits.
            del self._pending[first]
        return latency

    def fail(self, error: Exception) -> None:
        """Tell everybody who waits that no pong will come."""
        for _, future in self._pending.values():
            if future is not None and not future.done():
                future.set_exception(error)
                # Whoever does not wait for the pong is told of the end in other ways.
                future.exception()
        self._pending.clear()


NO_PINGS = Pings()
"""Of every connection without a ping under way; never told of one."""
