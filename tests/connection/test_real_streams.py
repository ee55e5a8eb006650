"""Connections over real sockets and TLS, on both loops; only the handshake is missing."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import struct
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engines.ear import HANG, KINDS, End, Harbour, open_harbour
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.setting import Setting
from trunkline.connection.state import State
from trunkline.errors import Closer, ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from trunkline.limits import Limits
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role

DEFLATE = DeflateParameters(server=Direction(), client=Direction())
SOON = 0.05
"""Seconds: a deadline that a test waits for."""


@dataclass
class Call:
    """Both ends of a connection."""

    client: Connection
    server: Connection

    async def end(self) -> None:
        """Close from one side, and see that both agree."""
        async with asyncio.timeout(HANG):
            await self.client.close(1000, "done")
            await self.server.wait_closed()
        assert (self.server.close_code, self.server.close_reason) == (1000, "done")
        assert self.client.close_code == 1000


class Exchange:
    """Makes calls."""

    def __init__(self, harbour: Harbour) -> None:
        self.harbour = harbour

    async def call(
        self,
        client_events: Events | None = None,
        server_events: Events | None = None,
        deflate: DeflateParameters | None = None,
        **limits: Any,
    ) -> Call:
        client, server = await self.harbour.pair()
        chosen = Limits(**limits)
        return Call(
            self.open(client, Role.CLIENT, client_events, deflate, chosen),
            self.open(server, Role.SERVER, server_events, deflate, chosen),
        )

    def open(
        self,
        end: End,
        role: Role,
        events: Events | None = None,
        deflate: DeflateParameters | None = None,
        limits: Limits | None = None,
    ) -> Connection:
        logger = logging.getLogger("trunkline.test")
        chosen = limits or Limits(close_timeout=HANG)
        connection = Connection(Setting(self.harbour.engine, role, chosen, logger), end.stream)
        connection.open(Agreement(deflate=deflate), events, bytes(end.ear.data))
        return connection


@pytest.fixture(params=KINDS)
async def exchange(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Exchange]:
    harbour = await open_harbour(request.param, tmp_path)
    yield Exchange(harbour)
    harbour.listener.close()


@pytest.fixture
async def tcp(tmp_path: Path) -> AsyncIterator[Exchange]:
    harbour = await open_harbour("tcp", tmp_path)
    yield Exchange(harbour)
    harbour.listener.close()


@pytest.fixture(autouse=True)
async def no_hang() -> AsyncIterator[None]:
    """Cancel a test that hangs, instead of hanging with it."""

    def cancel() -> None:
        for task in asyncio.all_tasks():
            task.cancel()

    alarm = asyncio.get_running_loop().call_later(2 * HANG, cancel)
    yield
    alarm.cancel()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something has come about."""
    while not condition():
        await asyncio.sleep(0)


async def echo(ws: Connection) -> None:
    async for message in ws:
        await ws.send(message)


class Echo(Events):
    def on_message(self, ws: Connection, data: str | bytes) -> None:
        ws.send_soon(data)


# Messages


@pytest.mark.parametrize("deflate", [None, DEFLATE])
async def test_messages_of_all_sizes_come_back(
    exchange: Exchange, deflate: DeflateParameters | None
) -> None:
    call = await exchange.call(deflate=deflate)
    echoing = asyncio.create_task(echo(call.server))
    for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
        for message in ("x" * size, os.urandom(size)):
            await call.client.send(message)
            assert await call.client.recv() == message
    assert await call.client.ping() > 0
    await call.end()
    await echoing


async def test_events_echo_as_well(exchange: Exchange) -> None:
    call = await exchange.call(server_events=Echo())
    messages = [str(number) for number in range(500)]
    for message in messages:
        call.client.send_soon(message)
    assert [await call.client.recv() for _ in messages] == messages
    await call.end()


async def test_fragments_arrive_as_one_message(exchange: Exchange) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    call = await exchange.call()
    sending = asyncio.create_task(call.client.send(pieces()))
    assert await call.server.recv() == bytes(1_000_000)
    await sending
    await call.end()


async def test_two_that_send_before_they_read_wait_for_each_other_and_lose_nothing(
    exchange: Exchange,
) -> None:
    async def talk(ws: Connection) -> None:
        for number in range(40):
            await ws.send(bytes([number]) * 500_000)

    call = await exchange.call(max_queue=2)
    talking = [asyncio.create_task(talk(ws)) for ws in (call.client, call.server)]
    for link in (call.client._link, call.server._link):
        await until(lambda link=link: link.is_reading_paused and link.stream.is_writing_paused)
    assert not any(task.done() for task in talking)

    async def listen(ws: Connection) -> None:
        for number in range(40):
            assert await ws.recv() == bytes([number]) * 500_000

    await asyncio.gather(*talking, listen(call.client), listen(call.server))
    await call.end()


# Ends


async def test_either_side_may_close(exchange: Exchange) -> None:
    call = await exchange.call()
    await call.server.close(1001, "moving")
    with pytest.raises(ConnectionClosedOK) as caught:
        await call.client.recv()
    assert (caught.value.code, caught.value.closer) == (1001, Closer.PEER)
    await call.client.wait_closed()
    assert call.server.closed().closer is Closer.LOCAL


async def test_both_sides_may_close_at_once(exchange: Exchange) -> None:
    call = await exchange.call()
    await asyncio.gather(call.server.close(4000), call.client.close(4001))
    assert (call.client.close_code, call.server.close_code) == (4000, 4001)
    assert call.client.closed().was_clean and call.server.closed().was_clean


async def test_what_was_sent_before_a_close_is_received(exchange: Exchange) -> None:
    call = await exchange.call()
    messages = [bytes([number]) * 10_000 for number in range(100)]
    for message in messages:
        call.server.send_soon(message)
    closing = asyncio.create_task(call.server.close())
    assert [message async for message in call.client] == messages
    await closing
    await call.client.wait_closed()


async def test_an_abort_is_seen_as_a_loss(exchange: Exchange) -> None:
    call = await exchange.call()
    receiving = asyncio.create_task(call.client.recv())
    call.server.abort()
    with pytest.raises(ConnectionClosedError) as caught:
        await receiving
    assert (caught.value.code, caught.value.closer) == (1006, Closer.NOBODY)
    await call.client.wait_closed()
    await call.server.wait_closed()


async def test_a_close_to_a_peer_that_does_not_read_meets_its_deadline(
    exchange: Exchange,
) -> None:
    client, _ = ends = await exchange.harbour.pair()
    ends[1].stream.pause_reading()
    ws = exchange.open(client, Role.CLIENT, limits=Limits(close_timeout=SOON, max_unsent=None))
    for _ in range(16):
        ws.send_soon(bytes(1_000_000))
    await ws.close()
    assert ws.closed().reason == f"no answer to the close frame within {SOON} s"
    ends[1].stream.abort()
    await ends[1].ear.until_lost()


async def test_a_peer_that_ends_the_stream_and_reads_nothing_is_cut(tcp: Exchange) -> None:
    port = tcp.harbour.address.port
    with socket.create_connection(("127.0.0.1", port)) as raw:
        server = await tcp.harbour.accepted()
        limits = Limits(close_timeout=SOON, max_unsent=None)
        ws = tcp.open(server, Role.SERVER, limits=limits)
        for _ in range(16):
            ws.send_soon(bytes(1_000_000))
        raw.shutdown(socket.SHUT_WR)
        await ws.wait_closed()
        assert ws.close_code == 1006


async def test_a_silent_peer_is_given_up(exchange: Exchange) -> None:
    client, server = await exchange.harbour.pair()
    ws = exchange.open(client, Role.CLIENT, limits=Limits(ping_interval=SOON, ping_timeout=SOON))
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert caught.value.reason.startswith("no answer to a ping")
    await server.ear.until_end()
    server.stream.close()
    await ws.wait_closed()
    await server.ear.until_lost()


async def test_two_that_are_alive_are_not_given_up(exchange: Exchange) -> None:
    call = await exchange.call(ping_interval=SOON, ping_timeout=None)
    await until(lambda: bool(call.client.latency and call.server.latency))
    await call.end()


async def test_junk_is_answered_with_1002_and_read_to_its_end(exchange: Exchange) -> None:
    client, server = await exchange.harbour.pair()
    ws = exchange.open(server, Role.SERVER)
    client.stream.write(b"\xff" * 1_000_000)
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert caught.value.code == 1002
    await client.ear.until_end()
    assert client.ear.data[:4] == b"\x88" + client.ear.data[1:2] + (1002).to_bytes(2)
    client.stream.close()
    await ws.wait_closed()
    await client.ear.until_lost()


async def test_a_reset_is_told_to_everybody_who_waits(tcp: Exchange) -> None:
    with socket.create_connection(("127.0.0.1", tcp.harbour.address.port)) as raw:
        server = await tcp.harbour.accepted()
        ws = tcp.open(server, Role.SERVER)
        waiting = [
            asyncio.create_task(ws.recv()),
            asyncio.create_task(ws.send(bytes(16_000_000))),
            asyncio.ensure_future(ws.ping()),
        ]
        await asyncio.sleep(0)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for task in waiting:
        with pytest.raises(ConnectionClosedError) as caught:
            await task
        assert caught.value.code == 1006
        assert isinstance(caught.value.__cause__, ConnectionResetError | BrokenPipeError)
    await ws.wait_closed()


# Nothing is left over


@pytest.mark.parametrize("way", ["close", "abort", "cancel"])
async def test_a_closed_connection_is_freed(exchange: Exchange, way: str) -> None:
    call = await exchange.call(server_events=Echo())
    gone = [weakref.ref(call.client), weakref.ref(call.server)]
    task = asyncio.create_task(echo(call.client))
    await call.client.ping()
    match way:
        case "close":
            await call.server.close()
        case "abort":
            call.server.abort()
        case "cancel":
            task.cancel()
            call.client.abort()
    await asyncio.gather(call.client.wait_closed(), call.server.wait_closed())
    await asyncio.gather(task, return_exceptions=True)
    assert call.client.state is call.server.state is State.CLOSED
    assert len(exchange.harbour.engine.timers) == 0
    del call, task
    for _ in range(10):
        await asyncio.sleep(0)
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


async def test_cancelling_in_any_place_leaves_a_usable_connection(exchange: Exchange) -> None:
    call = await exchange.call(max_queue=1)
    for number in range(20):
        waiting = [
            asyncio.ensure_future(call.client.recv()),
            asyncio.ensure_future(call.client.send(bytes(100_000))),
            asyncio.ensure_future(call.client.ping()),
        ]
        for _ in range(number):
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    sending = asyncio.create_task(call.client.send("usable"))
    while await call.server.recv() != "usable":
        pass
    await sending
    await call.end()


async def test_the_error_of_an_end_does_not_depend_on_when_one_asks(exchange: Exchange) -> None:
    call = await exchange.call()
    await call.server.close(4001, "because")
    await call.client.wait_closed()
    errors = []
    for ask in (call.client.recv, lambda: call.client.send("x"), lambda: call.client.send(["x"])):
        with pytest.raises(ConnectionClosed) as caught:
            await ask()
        errors.append(str(caught.value))
    assert len(set(errors)) == 1
