"""Clients that say nothing, or take for ever to say it (slowloris)."""

import asyncio
from itertools import cycle

from tests.faults.exchange import LIMITS, PAIRS, Diary
from tests.faults.fault_proxy import HOST, reset
from tests.faults.verdict import TICKS_SECONDS
from tests.server.wire import port_of, read_answer, request
from trunkline import Server

SLOW = 200
OPENINGS = (b"", request()[:1], request()[:-2])
"""How far they have come: not a byte, one, or all but the last line."""


async def dawdle(server: Server, opening: bytes) -> int:
    """Say the beginning of a request, and a byte each second; give the status of the answer."""
    reader, writer = await asyncio.open_connection(HOST, port_of(server))
    dripping = asyncio.create_task(drip(writer, opening))
    try:
        return (await read_answer(reader)).status_code
    finally:
        dripping.cancel()
        reset(writer)


async def drip(writer: asyncio.StreamWriter, opening: bytes) -> None:
    """Write a byte each second behind an opening."""
    writer.write(opening)
    while opening:
        await asyncio.sleep(1)
        writer.write(b"x")


async def test_slow_clients_are_told_408_at_open_timeout_and_delay_nobody() -> None:
    assert LIMITS.open_timeout is not None
    loop = asyncio.get_running_loop()
    pair, diary = PAIRS["coroutines"], Diary()
    async with pair.serving(diary) as server, asyncio.TaskGroup() as group:
        openings = zip(range(SLOW), cycle(OPENINGS), strict=False)
        slow = [group.create_task(dawdle(server, opening)) for _, opening in openings]
        # In the middle of their patience
        await asyncio.sleep(LIMITS.open_timeout / 2)
        began_at = loop.time()
        record = await pair.talk(f"ws://{HOST}:{port_of(server)}")
        assert record.closed is not None and record.closed.was_clean
        assert loop.time() == began_at
        assert not any(task.done() for task in slow)
    assert {task.result() for task in slow} == {408}
    assert LIMITS.open_timeout <= loop.time() < LIMITS.open_timeout + TICKS_SECONDS
