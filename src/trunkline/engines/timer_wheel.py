"""One wheel of timers for all connections of a loop.

Deadlines are rounded up to ticks, and all timers of a tick share one slot and one wake-up of the
loop: ten thousand connections with a keep-alive of 20 s cost 400 slots, not ten thousand timers.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable, Iterator
from typing import Protocol

from trunkline.limits import BLOCKED_LOOP, LONGEST_DELAY, TICK

logger = logging.getLogger("trunkline.engine")


class Alarm(Protocol):
    """A wake-up that was ordered from the loop."""

    def cancel(self) -> None:
        """Order it off."""


class Timer:
    """Something to be done at a deadline: `fire()`. It can be set again, by whoever keeps it.

    While it is set, it stands in the ring of its slot, which takes less than an entry in a dict.
    """

    __slots__ = ("_next", "_previous", "_slot")

    _next: Timer
    _previous: Timer

    def __init__(self) -> None:
        self._slot: Slot | None = None

    def fire(self) -> None:
        """The deadline has come; the timer is set no longer."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Order it off; nothing happens where it is not set."""
        if self._slot is not None:
            self._slot.wheel.remove(self)


class Call(Timer):
    """A call to be made at a deadline."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        super().__init__()
        self._callback: Callable[[], None] | None = callback

    def fire(self) -> None:
        """Make the call."""
        callback, self._callback = self._callback, None
        assert callback is not None
        callback()

    def cancel(self) -> None:
        """Order the call off, and let go of what it would have called."""
        super().cancel()
        self._callback = None


class Slot(Timer):
    """The timers of one tick: where their ring begins and ends."""

    __slots__ = ("number", "wheel")

    def __init__(self, wheel: TimerWheel, number: int) -> None:
        self.wheel = wheel
        self.number = number
        self._next = self._previous = self

    @property
    def first(self) -> Timer | None:
        """The timer that was set first."""
        return None if self._next is self else self._next

    def __iter__(self) -> Iterator[Timer]:
        timer = self._next
        while timer is not self:
            yield timer
            timer = timer._next

    def add(self, timer: Timer) -> None:
        """Take `timer` in, which is in no slot."""
        last = self._previous
        timer._slot, timer._previous, timer._next = self, last, self
        last._next = self._previous = timer

    def take_out(self, timer: Timer) -> None:
        """Let go of `timer`, which is in this slot."""
        timer._previous._next, timer._next._previous = timer._next, timer._previous
        del timer._previous, timer._next
        timer._slot = None


class TimerWheel:
    """Calls back at deadlines, never early and at most a tick late while the loop is not blocked.

    Time during which the loop was blocked is not held against anybody: what fell due meanwhile is
    postponed, once, by as long, so that what has arrived can be read first. A callback that raises
    is logged, and harms no other.

    An alarm stays when the timers that it was for have gone: one that finds nothing to do costs
    less than a new one for each connection that comes and goes.

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
        self._slots: dict[int, Slot] = {}
        self._order: list[int] = []
        self._count = 0
        self._alarm: Alarm | None = None
        self._alarm_slot = 0
        self._postponed: set[Timer] = set()

    def __len__(self) -> int:
        return self._count

    def call_in(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in `delay` seconds."""
        timer = Call(callback)
        self.set(timer, delay)
        return timer

    def set(self, timer: Timer, delay: float) -> None:
        """Have `timer` fire in `delay` seconds, and not when it was to fire before."""
        self._insert(timer, self._slot_at(self._clock() + min(delay, LONGEST_DELAY)))

    def remove(self, timer: Timer) -> None:
        """Forget `timer`, if it is still there."""
        if timer._slot is not None:
            self._take_out(timer, timer._slot)

    def _slot_at(self, time: float) -> int:
        return math.ceil(time / TICK)

    def _insert(self, timer: Timer, number: int) -> None:
        slot = self._slot_of(number)
        if timer._slot is not None:
            self._take_out(timer, timer._slot)
        slot.add(timer)
        self._count += 1
        if self._alarm is None or number < self._alarm_slot:
            try:
                self._set_alarm()
            except BaseException:
                self._take_out(timer, slot)
                raise

    def _slot_of(self, number: int) -> Slot:
        """Give the slot of a number, which is in the order; without memory, in neither."""
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = Slot(self, number)
            try:
                heapq.heappush(self._order, number)
            except BaseException:
                del self._slots[number]
                raise
        return slot

    def _take_out(self, timer: Timer, slot: Slot) -> None:
        slot.take_out(timer)
        self._count -= 1
        self._postponed.discard(timer)

    def _set_alarm(self) -> None:
        # Nobody waits in an emptied slot.
        while self._slots[self._order[0]].first is None:
            del self._slots[heapq.heappop(self._order)]
        number = self._order[0]
        alarm = self._wake_at(number * TICK, self._turn)
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_slot = alarm, number

    def _turn(self) -> None:
        self._alarm = None
        if not self._count:
            return
        lag = self._clock() - self._alarm_slot * TICK
        blocked = lag >= BLOCKED_LOOP
        if blocked:
            logger.warning("the event loop was blocked for %.1f s", lag)
        due: list[Slot] = []
        try:
            self._collect(due)
            for slot in due:
                self._empty(slot, lag if blocked else 0.0)
        finally:
            # What a KeyboardInterrupt or a lack of memory has left over is for the next turn.
            for timer in [timer for slot in due for timer in slot]:
                self.set(timer, 0.0)
            if self._count and self._alarm is None:
                self._set_alarm()

    def _empty(self, slot: Slot, lag: float) -> None:
        """Fire the timers of a slot, or postpone them by `lag` seconds."""
        while (timer := slot.first) is not None:  # one that fires may order off the next one
            if lag > 0 and timer not in self._postponed:
                self.set(timer, lag)
                self._postponed.add(timer)
            else:
                self._take_out(timer, slot)
                self._fire(timer)

    def _collect(self, due: list[Slot]) -> None:
        """Move the slots whose time has come to `due`."""
        # A clock may be read a hair before the time it was asked to wake at.
        now_slot = max(self._alarm_slot, math.floor(self._clock() / TICK))
        while self._order and self._order[0] <= now_slot:
            due.append(self._slots[self._order[0]])
            del self._slots[heapq.heappop(self._order)]

    def _fire(self, timer: Timer) -> None:
        try:
            timer.fire()
        except Exception:
            logger.exception("a timer failed")
