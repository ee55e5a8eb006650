"""The end of an identity, on a live connection."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.close_codes import PolicyCode
from trunkline.connection.connection import Connection
from trunkline.engines.timers import Timer, TimerWheel
from trunkline.limits import CLOCK_CHECK


class Expiry(Timer):
    """Closes a connection when the proof of who it is has expired.

    Args:
        connection: to be closed.
        expires_at: seconds since the epoch.
        now: gives seconds since the epoch.
    """

    __slots__ = ("_connection", "_expires_at", "_now", "_timers")

    def __init__(self, connection: Connection, expires_at: float, now: Callable[[], float]) -> None:
        super().__init__()
        self._connection = connection
        self._expires_at = expires_at
        self._now = now

    def start(self, timers: TimerWheel) -> None:
        """Begin to wait."""
        self._timers = timers
        self.fire()

    def fire(self) -> None:
        """Close the connection if the time has come, else wait on."""
        left = self._expires_at - self._now()
        if left > 0:
            self._timers.set(self, min(left, CLOCK_CHECK))
        else:
            self._connection.close_soon(PolicyCode.EXPIRED, "the token has expired")
