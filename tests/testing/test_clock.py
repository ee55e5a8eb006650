"""The time of a test: it jumps when everybody waits, or moves when the test says so."""

from __future__ import annotations

import asyncio
import time

import pytest

from trunkline import InvalidState, UsageError
from trunkline.testing.clock import STUCK, Clock

NEW_YEAR = 1_767_225_600.0
DAY = 24 * 3600


async def test_a_deadline_comes_at_once_when_everybody_waits() -> None:
    clock = Clock(start=NEW_YEAR)
    began = time.monotonic()
    with clock.drive():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.get_running_loop().create_future()
        assert clock.elapsed == pytest.approx(3600)
        assert clock.now() == pytest.approx(NEW_YEAR + 3600)
    assert time.monotonic() - began < 60


async def test_everything_that_falls_due_is_done_in_its_time() -> None:
    clock = Clock(autojump=False)
    happened: list[tuple[str, float]] = []

    async def tick(name: str, seconds: float) -> None:
        for _ in range(3):
            await asyncio.sleep(seconds)
            happened.append((name, clock.elapsed))

    with clock.drive():
        tasks = [asyncio.create_task(tick("a", 2)), asyncio.create_task(tick("b", 3))]
        await clock.advance(5)
        assert happened == [("a", 2), ("b", 3), ("a", 4)]
        assert clock.elapsed == 5
        await clock.advance(4)
        assert sorted(happened[3:]) == [("a", 6), ("b", 6), ("b", 9)]
        assert all(task.done() for task in tasks)


async def test_advancing_ends_when_every_task_waits_again() -> None:
    clock = Clock()
    steps: list[int] = []

    async def walk() -> None:
        await asyncio.sleep(1)
        for step in range(50):
            await asyncio.sleep(0)
            steps.append(step)

    with clock.drive():
        task = asyncio.create_task(walk())
        await clock.advance(1)
        assert len(steps) == 50 and task.done()
        await clock.advance(0)
        assert clock.elapsed == 1


async def test_settling_takes_no_time() -> None:
    clock = Clock()
    with clock.drive():
        task = asyncio.create_task(asyncio.sleep(1))
        await clock.settle()
        assert (clock.elapsed, task.done()) == (0, False)
        await task


async def test_whoever_waits_while_the_clock_stands_is_told_so() -> None:
    clock = Clock(autojump=False)
    with clock.drive() as watchdog:
        with pytest.raises(asyncio.CancelledError, match="every task waits"):
            await asyncio.sleep(1)
        assert watchdog.complaint == STUCK
        # What is done at the end may wait.
        await asyncio.sleep(1)
    assert clock.elapsed >= 1


async def test_an_idle_loop_without_a_deadline_really_waits() -> None:
    clock = Clock()
    loop = asyncio.get_running_loop()
    with clock.drive() as watchdog:
        watchdog.leave()
        woken = loop.create_future()
        working = asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.001)
        working.add_done_callback(lambda _: loop.call_soon(woken.set_result, None))
        await woken
    assert not clock._idle(None)


async def test_afterwards_time_runs_on_and_is_never_set_back() -> None:
    loop = asyncio.get_running_loop()
    clock = Clock()
    with clock.drive():
        await clock.advance(DAY)
        late = loop.time()
    assert late <= loop.time() < late + DAY
    await asyncio.sleep(0.001)
    another = Clock()
    with another.drive():
        assert loop.time() >= late
        assert another.elapsed == 0


async def test_a_clock_is_for_one_test() -> None:
    clock = Clock()
    assert clock.elapsed == 0
    with pytest.raises(InvalidState, match=r"drives no test yet: it does so within testing\.serve"):
        await clock.advance(1)
    with clock.drive(), pytest.raises(InvalidState, match="a clock is for one test"), clock.drive():
        pass


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
async def test_time_does_not_go_back(seconds: float) -> None:
    with pytest.raises(UsageError, match="a clock is advanced by 0 or more seconds"):
        await Clock().advance(seconds)


def test_the_time_of_day_is_where_it_begins() -> None:
    assert abs(Clock().now() - time.time()) < DAY
