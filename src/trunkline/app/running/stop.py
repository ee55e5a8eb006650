"""The wish to end: the first one drains, the second one cuts, the third one ends the process."""

from __future__ import annotations

import asyncio
import logging
import signal

from trunkline.app.app_server import AppServer
from trunkline.app.running.deadline import Deadline
from trunkline.limits import END_GRACE, Drain

DRAINING = "draining: everybody is asked to leave within %g s; once more cuts at once"


class Stop:
    """Whether it is wished that a server ends, and how soon.

    Args:
        drain: how long it takes.
        deadline: for what does not end.
        logger: is told.
    """

    def __init__(self, drain: Drain, deadline: Deadline, logger: logging.Logger) -> None:
        self._drain = drain
        self._deadline = deadline
        self._logger = logger
        self._loop = asyncio.get_running_loop()
        self._is_wished = asyncio.Event()
        self._is_hurried = asyncio.Event()
        self._readiness_delay: float | None = None
        self._signals = 0

    @property
    def patience(self) -> float:
        """Seconds after which everything has ended, once that is wished."""
        return longest(self._drain)

    def drain(self, *, readiness_delay: float | None = None) -> None:
        """Wish for a drain; more of these change nothing.

        Args:
            readiness_delay: seconds, instead of those of the drain.
        """
        if not self._is_wished.is_set():
            self._readiness_delay = readiness_delay
            self._is_wished.set()
            self._deadline.set(self.patience)

    def cut(self) -> None:
        """Wish for an end at once."""
        self.drain()
        self._deadline.set(END_GRACE)
        self._is_hurried.set()

    def signalled(self, number: signal.Signals) -> None:
        """A signal has come; the loop may be blocked, even so the process ends in time."""
        self._signals += 1
        if self._signals == 1:
            self._deadline.set(self.patience)
            self._loop.call_soon_threadsafe(self._drain_and_say)
        elif self._signals == 2:
            self._deadline.set(END_GRACE)
            self._loop.call_soon_threadsafe(self.cut)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def terminated(self, number: signal.Signals) -> None:
        """The same signal may come again and again, and only means a drain."""
        self._deadline.set(self.patience)
        self._loop.call_soon_threadsafe(self.drain)

    def _drain_and_say(self) -> None:
        self._logger.info(DRAINING, self._drain.window + self._drain.patience)
        self.drain()

    async def wait(self) -> None:
        """Wait until it is wished."""
        await self._is_wished.wait()

    async def carry_out(self, server: AppServer) -> None:
        """Drain, and cut as soon as that is wished."""
        cutting = self._loop.create_task(self._cut_when_hurried(server))
        try:
            await server.drain(readiness_delay=self._readiness_delay)
        finally:
            cutting.cancel()

    async def _cut_when_hurried(self, server: AppServer) -> None:
        await self._is_hurried.wait()
        server.cut()


def longest(drain: Drain) -> float:
    """Give the seconds after which everything should have ended."""
    return drain.readiness_delay + drain.window + drain.patience + END_GRACE
