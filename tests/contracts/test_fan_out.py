"""Sending to many, on every engine and loop, plain and over TLS: order, and slow peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contracts.meeting import HANG, HOST, Guests
from tests.engines.ear import client_context, server_context
from trunkline import (
    ClientConnection,
    CloseCode,
    ConnectionClosedError,
    ServerConnection,
    Topic,
    UsageError,
    broadcast,
    connect,
    serve,
)
from trunkline.connection.evictions import Evictions

pytestmark = pytest.mark.usefixtures("engine_name")

LISTENERS = 5
MESSAGES = [bytes([number]) * size for number, size in enumerate([1, 3000, 100_000] * 4)]
PIECE = bytes(30_000)
MANY_PIECES = 400
"""More of them than the buffers of both sockets hold, and the limits above them."""


@dataclass
class Hall:
    """Both ends of some connections to one server."""

    clients: list[ClientConnection]
    connections: list[ServerConnection]

    async def close(self) -> None:
        """Say goodbye, from the server's side."""
        for connection in self.connections:
            connection.close_soon()


@pytest.fixture(params=["plain", "tls"])
def is_tls(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tls")


@asynccontextmanager
async def fill(is_tls: bool, **options: Any) -> AsyncIterator[Hall]:
    """Let some clients connect."""
    guests = Guests()
    server_tls, client_tls = (server_context(), client_context()) if is_tls else (None, None)
    async with (
        asyncio.timeout(HANG),
        serve(guests, HOST, 0, ssl=server_tls, **options) as server,
        AsyncExitStack() as stack,
    ):
        scheme = "wss" if is_tls else "ws"
        uri = f"{scheme}://{HOST}:{server.sockets[0].getsockname()[1]}"
        hall = Hall([], [])
        for _ in range(LISTENERS):
            client = await connect(uri, ssl=client_tls, proxy=None, compression=None)
            stack.callback(client.abort)
            hall.clients.append(client)
            hall.connections.append(await guests.next())
        yield hall


async def hear(client: ClientConnection) -> list[Any]:
    """Receive everything, up to the end."""
    return [message async for message in client]


async def test_a_broadcast_reaches_all_in_order_with_what_is_sent_to_one(is_tls: bool) -> None:
    async with fill(is_tls) as hall:
        listening = [asyncio.create_task(hear(client)) for client in hall.clients]
        for message in MESSAGES:
            hall.connections[0].send_soon("before")
            broadcast(hall.connections, message)
            await asyncio.sleep(0)
        await hall.close()
        first, *others = await asyncio.gather(*listening)
    assert others == [MESSAGES] * (LISTENERS - 1)
    assert first == [each for message in MESSAGES for each in ("before", message)]


async def test_what_is_published_reaches_all_who_are_subscribed_in_order(is_tls: bool) -> None:
    async with fill(is_tls) as hall:
        topic = Topic()
        listening = [asyncio.create_task(hear(client)) for client in hall.clients]
        for connection in hall.connections[1:]:
            topic.subscribe(connection)
        for message in MESSAGES:
            topic.publish(message)
            await asyncio.sleep(0)
        await hall.close()
        first, *others = await asyncio.gather(*listening)
    assert first == []
    assert others == [MESSAGES] * (LISTENERS - 1)
    assert (topic.delivered, topic.dropped) == (len(MESSAGES) * (LISTENERS - 1), 0)


async def test_who_does_not_read_holds_nobody_up_and_catches_up(is_tls: bool) -> None:
    async with fill(is_tls) as hall:
        topic = Topic(max_backlog=2 * MANY_PIECES * len(PIECE))
        subscriptions = [topic.subscribe(connection) for connection in hall.connections]
        hall.clients[0].pause_reading()
        listening = [asyncio.create_task(hear(client)) for client in hall.clients[1:]]
        for _ in range(MANY_PIECES):
            topic.publish(PIECE)
            await asyncio.sleep(0)
        assert subscriptions[0].waiting > 0
        for connection in hall.connections[1:]:
            connection.close_soon()
        assert await asyncio.gather(*listening) == [[PIECE] * MANY_PIECES] * (LISTENERS - 1)
        hall.clients[0].resume_reading()
        assert [await hall.clients[0].recv() for _ in range(MANY_PIECES)] == [PIECE] * MANY_PIECES
        assert subscriptions[0].delivered == MANY_PIECES
    assert topic.dropped == 0


async def test_who_never_reads_is_disconnected_and_the_others_get_everything(
    is_tls: bool,
) -> None:
    async with fill(is_tls, close_timeout=1) as hall:
        topic = Topic(max_backlog=10 * len(PIECE))
        slow, *others = hall.connections
        for connection in hall.connections:
            topic.subscribe(connection)
        hall.clients[0].pause_reading()
        listening = [asyncio.create_task(hear(client)) for client in hall.clients[1:]]
        for _ in range(MANY_PIECES):
            topic.publish(PIECE)
            await asyncio.sleep(0)
        assert slow not in topic and all(connection in topic for connection in others)
        for connection in others:
            connection.close_soon()
        assert await asyncio.gather(*listening) == [[PIECE] * MANY_PIECES] * (LISTENERS - 1)
        await slow.wait_closed()
        error = slow.closed()
        assert isinstance(error, ConnectionClosedError)
        assert error.code == CloseCode.TRY_AGAIN_LATER


async def test_the_loop_goes_on_between_those_who_are_given_up(
    is_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.connection.evictions.EVICTIONS_A_ROUND", 1)
    async with fill(is_tls) as hall:
        evictions, left = Evictions(), []
        for connection in hall.connections:
            evictions.add(connection._link, "too much")
        while evictions:
            left.append(len(evictions))
            await asyncio.sleep(0)
        assert left == list(range(LISTENERS, 0, -1))
        for connection in hall.connections:
            await connection.wait_closed()
            assert connection.closed().code == CloseCode.TRY_AGAIN_LATER


async def test_an_abort_in_the_middle_touches_no_other(is_tls: bool) -> None:
    async with fill(is_tls) as hall:
        topic = Topic()
        for connection in hall.connections:
            topic.subscribe(connection)
        listening = [asyncio.create_task(hear(client)) for client in hall.clients[1:]]
        for number, message in enumerate(MESSAGES):
            if number == len(MESSAGES) // 2:
                hall.clients[0].abort()
            topic.publish(message)
            broadcast(hall.connections, message)
            await hall.connections[1].ping()
        for connection in hall.connections[1:]:
            connection.close_soon()
        heard = await asyncio.gather(*listening)
    for messages in heard:
        assert sorted(messages) == sorted(MESSAGES * 2)


async def test_another_thread_is_refused_before_anything_is_sent(is_tls: bool) -> None:
    async with fill(is_tls) as hall:
        topic = Topic()
        for connection in hall.connections[1:]:
            topic.subscribe(connection)

        async def in_another_loop() -> None:
            broadcast(hall.connections, "wrong")

        for call, wrong in (
            ("broadcast", lambda: broadcast(hall.connections, "wrong")),
            ("broadcast", lambda: asyncio.run(in_another_loop())),
            ("publish", lambda: topic.publish("wrong")),
            ("subscribe", lambda: topic.subscribe(hall.connections[0])),
        ):
            with pytest.raises(UsageError, match=f"^{call}.. was called outside of the event loop"):
                await asyncio.to_thread(wrong)
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(loop.call_soon_threadsafe, broadcast, hall.connections, "right")
        assert [await client.recv() for client in hall.clients] == ["right"] * LISTENERS
    assert topic.delivered == 0
