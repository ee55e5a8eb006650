"""A server that is closed in the middle of everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.faults.exchange import LIMITS
from tests.faults.fault_proxy import HOST, Fault, FaultProxy, reset
from tests.faults.idle_loop import until_quiet
from tests.faults.verdict import TICKS_SECONDS
from tests.server.wire import port_of, read_answer, request
from trunkline import Connection, Events, ServerConnection, connect, serve

EACH = 10
GOING_AWAY = 1001
SERVICE_UNAVAILABLE = 503


async def read_on(ws: ServerConnection) -> None:
    """Handle a connection to its end."""
    async for _ in ws:
        pass


async def linger(ws: ServerConnection) -> None:
    """Handle a connection, and do not let go of it."""
    await ws.wait_closed()
    await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def bare(port: int, opening: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """Say something to a server, and nothing else."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(opening)
    yield reader
    reset(writer)


@asynccontextmanager
async def half_open(port: int) -> AsyncIterator[Connection]:
    """Connect, and lose the line in both directions."""
    async with FaultProxy(port) as proxy:
        ws = await connect(f"ws://{HOST}:{proxy.port}", limits=LIMITS)
        await until_quiet()
        proxy.up.break_now(Fault.DROP)
        proxy.down.break_now(Fault.DROP)
        yield ws
        ws.abort()


@pytest.mark.parametrize("handler", [read_on, linger, Events])
async def test_a_server_that_is_closed_amid_everything_ends_in_time(handler: Any) -> None:
    assert LIMITS.close_timeout is not None
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        server = await serve(handler, HOST, 0, limits=LIMITS)
        port = port_of(server)
        enter = stack.enter_async_context
        opening = [await enter(bare(port, request()[:50])) for _ in range(EACH)]
        silent = [await enter(bare(port, request())) for _ in range(EACH)]
        dead = [await enter(half_open(port)) for _ in range(EACH)]
        polite = [await connect(f"ws://{HOST}:{port}", limits=LIMITS) for _ in range(EACH)]
        closing = [await connect(f"ws://{HOST}:{port}", limits=LIMITS) for _ in range(EACH)]
        await until_quiet()
        for ws in closing:
            ws.close_soon(1000)
        began_at = loop.time()
        server.close()
        await server.wait_closed()
        assert loop.time() - began_at < 2 * LIMITS.close_timeout + TICKS_SECONDS
        assert server.connections == set()
        for reader in opening:
            assert (await read_answer(reader)).status_code == SERVICE_UNAVAILABLE
        for ws in polite:
            await ws.wait_closed()
            assert (ws.close_code, ws.closed().was_clean) == (GOING_AWAY, True)
        for ws in closing:
            await ws.wait_closed()
        assert len(silent) == len(dead) == EACH
