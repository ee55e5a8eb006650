import asyncio

import pytest

from tests.app.running.workers.controlled import controlled
from trunkline.app.running.workers.message import Message, Say


async def test_answers_go_to_who_has_asked_and_the_rest_is_heard() -> None:
    async with controlled() as (control, boss, messages):
        one = asyncio.create_task(control.ask(Say.SPEND, what=1))
        other = asyncio.create_task(control.ask(Say.SPEND, what=2))
        first, second = await boss.hear(), await boss.hear()
        boss.tell(Say.ANSWER, id=second["id"], value=second["what"])
        boss.tell(Say.DRAIN)
        boss.tell(Say.ANSWER, id=first["id"], value=first["what"])
        assert [(await one)["value"], (await other)["value"]] == [1, 2]
        assert messages == [{"say": Say.DRAIN}]


async def test_nobody_waits_for_a_supervisor_that_has_gone() -> None:
    async with controlled() as (control, boss, _):
        asking = asyncio.create_task(control.ask(Say.SPEND))
        await boss.hear()
        # Somebody was answered, and has not come to read that when the end is noticed.
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        answered.set_result({})
        control._asked[2] = answered
        boss.sock.close()
        with pytest.raises(ConnectionError, match="the supervisor has gone"):
            await asking
        with pytest.raises(ConnectionError, match="the supervisor has gone"):
            await control.ask(Say.SPEND)
        control.tell(Say.READY)


async def test_a_supervisor_that_goes_with_something_unread_has_gone_as_well() -> None:
    async with controlled() as (control, boss, _):
        asking = asyncio.create_task(control.ask(Say.SPEND))
        await asyncio.sleep(0)
        boss.sock.close()
        with pytest.raises(ConnectionError, match="the supervisor has gone"):
            await asking


async def test_an_answer_that_is_late_is_for_nobody() -> None:
    async with controlled() as (control, boss, messages):
        asking = asyncio.create_task(control.ask(Say.SPEND))
        question = await boss.hear()
        asking.cancel()
        boss.tell(Say.ANSWER, id=question["id"])
        boss.tell(Say.DRAIN)
        while not messages:
            await asyncio.sleep(0)
        assert asking.cancelled()
