"""A line that goes dead while nobody is talking, in one direction or in both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.faults.exchange import LIMITS, Record, RecordedEvents
from tests.faults.fault_proxy import HOST, Course, Fault, FaultProxy
from tests.faults.idle_loop import until_quiet
from tests.faults.verdict import ABNORMAL, TICKS_SECONDS
from tests.server.wire import port_of
from trunkline import Connection, ConnectionClosedError, connect, serve
from trunkline.protocol.role import Role

INTERNAL_ERROR = 1011


async def listen(ws: Connection, record: Record) -> None:
    """Read to the end."""
    try:
        await ws.recv()
    except ConnectionClosedError as closed:
        record.closed = closed
    await ws.wait_closed()
    record.end()


class Line:
    """Both sides of a conversation in which nobody says anything, and the proxy between."""

    def __init__(self, *, by_events: bool) -> None:
        self.sides = {role: Record() for role in Role}
        self._by_events = by_events

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FaultProxy]:
        """Connect, and wait for the end of both sides."""
        async with (
            serve(self._handler(), HOST, 0, limits=LIMITS) as server,
            FaultProxy(port_of(server)) as proxy,
        ):
            task = asyncio.create_task(self._connect(f"ws://{HOST}:{proxy.port}"))
            await until_quiet()
            yield proxy
            await task
            await self.sides[Role.SERVER].ended.wait()

    def _handler(self) -> Any:
        record = self.sides[Role.SERVER]
        if self._by_events:
            return lambda request: RecordedEvents(record)

        async def handler(ws: Connection) -> None:
            await listen(ws, record)

        return handler

    async def _connect(self, uri: str) -> None:
        record = self.sides[Role.CLIENT]
        if self._by_events:
            await connect(uri, events=lambda: RecordedEvents(record), limits=LIMITS)
            await record.ended.wait()
        else:
            await listen(await connect(uri, limits=LIMITS), record)


def course_to(proxy: FaultProxy, role: Role) -> Course:
    return proxy.down if role is Role.CLIENT else proxy.up


@pytest.mark.parametrize("by_events", [False, True], ids=["coroutines", "events"])
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.STALL], ids=lambda fault: fault.value)
@pytest.mark.parametrize(
    "deaf", [{Role.CLIENT}, {Role.SERVER}, set(Role)], ids=["client", "server", "both"]
)
async def test_keep_alive_ends_a_half_open_line(
    deaf: set[Role], fault: Fault, by_events: bool
) -> None:
    assert LIMITS.ping_interval is not None and LIMITS.ping_timeout is not None
    deadline = LIMITS.ping_interval + LIMITS.ping_timeout
    line = Line(by_events=by_events)
    async with line.open() as proxy:
        for role in deaf:
            course_to(proxy, role).break_now(fault)
    for role, side in line.sides.items():
        assert side.closed is not None
        [ended_at] = side.ends
        assert deadline <= ended_at < deadline + TICKS_SECONDS
        if role in deaf:
            assert (side.closed.code, side.closed.rcvd) == (ABNORMAL, None)
            assert "no answer to a ping" in side.closed.reason
            assert deadline <= side.closed.silence < deadline + TICKS_SECONDS
        else:
            assert side.closed.rcvd is not None
            assert side.closed.rcvd.code == INTERNAL_ERROR


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.STALL], ids=lambda fault: fault.value)
@pytest.mark.parametrize("deaf", Role, ids=lambda role: f"{role.value}_is_deaf")
async def test_closing_on_a_dead_line_ends_within_close_timeout(deaf: Role, fault: Fault) -> None:
    assert LIMITS.close_timeout is not None
    handled: asyncio.Queue[Connection] = asyncio.Queue()

    async def handler(ws: Connection) -> None:
        handled.put_nowait(ws)
        await ws.wait_closed()

    loop = asyncio.get_running_loop()
    async with (
        serve(handler, HOST, 0, limits=LIMITS) as server,
        FaultProxy(port_of(server)) as proxy,
    ):
        sides: dict[Role, Connection] = {}
        sides[Role.CLIENT] = await connect(f"ws://{HOST}:{proxy.port}", limits=LIMITS)
        sides[Role.SERVER] = await handled.get()
        began_at = loop.time()
        course_to(proxy, deaf).break_now(fault)
        await sides[deaf].close()
        elapsed = loop.time() - began_at
        assert LIMITS.close_timeout <= elapsed < LIMITS.close_timeout + TICKS_SECONDS
        assert sides[deaf].close_code == ABNORMAL
        assert not sides[deaf].closed().was_clean
        # The other side heard the goodbye and answered it, for all that it knows.
        other = sides[next(role for role in Role if role is not deaf)]
        await other.wait_closed()
        assert other.closed().was_clean
