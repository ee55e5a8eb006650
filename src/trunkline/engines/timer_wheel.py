"""One wheel of timers for all connections of a loop.

Deadlines are rounded up to ticks, and all timers of a tick share one slot and one wake-up of the
loop: ten thousand connections with a keep-alive of 20 s cost 400 slots, not ten thousand timers.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable
from typing import Protocol

from trunkline.limits import BLOCKED_LOOP, TICK

logger = logging.getLogger("trunkline.engine")


class Alarm(Protocol):
    """A wake-up that was ordered from the loop."""

    def cancel(self) -> None:
        """Order it off."""


class Timer:
    """A call to be made at a deadline; `callback` is `None` once it was made or ordered off."""

    __slots__ = ("_wheel", "callback", "postponed", "slot")

    def __init__(self, wheel: TimerWheel, slot: int, callback: Callable[[], None]) -> None:
        self._wheel = wheel
        self.slot = slot
        self.callback: Callable[[], None] | None = callback
        self.postponed = False

    def cancel(self) -> None:
        """Order the call off; nothing happens once it has been made."""
        self._wheel.remove(self)


class TimerWheel:
    """Calls back at deadlines, never early and at most a tick late while the loop is not blocked.

    Time during which the loop was blocked is not held against anybody: what fell due meanwhile is
    postponed, once, by as long, so that what has arrived can be read first. A callback that raises
    is logged, and harms no other.

    Args:
        clock: gives the time in seconds.
        wake_at: orders a call at a time on that clock.
    """

    def __init__(
        self, clock: Callable[[], float], wake_at: Callable[[float, Callable[[], None]], Alarm]
    ) -> None:
        self._clock = clock
        self._wake_at = wake_at
        # An emptied slot stays until its time: each is in the order once.
        self._slots: dict[int, dict[Timer, None]] = {}
        self._order: list[int] = []
        self._count = 0
        self._alarm: Alarm | None = None
        self._alarm_slot = 0

    def __len__(self) -> int:
        return self._count

    def call_in(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in `delay` seconds."""
        timer = Timer(self, self._slot_at(self._clock() + delay), callback)
        self._insert(timer)
        return timer

    def remove(self, timer: Timer) -> None:
        """Forget `timer`, if it is still there."""
        timer.callback = None
        slot = self._slots.get(timer.slot)
        if slot is None or timer not in slot:
            return
        del slot[timer]
        self._count -= 1
        if not self._count:
            self._silence()

    def _slot_at(self, time: float) -> int:
        return math.ceil(time / TICK)

    def _insert(self, timer: Timer) -> None:
        slot = self._slots.get(timer.slot)
        if slot is None:
            slot = self._slots[timer.slot] = {}
            heapq.heappush(self._order, timer.slot)
        slot[timer] = None
        self._count += 1
        if self._alarm is None or timer.slot < self._alarm_slot:
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        while not self._slots[self._order[0]]:
            del self._slots[heapq.heappop(self._order)]
        self._alarm_slot = self._order[0]
        self._alarm = self._wake_at(self._alarm_slot * TICK, self._turn)

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None
        self._order.clear()
        self._slots.clear()

    def _turn(self) -> None:
        self._alarm = None
        lag = self._clock() - self._alarm_slot * TICK
        blocked = lag >= BLOCKED_LOOP
        if blocked:
            logger.warning("the event loop was blocked for %.1f s", lag)
        for timer in self._due():
            if blocked and not timer.postponed:
                self._postpone(timer, lag)
            else:
                self._call(timer)
        if self._count and self._alarm is None:
            self._set_alarm()

    def _due(self) -> list[Timer]:
        # A clock may be read a hair before the time it was asked to wake at.
        now_slot = max(self._alarm_slot, math.floor(self._clock() / TICK))
        due: list[Timer] = []
        while self._order and self._order[0] <= now_slot:
            due.extend(self._slots.pop(heapq.heappop(self._order)))
        self._count -= len(due)
        return due

    def _call(self, timer: Timer) -> None:
        callback, timer.callback = timer.callback, None
        # A timer that was called before may have ordered this one off.
        if callback is None:
            return
        try:
            callback()
        except Exception:
            logger.exception("a timer failed")

    def _postpone(self, timer: Timer, lag: float) -> None:
        timer.postponed = True
        timer.slot = self._slot_at(self._clock() + lag)
        self._insert(timer)
