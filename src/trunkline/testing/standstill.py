"""An asyncio loop whose time stands still until somebody moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from trunkline.engines.choose import engines
from trunkline.errors import UsageError
from trunkline.limits import TEST_QUIET

OWN_DESCRIPTORS = 1
"""What every loop watches for itself: the pipe through which other threads wake it."""


class Standstill:
    """Takes the place of a loop's clock, and of its waiting.

    The loop is idle when every task waits and nothing is under way in the world outside: while a
    thread of an executor works it is waited for, and where real sockets are watched, they must
    have been silent for `TEST_QUIET` real seconds.

    Args:
        loop: one of asyncio's own; uvloop keeps its time in C.
        time: gives the time of the loop, in seconds.
        when_idle: called with the seconds until the loop's next deadline, or with `None` where
            there is none; says whether it has done something about it.

    Raises:
        UsageError: the loop is not one of asyncio's own.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        time: Callable[[], float],
        when_idle: Callable[[float | None], bool],
    ) -> None:
        if not hasattr(loop, "_selector"):
            kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
            raise UsageError(
                f"the virtual clock needs an event loop of asyncio's own, not {kind}: "
                "run this test with loop_factory=asyncio.new_event_loop"
            )
        self._loop: Any = loop
        self._engine = engines.get(loop)  # before the test has one in memory
        self._time = time
        self._when_idle = when_idle
        self._selector = self._loop._selector
        self._really_select = self._selector.select
        self._really_run_in_executor = self._loop.run_in_executor
        self._threads = 0

    def begin(self) -> None:
        """Stop the loop's time."""
        self._loop.time = self._time
        self._loop.run_in_executor = self._run_in_executor
        self._selector.select = self._select

    def end(self) -> None:
        """Let the loop wait as before; its time is still what `time` gives."""
        del self._loop.run_in_executor, self._selector.select

    def real_time(self) -> float:
        """Give the seconds on the machine's clock."""
        seconds: float = type(self._loop).time(self._loop)
        return seconds

    # Called by the loop

    def _select(self, timeout: float | None) -> Any:
        if timeout is not None and timeout <= 0:
            return self._really_select(timeout)
        events = self._really_select(self._patience())
        if not events and not self._threads and not self._when_idle(timeout):
            return self._really_select(None)
        return events

    def _patience(self) -> float | None:
        """Give the real seconds in which what is under way outside is waited for."""
        if self._threads:
            return None
        idle = OWN_DESCRIPTORS + (0 if self._engine is None else self._engine.idle_descriptors)
        has_sockets = len(self._selector.get_map()) > idle
        return TEST_QUIET if has_sockets else 0.0

    def _run_in_executor(self, *args: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._really_run_in_executor(*args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, future: asyncio.Future[Any]) -> None:
        self._threads -= 1
