"""The end of an identity, on a live connection."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.auth.challenge import UNNAMED, unauthorized
from trunkline.auth.identity import Identity
from trunkline.close_codes import PolicyCode
from trunkline.connection.connection import Connection
from trunkline.engines.timers import Timer, TimerWheel
from trunkline.limits import CLOCK_CHECK

EXPIRED = "the token has expired"


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
        """Begin to wait; even if the time has come, the connection is not closed before later."""
        self._timers = timers
        self._wait()

    def _left(self) -> float:
        return self._expires_at - self._now()

    def _wait(self) -> None:
        self._timers.set(self, min(max(self._left(), 0), CLOCK_CHECK))

    def fire(self) -> None:
        """Close the connection if the time has come, else wait on."""
        if self._left() > 0:
            self._wait()
        else:
            self._connection.dismiss(PolicyCode.EXPIRED, EXPIRED)


def check_expiry(identity: Identity, now: float) -> None:
    """Refuse somebody whose proof of who they are does not hold any more.

    Raises:
        RequestRefused: with status 401.
    """
    if identity.expires_at is not None and identity.expires_at <= now:
        raise unauthorized(EXPIRED, UNNAMED)
