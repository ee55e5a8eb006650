"""The timer wheel: few wake-ups for many timers, none of them early, none of them lost."""

from __future__ import annotations

import gc
import logging
import math
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engines.virtual_clock import VirtualAlarm, VirtualClock
from trunkline import native
from trunkline.engines import timer_wheel
from trunkline.engines.timer_wheel import Timer, TimerWheel
from trunkline.limits import BLOCKED_LOOP, TICK

HAIR = 1e-9
"""Seconds: what rounding may do to a time."""


class Bell:
    """Takes note of when it was rung."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.rings: list[float] = []

    def __call__(self) -> None:
        self.rings.append(self._clock.time)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


Twin = Any
"""The module of a wheel: the reference, or the compiled one."""
TWINS = [timer_wheel]
if "timer_wheel" in native.MODULES:
    TWINS.append(import_module("trunkline.native.timer_wheel"))


@pytest.fixture(params=TWINS, ids=lambda twin: twin.__name__.split(".")[1])
def twin(request: pytest.FixtureRequest) -> Twin:
    return request.param


@pytest.fixture
def wheel(twin: Twin, clock: VirtualClock) -> TimerWheel:
    wheel: TimerWheel = twin.TimerWheel(clock.now, clock.wake_at)
    return wheel


@pytest.fixture
def bell(clock: VirtualClock) -> Bell:
    return Bell(clock)


# In time


@pytest.mark.parametrize("twin", TWINS)
@given(delays=st.lists(st.floats(min_value=0, max_value=30), min_size=1, max_size=30))
def test_a_timer_is_never_early_and_at_most_a_tick_late(twin: Twin, delays: list[float]) -> None:
    clock = VirtualClock()
    wheel = twin.TimerWheel(clock.now, clock.wake_at)
    late: list[float] = []
    for delay in delays:
        deadline = clock.time + delay
        wheel.call_in(delay, lambda deadline=deadline: late.append(clock.time - deadline))
    clock.advance(31)
    assert len(late) == len(delays)
    assert min(late) >= -HAIR and max(late) <= TICK + HAIR
    assert len(wheel) == clock.waiting == 0


@pytest.mark.parametrize("delay", [math.inf, 1e300, 1e18])
def test_a_timer_that_is_never_to_be_called_is_not(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell, delay: float
) -> None:
    never = Bell(clock)
    wheel.call_in(delay, never)
    wheel.set(wheel.call_in(1, never), delay)
    wheel.call_in(20, bell)
    clock.advance(1e6)
    assert (len(bell.rings), never.rings, len(wheel)) == (1, [], 2)


def test_a_timer_is_called_once(clock: VirtualClock, wheel: TimerWheel, bell: Bell) -> None:
    wheel.call_in(1, bell)
    clock.advance(10)
    assert len(bell.rings) == 1


def test_an_earlier_timer_is_not_kept_waiting_by_a_later_one(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    start = clock.time
    wheel.call_in(20, bell)
    wheel.call_in(1, bell)
    clock.advance(30)
    assert [round(ring - start) for ring in bell.rings] == [1, 20]


def test_a_timer_that_is_set_again_does_not_delay_the_next_slot(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    start = clock.time
    wheel.call_in(1, lambda: wheel.call_in(20, bell) and None)
    wheel.call_in(2, bell)
    clock.advance(30)
    assert [round(ring - start) for ring in bell.rings] == [2, 21]


def test_a_timer_without_delay_may_be_set_while_the_wheel_turns(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    wheel.call_in(1, lambda: wheel.call_in(0, bell) and None)
    clock.advance(1 + 2 * TICK)
    assert len(bell.rings) == 1


def test_a_clock_that_is_read_a_hair_too_early_loses_no_timer(twin: Twin, bell: Bell) -> None:
    clock = VirtualClock()
    wheel = twin.TimerWheel(lambda: clock.time - HAIR, clock.wake_at)
    wheel.call_in(1, bell.rings.clear)
    wheel.call_in(1, lambda: bell.rings.append(clock.time))
    clock.advance(1 + TICK)
    assert len(bell.rings) == 1


# Few


def test_many_timers_share_few_slots(clock: VirtualClock, wheel: TimerWheel, bell: Bell) -> None:
    seconds, connections = 20, 10_000
    for _ in range(connections):
        clock.advance(seconds / connections)
        wheel.call_in(seconds, bell)
    assert len(wheel) == connections
    assert clock.waiting == 1
    orders = clock.orders
    clock.advance(seconds + TICK)
    assert len(bell.rings) == connections
    assert clock.orders - orders <= seconds / TICK + 1


def test_a_cancelled_timer_is_not_called(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    wheel.call_in(1, bell).cancel()
    wheel.call_in(2, bell)
    clock.advance(5)
    assert [math.floor(ring - 1_000) for ring in bell.rings] == [2]


def test_timers_that_come_and_go_order_one_alarm(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    for _ in range(100):
        wheel.call_in(10, bell).cancel()
        clock.advance(TICK)
    assert clock.orders == 1
    assert len(wheel) == 0


def test_an_alarm_that_finds_nothing_orders_no_other(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    timers = [wheel.call_in(delay, bell) for delay in (1, 1, 2)]
    for timer in timers:
        timer.cancel()
    assert len(wheel) == 0
    clock.block(10)
    assert clock.waiting == 0
    assert (bell.rings, caplog.records) == ([], [])


def test_a_wheel_that_stood_still_turns_again(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    start = clock.time
    wheel.call_in(1, bell).cancel()
    clock.advance(5)
    wheel.call_in(1, bell)
    clock.advance(5)
    assert [round(ring - start) for ring in bell.rings] == [6]


def test_a_timer_can_be_cancelled_twice_and_after_its_call(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    called, twice, other = (wheel.call_in(1, bell) for _ in range(3))
    twice.cancel()
    twice.cancel()
    clock.advance(2)
    called.cancel()
    other.cancel()
    assert len(bell.rings) == 2
    assert len(wheel) == 0


def test_a_cancelled_slot_is_passed_over_in_silence(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    first, middle = wheel.call_in(1, bell), wheel.call_in(2, bell)
    wheel.call_in(3, bell)
    middle.cancel()
    clock.advance(1.5)
    assert len(bell.rings) == 1
    orders = clock.orders
    clock.advance(5)
    assert len(bell.rings) == 2
    assert clock.orders == orders
    first.cancel()


def test_setting_and_cancelling_for_ever_takes_no_memory(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    wheel.call_in(60, bell)
    for _ in range(1_000):
        wheel.call_in(10, bell).cancel()
    assert len(wheel) == 1
    assert len(wheel._order) == len(wheel._slots) == 2


def test_a_cancelled_timer_lets_go_of_its_callback(wheel: TimerWheel, clock: VirtualClock) -> None:
    bell = Bell(clock)
    gone = weakref.ref(bell)
    timer = wheel.call_in(10, bell)
    wheel.call_in(20, lambda: None)
    timer.cancel()
    del bell
    gc.collect()
    assert gone() is None


# Callbacks that disturb


def test_a_callback_may_cancel_another_one_of_its_slot(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    timers: list[Timer] = []
    wheel.call_in(1, lambda: timers[0].cancel())
    timers.append(wheel.call_in(1, bell))
    clock.advance(2)
    assert bell.rings == []
    assert len(wheel) == 0


def test_a_callback_may_cancel_the_last_timer(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    wheel.call_in(1, lambda: last.cancel())
    last = wheel.call_in(2, bell)
    clock.advance(3)
    assert bell.rings == []
    assert len(wheel) == clock.waiting == 0


def test_a_callback_that_raises_is_logged_and_harms_no_other(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    wheel.call_in(1, lambda: [][0])
    wheel.call_in(1, bell)
    wheel.call_in(2, bell)
    clock.advance(3)
    assert len(bell.rings) == 2
    assert [record.message for record in caplog.records] == ["a timer failed"]


def test_what_is_left_over_by_an_interrupt_is_for_the_next_turn(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    wheel.call_in(1, interrupt)
    wheel.call_in(1, bell)
    with pytest.raises(KeyboardInterrupt):
        clock.advance(2)
    clock.advance(TICK)
    assert len(bell.rings) == 1
    assert len(wheel) == clock.waiting == 0


def test_without_memory_for_its_alarm_a_timer_is_not_set_and_others_go_off(
    twin: Twin, clock: VirtualClock, bell: Bell
) -> None:
    errors: list[MemoryError] = []

    def wake_at(time: float, callback: Callable[[], None]) -> VirtualAlarm:
        if errors:
            raise errors.pop()
        return clock.wake_at(time, callback)

    start = clock.time
    wheel = twin.TimerWheel(clock.now, wake_at)
    wheel.call_in(5, bell)
    errors.append(MemoryError())
    with pytest.raises(MemoryError):
        wheel.call_in(1, bell)
    assert len(wheel) == 1
    clock.advance(6)
    assert [round(ring - start) for ring in bell.rings] == [5]


# Timers that are set again


class Ringing:
    """What makes a timer take note of when it fires."""

    bell: Bell

    def fire(self) -> None:
        self.bell()


@pytest.fixture
def reminder(twin: Twin, bell: Bell) -> Any:
    reminder = type("Reminder", (Ringing, twin.Timer), {})()
    reminder.bell = bell
    return reminder


def test_a_timer_that_is_set_again_fires_at_the_later_deadline_only(
    clock: VirtualClock, wheel: TimerWheel, reminder: Any
) -> None:
    start = clock.time
    wheel.set(reminder, 1)
    wheel.set(reminder, 5)
    assert len(wheel) == 1
    clock.advance(10)
    assert [round(ring - start) for ring in reminder.bell.rings] == [5]


def test_a_timer_can_be_set_again_after_it_fired_and_after_it_was_cancelled(
    clock: VirtualClock, wheel: TimerWheel, reminder: Any
) -> None:
    start = clock.time
    wheel.set(reminder, 1)
    clock.advance(2)
    wheel.set(reminder, 1)
    reminder.cancel()
    clock.advance(2)
    wheel.set(reminder, 1)
    clock.advance(2)
    assert [round(ring - start) for ring in reminder.bell.rings] == [1, 5]


def test_without_memory_for_its_slot_a_timer_fires_when_it_was_to_before(
    monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    wheel, bell, other = timer_wheel.TimerWheel(clock.now, clock.wake_at), Bell(clock), Bell(clock)
    start = clock.time
    timer = wheel.call_in(1, bell)
    with monkeypatch.context() as scarce:
        scarce.setattr(timer_wheel.heapq, "heappush", Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            wheel.set(timer, 5)
    wheel.call_in(5, other)
    assert len(wheel) == 2
    clock.advance(10)
    assert [round(ring - start) for ring in bell.rings + other.rings] == [1, 5]


def test_a_timer_that_is_not_set_can_be_removed(wheel: TimerWheel, reminder: Any) -> None:
    wheel.remove(reminder)
    assert len(wheel) == 0


def test_what_a_timer_does_is_up_to_its_kind(twin: Twin) -> None:
    with pytest.raises(NotImplementedError):
        twin.Timer().fire()


# A blocked loop


def test_a_blocked_loop_is_named_and_its_timers_are_postponed_once(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    start = clock.time
    wheel.call_in(1, bell)
    clock.block(6)
    assert bell.rings == []
    assert [record.message for record in caplog.records] == ["the event loop was blocked for 5.0 s"]
    assert caplog.records[0].levelno == logging.WARNING
    clock.block(10)
    assert [ring - start for ring in bell.rings] == [16]


def test_a_postponed_timer_can_be_cancelled(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    timer = wheel.call_in(1, bell)
    clock.block(6)
    timer.cancel()
    clock.advance(60)
    assert bell.rings == []
    assert len(wheel) == clock.waiting == 0


def test_a_timer_that_is_not_due_is_not_postponed(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell
) -> None:
    start = clock.time
    wheel.call_in(1, lambda: None)
    wheel.call_in(7, bell)
    clock.block(6)
    clock.advance(3)
    assert [round(ring - start) for ring in bell.rings] == [7]


def test_a_short_delay_is_not_called_a_block(
    clock: VirtualClock, wheel: TimerWheel, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    wheel.call_in(1, bell)
    clock.block(1 + BLOCKED_LOOP - 2 * TICK)
    assert len(bell.rings) == 1
    assert caplog.records == []
