"""The same conversation, broken at every byte of it in every way."""

import asyncio
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.faults.exchange import GREETING, MESSAGES, PAIRS, Diary, Pair, Record
from tests.faults.fault_proxy import HOST, Course, Fault, FaultProxy
from tests.faults.idle_loop import until_quiet
from tests.faults.verdict import judge
from tests.server.wire import port_of
from trunkline import Server
from trunkline.protocol.role import Role

AT_ONCE = 50
"""Conversations that break beside each other."""
HANG_SECONDS = 600.0
"""On a clock that runs only while nothing happens: what waits that long waits for ever."""
FAULTS = (Fault.STALL, Fault.DROP, Fault.END, Fault.RESET)


class Stage:
    """A server, and conversations with it through proxies of their own."""

    def __init__(self, pair: Pair, server: Server, diary: Diary) -> None:
        self._pair = pair
        self._diary = diary
        self._port = port_of(server)
        self._count = 0

    async def converse(self, up: Course, down: Course) -> tuple[Record, Record | None]:
        """Hold a conversation, and judge what came of it."""
        self._count += 1
        path = f"/{self._count:06}"
        began_at = asyncio.get_running_loop().time()
        async with FaultProxy(self._port, up=up, down=down) as proxy:
            client = await self._pair.talk(f"ws://{HOST}:{proxy.port}{path}")
            server = await self._server_record(path)
        judge(proxy, client, server, began_at)
        return client, server

    async def _server_record(self, path: str) -> Record | None:
        await until_quiet()
        record = self._diary.records.get(path)
        if record is not None:
            async with asyncio.timeout(HANG_SECONDS):
                await record.ended.wait()
        # A second end would be told by now.
        await until_quiet()
        return record


def courses(fault: Fault, sender: Role, count: int) -> Iterator[tuple[Course, Course]]:
    """Give both directions for a fault after each number of bytes of one of them."""
    for after_bytes in range(count):
        broken, whole = Course(fault, after_bytes), Course()
        yield (broken, whole) if sender is Role.CLIENT else (whole, broken)


async def measure(stage: Stage, sender: Role) -> int:
    """Hold the conversation unharmed, and count the bytes of one direction."""
    up, down = Course(), Course()
    client, server = await stage.converse(up, down)
    assert server is not None
    assert (client.messages, server.messages) == (["".join(GREETING), *MESSAGES], MESSAGES)
    return (up if sender is Role.CLIENT else down).passed_bytes


@pytest.mark.parametrize("sender", Role, ids=lambda role: f"from_{role.value}")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
async def test_a_fault_at_any_byte_ends_both_sides_in_time(
    pair: Pair, fault: Fault, sender: Role
) -> None:
    diary = Diary()
    async with pair.serving(diary) as server:
        stage = Stage(pair, server, diary)
        remaining = courses(fault, sender, await measure(stage, sender))

        while some := list(islice(remaining, AT_ONCE)):
            async with asyncio.TaskGroup() as group:
                for up, down in some:
                    group.create_task(stage.converse(up, down))
