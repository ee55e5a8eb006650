import asyncio
import os

from tests.app.running.workers.controlled import controlled
from tests.app.serving import make_app
from trunkline.app.running.workers.colleagues import Colleagues
from trunkline.app.running.workers.message import Say


async def test_others_are_reached_through_the_supervisor() -> None:
    async with controlled() as (control, boss, _):
        colleagues = Colleagues(make_app(), control, 2)
        assert colleagues.number == 2
        colleagues.disconnect("ann", 3503, "gone")
        heard = await boss.hear()
        assert heard == {"say": Say.DISCONNECT, "user": "ann", "code": 3503, "reason": "gone"}
        asking = asyncio.create_task(colleagues.snapshots())
        question = await boss.answer(snapshots=[{"pid": 1}, {"pid": 2}])
        assert question["say"] == Say.SNAPSHOTS
        assert await asking == [{"pid": 1}, {"pid": 2}]


async def test_without_a_supervisor_there_is_still_this_process() -> None:
    async with controlled() as (control, boss, _):
        colleagues = Colleagues(make_app(), control, 2)
        asking = asyncio.create_task(colleagues.snapshots())
        await boss.hear()
        boss.sock.close()
        assert [each["pid"] for each in await asking] == [os.getpid()]
