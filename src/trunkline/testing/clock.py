"""A clock that a test moves, and that otherwise moves when everybody waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.connection.waiters import Waiters
from trunkline.errors import InvalidState, UsageError
from trunkline.testing.standstill import Standstill
from trunkline.testing.watchdog import Watchdog

STUCK = "every task waits, and the clock stands: move it with advance(), or set autojump"


class Clock:
    """The time of a test.

    It stands still while anybody can go on. When every task waits, it jumps to the next deadline:
    a timeout of ten seconds comes at once, and by no chance. It drives everything that asks the
    loop for the time: `asyncio.sleep()`, `asyncio.timeout()`, `loop.call_later()`, and every
    deadline of Trunkline. `time.time()` and `time.monotonic()` stay those of the machine.

    Args:
        autojump: whether it jumps by itself; otherwise it moves in `advance()` only.
        start: what `now()` gives at first, in seconds since the epoch; the time of day by default.
    """

    def __init__(self, *, autojump: bool = True, start: float | None = None) -> None:
        self.autojump = autojump
        self._start = time.time() if start is None else start
        self._standstill: Standstill | None = None
        self._watchdog: Watchdog | None = None
        self._began_at = 0.0
        self._time = 0.0
        self._ahead = 0.0
        self._advances = 0
        self._settling = Waiters()

    # What time it is

    @property
    def elapsed(self) -> float:
        """Seconds since the test began."""
        return self.time() - self._began_at

    def now(self) -> float:
        """Give the seconds since the epoch, for code that takes a function like `time.time`."""
        return self._start + self.elapsed

    def time(self) -> float:
        """Give the seconds on the clock of the loop, like `loop.time()`."""
        if self._standstill is None or self._watchdog is not None:
            return self._time
        # After the test time runs, and is never set back: deadlines may be left of it.
        return self._standstill.real_time() + self._ahead

    # Moving it

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, with everything that falls due done in its time.

        Afterwards every task waits again.

        Args:
            seconds: 0 or more.

        Raises:
            InvalidState: no test runs on this clock.
            UsageError: the seconds are negative.
        """
        if not seconds >= 0:
            raise UsageError(f"a clock is advanced by 0 or more seconds, not {seconds}")
        self.pat(seconds)
        # Its own deadline is there: no jump leads beyond it.
        self._advances += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._advances -= 1
        await self.settle()

    async def settle(self) -> None:
        """Let every task run until it waits, without any time passing.

        Raises:
            InvalidState: no test runs on this clock.
        """
        self.pat()
        await self._settling.wait()

    def pat(self, seconds: float = 0.0) -> None:
        """Let the watchdog know that the test is alive; see there."""
        if self._watchdog is None:
            raise InvalidState("the clock drives no test yet: it does so within testing.serve()")
        self._watchdog.pat(seconds)

    # Driving a loop

    @contextmanager
    def drive(self) -> Iterator[Watchdog]:
        """Be the clock of the running loop, until the block ends.

        Raises:
            InvalidState: it drives, or has driven, another test.
            UsageError: the loop is not one of asyncio's own.
        """
        if self._standstill is not None:
            raise InvalidState("a clock is for one test: make another Clock()")
        loop = asyncio.get_running_loop()
        self._standstill = standstill = Standstill(loop, self.time, self._idle)
        self._time = self._began_at = loop.time()
        self._watchdog = watchdog = Watchdog(loop)
        standstill.begin()
        try:
            yield watchdog
        finally:
            watchdog.leave()
            standstill.end()
            self._ahead = self._time - standstill.real_time()
            self._watchdog = None

    def _idle(self, delay: float | None) -> bool:
        """Every task waits: jump, or say that it cannot be helped."""
        if self._settling:
            self._settling.wake()
            return True
        if delay is None:
            return False
        if self.autojump or self._advances:
            self._time += delay
        else:
            self._complain()
        return True

    def _complain(self) -> None:
        """End a test that waits for time to pass, and does not let it."""
        assert self._watchdog is not None
        self._watchdog.bite(STUCK)
        # For what is done at the end
        self.autojump = True
