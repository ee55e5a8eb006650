"""A peer that never reads: senders wait, queues stay short, and closing does not wait for ever."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.faults.exchange import LIMITS
from tests.faults.fault_proxy import HOST, Fault, FaultProxy
from tests.faults.idle_loop import until_quiet
from tests.faults.verdict import ABNORMAL, TICKS_SECONDS
from tests.server.wire import client_endpoint, port_of, read_answer, request, visit
from trunkline import (
    Connection,
    ConnectionClosedError,
    Events,
    Limits,
    Server,
    ServerConnection,
    connect,
    serve,
)
from trunkline.protocol.role import Role

KIB = 1024
MIB = 1024 * KIB
MESSAGE = bytes(64 * KIB)
HEAD_BYTES = 14
"""The longest head of a frame."""
KERNEL_BYTES = 64 * MIB
"""More than the kernel holds for a connection."""

senders = pytest.mark.parametrize("sender", Role, ids=lambda role: f"{role.value}_sends")


@asynccontextmanager
async def unheard(sender: Role, limits: Limits = LIMITS) -> AsyncIterator[Connection]:
    """Give one side of a connection on which nobody reads what it sends."""
    handled: asyncio.Queue[Connection] = asyncio.Queue()

    async def handler(ws: ServerConnection) -> None:
        handled.put_nowait(ws)
        await ws.wait_closed()

    async with (
        serve(handler, HOST, 0, limits=limits, compression=None) as server,
        FaultProxy(port_of(server)) as proxy,
    ):
        client = await connect(f"ws://{HOST}:{proxy.port}", limits=limits)
        accepted = await handled.get()
        course = proxy.up if sender is Role.CLIENT else proxy.down
        course.break_now(Fault.STALL)
        yield client if sender is Role.CLIENT else accepted
        client.abort()


@senders
async def test_send_waits_and_close_ends_within_close_timeout(sender: Role) -> None:
    assert LIMITS.close_timeout is not None
    loop = asyncio.get_running_loop()
    sent_bytes = 0

    async def pour(ws: Connection) -> None:
        nonlocal sent_bytes
        while sent_bytes < KERNEL_BYTES:
            await ws.send(MESSAGE)
            sent_bytes += len(MESSAGE)

    async with unheard(sender) as ws:
        pouring = asyncio.create_task(pour(ws))
        await until_quiet()
        assert not pouring.done()
        assert ws.buffered_amount <= LIMITS.write_limit + len(MESSAGE) + HEAD_BYTES
        began_at = loop.time()
        await ws.close()
        elapsed = loop.time() - began_at
        assert LIMITS.close_timeout <= elapsed < LIMITS.close_timeout + TICKS_SECONDS
        assert (ws.close_code, ws.closed().was_clean) == (ABNORMAL, False)
        with pytest.raises(ConnectionClosedError):
            await pouring


@senders
async def test_send_soon_gives_the_connection_up_at_max_unsent(sender: Role) -> None:
    limits = replace(LIMITS, max_unsent=1 * MIB)
    loop = asyncio.get_running_loop()
    most_unsent = 0
    async with unheard(sender, limits) as ws:
        began_at = loop.time()
        with pytest.raises(ConnectionClosedError, match="the peer does not read"):
            for _ in range(KERNEL_BYTES // len(MESSAGE)):
                ws.send_soon(MESSAGE)
                most_unsent = max(most_unsent, ws.buffered_amount)
                await asyncio.sleep(0)
        await ws.wait_closed()
        assert loop.time() == began_at
        assert 0 < most_unsent <= 1 * MIB + len(MESSAGE) + HEAD_BYTES


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


class Echo(Events):
    def on_message(self, ws: Connection, data: str | bytes) -> None:
        ws.send_soon(data)


async def pour_frames(server: Server) -> None:
    """Send more messages to an echo than fit anywhere, and read no answer."""
    frame = client_endpoint().send_binary(MESSAGE)
    async with visit(server) as (reader, writer):
        writer.write(request())
        await read_answer(reader)
        for _ in range(KERNEL_BYTES // len(MESSAGE)):
            writer.write(frame)
            await writer.drain()
        await asyncio.get_running_loop().create_future()


async def test_an_echo_to_a_peer_that_never_reads_takes_bounded_memory() -> None:
    assert LIMITS.close_timeout is not None
    loop = asyncio.get_running_loop()
    async with serve(echo, HOST, 0, limits=LIMITS, compression=None) as server:
        tracemalloc.start()
        try:
            pouring = asyncio.create_task(pour_frames(server))
            await until_quiet()
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert not pouring.done()
        assert peak_bytes < LIMITS.max_queue_bytes + LIMITS.write_limit + 2 * MIB
        began_at = loop.time()
        server.close()
        await server.wait_closed()
        assert loop.time() - began_at < 2 * LIMITS.close_timeout + TICKS_SECONDS
        pouring.cancel()
        await asyncio.wait([pouring])


async def test_events_that_echo_to_a_peer_that_never_reads_end_at_max_unsent() -> None:
    limits = replace(LIMITS, max_unsent=1 * MIB)
    async with serve(Echo, HOST, 0, limits=limits, compression=None) as server:
        with pytest.raises(ConnectionError):
            await pour_frames(server)
        await until_quiet()
        assert server.connections == set()
