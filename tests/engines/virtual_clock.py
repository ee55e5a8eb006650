"""A clock that stands still until a test moves it: deadlines come at once, and never by chance."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

START = 1_000.0
"""Seconds: a time unlike 0, so that nobody mistakes one for the other."""


class VirtualAlarm:
    """A wake-up that was ordered."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """Keeps the time in seconds, and calls what was ordered as it passes."""

    def __init__(self) -> None:
        self.time = START
        self.orders = 0
        """How many wake-ups were ordered so far."""
        self._alarms: list[tuple[float, int, VirtualAlarm]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def wake_at(self, time: float, callback: Callable[[], None]) -> VirtualAlarm:
        alarm = VirtualAlarm(callback)
        self.orders += 1
        heapq.heappush(self._alarms, (time, next(self._numbers), alarm))
        return alarm

    @property
    def waiting(self) -> int:
        """How many wake-ups are under way."""
        return sum(alarm.callback is not None for _, _, alarm in self._alarms)

    def advance(self, seconds: float) -> None:
        """Let time pass, with everything that falls due called in its time."""
        end = self.time + seconds
        while self._alarms and self._alarms[0][0] <= end:
            time, _, alarm = heapq.heappop(self._alarms)
            self.time = max(self.time, time)
            self._ring(alarm)
        self.time = end

    def block(self, seconds: float) -> None:
        """Let time pass while nothing is called, as when a handler computes; then call it."""
        self.time += seconds
        self.advance(0)

    def _ring(self, alarm: VirtualAlarm) -> None:
        callback, alarm.callback = alarm.callback, None
        if callback is not None:
            callback()
