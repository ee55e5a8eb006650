"""Tasks that wait for the same thing, woken together."""

import asyncio

import pytest

from tests.connection.memory_stream import rounds
from trunkline.connection.waiters import Waiters


async def test_everybody_who_waits_is_woken() -> None:
    waiters = Waiters()
    tasks = [asyncio.create_task(waiters.wait()) for _ in range(3)]
    await rounds()
    assert waiters
    assert not any(task.done() for task in tasks)
    waiters.wake()
    await asyncio.gather(*tasks)
    assert not waiters


async def test_whoever_comes_later_waits_for_the_next_time() -> None:
    waiters = Waiters()
    waiters.wake()
    task = asyncio.create_task(waiters.wait())
    await rounds()
    assert not task.done()
    waiters.wake()
    await task


async def test_one_can_be_cancelled_and_the_others_wait_on() -> None:
    waiters = Waiters()
    tasks = [asyncio.create_task(waiters.wait()) for _ in range(3)]
    await rounds()
    tasks[1].cancel()
    await rounds()
    assert [task.done() for task in tasks] == [False, True, False]
    waiters.wake()
    await asyncio.gather(tasks[0], tasks[2])
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]


async def test_one_that_is_cancelled_in_the_same_moment_disturbs_nobody() -> None:
    waiters = Waiters()
    tasks = [asyncio.create_task(waiters.wait()) for _ in range(2)]
    await rounds()
    tasks[0].cancel()
    waiters.wake()
    waiters.wake()
    await tasks[1]
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]


async def test_without_memory_for_one_the_next_call_wakes_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[asyncio.Future[None]] = []

    class Scarce(asyncio.Future[None]):
        def set_result(self, result: None) -> None:
            if not failed:
                failed.append(self)
                raise MemoryError
            super().set_result(result)

    failed: list[asyncio.Future[None]] = []

    def create_future() -> asyncio.Future[None]:
        made.append(Scarce())
        return made[-1]

    monkeypatch.setattr(asyncio.get_running_loop(), "create_future", create_future)
    waiters = Waiters()
    tasks = [asyncio.create_task(waiters.wait()) for _ in range(3)]
    await rounds()
    with pytest.raises(MemoryError):
        waiters.wake()
    waiters.wake()
    assert [future.done() for future in made].count(False) == 1
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_nobody_is_remembered_once_gone() -> None:
    waiters = Waiters()
    tasks = [asyncio.create_task(waiters.wait()) for _ in range(2)]
    await rounds()
    tasks[0].cancel()
    waiters.wake()
    await rounds()
    assert not waiters._futures
