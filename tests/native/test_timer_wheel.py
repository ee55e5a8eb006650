"""What only the compiled wheel does; the contract of both twins is in tests/engines."""

from __future__ import annotations

import importlib

from tests.contracts.twins import needs
from tests.engines.virtual_clock import VirtualClock
from tests.native.starving import check_starving
from trunkline.limits import TICK

pytestmark = needs("timer_wheel")

MOST_ALLOCATIONS = 60
"""More than it takes to set a timer, and to let it go off."""


def starve() -> None:
    """Let each allocation of a timer's life fail; called in a process of its own."""
    outcomes = [is_enough(allocations) for allocations in range(MOST_ALLOCATIONS)]
    assert outcomes[-1] and not all(outcomes)


def is_enough(allocations: int) -> bool:
    """Say whether a timer is set and goes off with so many; afterwards others have to do so."""
    from trunkline.native.timer_wheel import TimerWheel

    testcapi = importlib.import_module("_testcapi")
    clock = VirtualClock()
    wheel = TimerWheel(clock.now, clock.wake_at)
    rings: list[str] = []
    testcapi.set_nomemory(allocations, allocations + 1)
    try:
        wheel.call_in(1, lambda: rings.append("scarce"))
        clock.advance(1 + TICK)
    except MemoryError:
        pass
    finally:
        testcapi.remove_mem_hooks()
    is_heard = bool(rings)
    wheel.call_in(1, lambda: rings.append("later"))
    wheel.call_in(0, lambda: rings.append("sooner"))
    clock.advance(2 + TICK)
    assert [ring for ring in rings if ring != "scarce"] == ["sooner", "later"]
    assert len(wheel) == clock.waiting == 0
    return is_heard


def test_without_memory_a_timer_is_not_set_and_others_are() -> None:
    check_starving(__name__)
