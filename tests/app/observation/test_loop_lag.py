"""How late the event loop is."""

import asyncio
import logging
import time
from unittest.mock import Mock

import pytest

from trunkline.app.observation import loop_lag
from trunkline.app.observation.loop_lag import LoopLag
from trunkline.app.observation.watchdog import Watchdog
from trunkline.engines.choose import current_engine
from trunkline.limits import BLOCKED_LOOP, LAG_INTERVAL, TICK

HANG_SECONDS = 20.0


class Measurements:
    """Takes what is measured, and says when there are enough."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self._changed = asyncio.Event()

    def __call__(self, lag: float) -> None:
        self.lags.append(lag)
        self._changed.set()

    async def have(self, count: int) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while len(self.lags) < count:
                self._changed.clear()
                await self._changed.wait()


async def test_it_measures_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "LAG_INTERVAL", 0.001)
    found = Measurements()
    lag = LoopLag(found)
    assert lag.worst == 0.0
    lag.start()
    await found.have(3)
    lag.stop()
    assert min(found.lags) >= 0.0
    assert lag.worst == max(found.lags)


async def test_a_blocked_loop_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    found = Measurements()
    lag = LoopLag(found)
    lag.start()
    with caplog.at_level(logging.INFO):
        # However the block falls, the look that it delays is late by more than the limit.
        time.sleep(BLOCKED_LOOP + LAG_INTERVAL + 2 * TICK)
        await found.have(1)
        await asyncio.sleep(TICK)
    lag.stop()
    assert found.lags[0] >= BLOCKED_LOOP
    named = [record for record in caplog.records if "the event loop was blocked" in record.message]
    assert len(named) == 1


async def test_it_goes_on_until_the_last_one_has_stopped_it() -> None:
    lag = LoopLag(lambda lag: None)
    lag.start()
    lag.start()
    assert len(current_engine().timers) == 1
    lag.stop()
    assert len(current_engine().timers) == 1
    lag.stop()
    assert len(current_engine().timers) == 0


async def test_what_was_not_started_can_be_stopped() -> None:
    lag = LoopLag(lambda lag: None)
    lag.stop()
    assert lag.worst == 0.0


async def test_a_watchdog_is_given_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "LAG_INTERVAL", 0.001)
    found, watchdog = Measurements(), Mock(spec=Watchdog)
    lag = LoopLag(found, watchdog)
    lag.start()
    await found.have(2)
    lag.stop()
    names = [name for name, _, _ in watchdog.method_calls]
    assert names[:2] == ["start", "live"]
    assert names[-1] == "stop"
