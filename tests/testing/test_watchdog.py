"""A test that waits in vain is ended."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.limits import TEST_PATIENCE
from trunkline.testing.clock import Clock


async def wait_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_who_waits_for_ever_is_cancelled_and_told_why() -> None:
    clock = Clock()
    with clock.drive() as watchdog:
        assert watchdog.complaint is None
        with pytest.raises(asyncio.CancelledError, match="the test has waited for 3,600 s"):
            await wait_for_ever()
        assert watchdog.complaint is not None
        watchdog.forgive()
    assert clock.elapsed >= TEST_PATIENCE


async def test_a_sign_of_life_buys_time_for_the_task_that_gives_it() -> None:
    clock = Clock()
    with clock.drive() as watchdog:

        async def be_the_test() -> None:
            watchdog.pat(10.0)
            await wait_for_ever()

        task = asyncio.create_task(be_the_test())
        await asyncio.wait([task])
        assert task.cancelled()
    assert clock.elapsed >= TEST_PATIENCE + 10


async def test_it_looks_again_where_there_was_a_sign_of_life() -> None:
    clock = Clock()
    with clock.drive() as watchdog:
        await asyncio.sleep(TEST_PATIENCE / 2)
        watchdog.pat()
        await asyncio.sleep(TEST_PATIENCE * 0.75)
        assert watchdog.complaint is None


def test_where_there_is_no_task_it_only_complains() -> None:
    loop = asyncio.new_event_loop()
    complaints: list[str | None] = []

    async def drive() -> None:
        with Clock().drive() as watchdog:
            asyncio.get_running_loop().call_soon(watchdog.pat)
            await asyncio.sleep(1)
            watchdog.bite("late")
            watchdog.forgive()
            complaints.append(watchdog.complaint)

    loop.run_until_complete(drive())
    loop.close()
    assert complaints == ["late"]
