"""What all servers and clients of a test share."""

from __future__ import annotations

import asyncio

import pytest

from trunkline import UsageError
from trunkline.engines.choose import current_engine
from trunkline.testing.clock import Clock
from trunkline.testing.network import join_network, networks
from trunkline.testing.standstill import Standstill


async def test_the_loop_has_it_until_the_last_one_leaves() -> None:
    before = current_engine()
    first, second = join_network(None), join_network(None)
    with first as network:
        assert current_engine() is network.engine
        other = second.__enter__()
        assert other is network
    assert current_engine() is network.engine
    second.__exit__(None, None, None)
    assert current_engine() is before
    assert asyncio.get_running_loop() not in networks


async def test_its_time_waits_for_no_idle_engine_that_was_there_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    current_engine()
    patience, waits = Standstill._patience, []

    def noted(self: Standstill) -> float | None:
        waits.append(patience(self))
        return waits[-1]

    monkeypatch.setattr(Standstill, "_patience", noted)
    with join_network(None):
        await asyncio.sleep(3600)
    assert waits and set(waits) == {0.0}


async def test_it_has_one_clock() -> None:
    clock = Clock()
    with join_network(clock) as network:
        assert network.clock is clock
        with join_network(clock), join_network(None):
            pass
        with pytest.raises(UsageError, match="a loop has one clock"), join_network(Clock()):
            pass


async def test_a_clock_that_was_used_makes_no_network() -> None:
    clock = Clock()
    with join_network(clock):
        pass
    with pytest.raises(RuntimeError, match="a clock is for one test"), join_network(clock):
        pass
    assert asyncio.get_running_loop() not in networks
