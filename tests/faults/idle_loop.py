"""A loop whose time passes only while nothing happens.

Deadlines of ten seconds pass at once, in their order, as soon as every socket of the process is
quiet; while bytes are under way no time passes at all, however busy the machine is.
"""

import asyncio
import selectors
import socket
import time
from bisect import bisect
from collections.abc import Mapping
from typing import Any

QUIET_SECONDS = 0.005
"""Real seconds without an event after which nothing is under way: loopback takes microseconds."""

MOMENT_SECONDS = 0.01
"""Skipped seconds, fewer than any deadline."""

DEADLOCK_SECONDS = 5.0
"""Real seconds without an event after which none is expected, where no deadline is either."""
HANG_SECONDS = 3600.0
"""Skipped seconds in which every test has ended."""


class HangError(Exception):
    """A test does not end."""


class IdleSelector(selectors.DefaultSelector):
    """Waits for events, and skips the time in which there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped_seconds = 0.0
        self._skips = [(0.0, 0.0)]
        self._last_second = HANG_SECONDS

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait at most `timeout` seconds, of which few are real.

        Raises:
            HangError: nothing happens any more, or the same things for ever.
        """
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        events = super().select(DEADLOCK_SECONDS if timeout is None else QUIET_SECONDS)
        if not events:
            self._skip(timeout)
        return events

    def _skip(self, seconds: float | None) -> None:
        if seconds is None:
            raise HangError("nobody waits for a deadline, and nothing happens")
        self.skipped_seconds += seconds
        self._skips.append((time.monotonic(), self.skipped_seconds))
        if self.skipped_seconds > self._last_second:
            self._last_second += HANG_SECONDS
            raise HangError(f"no end after {self.skipped_seconds:.0f} s")

    def skipped_until(self, real_time: float) -> float:
        """Give the seconds that had been skipped at a real time, told by `time.monotonic()`."""
        return self._skips[bisect(self._skips, (real_time, 0.0)) - 1][1]


class IdleLoop(asyncio.SelectorEventLoop):
    """An event loop that begins at second 0."""

    def __init__(self) -> None:
        self._idle = IdleSelector()
        super().__init__(self._idle)

    def time(self) -> float:
        """Give the seconds that were skipped."""
        return self._idle.skipped_seconds

    def time_at(self, real_time: float) -> float:
        """Give the time of this loop at a real time, told by `time.monotonic()`."""
        return self._idle.skipped_until(real_time)

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        """Look up an address that is a number already: a thread is never seen to be at work."""
        options["flags"] = socket.AI_NUMERICHOST
        return socket.getaddrinfo(*args, **options)


async def until_quiet() -> None:
    """Wait until no byte is under way and nobody has anything to do."""
    assert isinstance(asyncio.get_running_loop(), IdleLoop)
    await asyncio.sleep(MOMENT_SECONDS)


LOOP_FACTORIES: Mapping[str, type[IdleLoop]] = {"idle": IdleLoop}
