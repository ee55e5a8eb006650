# Twin: engines/timer_wheel.py.
# Owns nothing. Runs on the loop's thread.
"""One wheel of timers for all connections of a loop: each connection sets a handful of them."""

import logging
from heapq import heappop, heappush

from libc.math cimport ceil, floor

from trunkline.limits import BLOCKED_LOOP, LONGEST_DELAY, TICK

logger = logging.getLogger("trunkline.engine")

cdef double tick = TICK
cdef double longest_delay = LONGEST_DELAY
cdef double blocked_loop = BLOCKED_LOOP


cdef class Timed:
    cdef int go_off(self) except -1:
        raise NotImplementedError

    cdef int order_off(self) except -1:
        return 0 if self.slot is None else self.slot.wheel.take_out(self)

    cdef int take_place_of(self, Timed other) except -1:
        cdef Slot slot = other.slot
        self.order_off()
        if slot is None:
            return 0
        slot.take_out(other)
        slot.add(self)
        if other in slot.wheel.postponed:
            slot.wheel.postponed.remove(other)
            slot.wheel.postponed.add(self)
        return 0


cdef class Timer(Timed):
    cdef int go_off(self) except -1:
        self.fire()
        return 0

    def fire(self):
        raise NotImplementedError

    def cancel(self):
        self.order_off()


cdef class Call(Timer):
    cdef object callback

    def __cinit__(self, callback):
        self.callback = callback

    def fire(self):
        callback, self.callback = self.callback, None
        callback()

    def cancel(self):
        self.order_off()
        self.callback = None


cdef class Slot(Timed):
    """The timers of one tick: where their ring begins and ends."""

    def __cinit__(self, TimerWheel wheel, long long number):
        self.wheel = wheel
        self.number = number
        self.next = self.previous = self

    cdef bint is_empty(self) noexcept:
        return self.next is self

    cdef int add(self, Timed timer) except -1:
        """Take `timer` in, which is in no slot."""
        cdef Timed last = self.previous
        timer.slot, timer.previous, timer.next = self, last, self
        last.next = self.previous = timer
        return 0

    cdef int take_out(self, Timed timer) except -1:
        """Let go of `timer`, which is in this slot."""
        timer.previous.next, timer.next.previous = timer.next, timer.previous
        timer.slot = timer.previous = timer.next = None
        return 0


cdef class TimerWheel:
    def __cinit__(self, clock, wake_at):
        self.clock = clock
        self.wake_at = wake_at
        self._slots = {}
        self._order = []
        self.postponed = set()

    def __len__(self):
        return self.count

    def call_in(self, double delay, callback):
        cdef Call timer = Call.__new__(Call, callback)
        self.put(timer, delay)
        return timer

    def set(self, Timed timer not None, double delay):
        self.put(timer, delay)

    cdef int put(self, Timed timer, double delay) except -1:
        return self.insert(timer, self.slot_at(<double>self.clock() + min(delay, longest_delay)))

    def remove(self, Timed timer not None):
        if timer.slot is not None:
            self.take_out(timer)

    cdef long long slot_at(self, double time) except? -1:
        return <long long>ceil(time / tick)

    cdef int insert(self, Timed timer, long long number) except -1:
        cdef Slot slot = self.slot_of(number)
        if timer.slot is not None:
            self.take_out(timer)
        slot.add(timer)
        self.count += 1
        if self.alarm is None or number < self.alarm_slot:
            try:
                self.set_alarm()
            except BaseException:
                self.take_out(timer)
                raise
        return 0

    cdef Slot slot_of(self, number):
        """Give the slot of a number, which is in the order; without memory, in neither."""
        cdef Slot slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = Slot.__new__(Slot, self, number)
            try:
                heappush(self._order, number)
            except BaseException:
                del self._slots[number]
                raise
        return slot

    cdef int take_out(self, Timed timer) except -1:
        timer.slot.take_out(timer)
        self.count -= 1
        if self.postponed:
            self.postponed.discard(timer)
        return 0

    cdef int set_alarm(self) except -1:
        cdef long long number
        # Nobody waits in an emptied slot.
        while (<Slot>self._slots[self._order[0]]).is_empty():
            del self._slots[heappop(self._order)]
        number = self._order[0]
        alarm = self.wake_at(number * tick, self.turn)
        if self.alarm is not None:
            self.alarm.cancel()
        self.alarm, self.alarm_slot = alarm, number
        return 0

    def turn(self):
        """Called by the loop, at the time of a slot."""
        cdef double lag
        cdef Slot slot
        self.alarm = None
        if not self.count:
            return
        lag = <double>self.clock() - self.alarm_slot * tick
        if lag < blocked_loop:
            lag = 0
        else:
            logger.warning("the event loop was blocked for %.1f s", lag)
        due = []
        try:
            self.collect(due)
            for slot in due:
                self.empty(slot, lag)
        finally:
            # What a KeyboardInterrupt or a lack of memory has left over is for the next turn.
            for slot in due:
                while not slot.is_empty():
                    self.put(slot.next, 0.0)
            if self.count and self.alarm is None:
                self.set_alarm()

    cdef int empty(self, Slot slot, double lag) except -1:
        """Fire the timers of a slot, or postpone them by `lag` seconds."""
        cdef Timed timer
        while not slot.is_empty():  # one that fires may order off the next one
            timer = slot.next
            if lag > 0 and timer not in self.postponed:
                self.put(timer, lag)
                self.postponed.add(timer)
            else:
                self.take_out(timer)
                self.fire(timer)
        return 0

    cdef int collect(self, list due) except -1:
        """Move the slots whose time has come to `due`."""
        # A clock may be read a hair before the time it was asked to wake at.
        cdef long long now = <long long>floor(<double>self.clock() / tick)
        now = max(now, self.alarm_slot)
        while self._order and self._order[0] <= now:
            due.append(self._slots[self._order[0]])
            del self._slots[heappop(self._order)]
        return 0

    cdef int fire(self, Timed timer) except -1:
        try:
            timer.go_off()
        except Exception:
            logger.exception("a timer failed")
        return 0
