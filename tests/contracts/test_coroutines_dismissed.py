"""What a dismissed peer has sent reaches no task, however far it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.contracts.meeting import Guests, meet, pair
from trunkline import ConnectionClosed, ConnectionClosedError, ServerConnection

pytestmark = pytest.mark.usefixtures("engine_name")

CODE = 4000


def received(ws: ServerConnection) -> int:
    return ws._setting.traffic.messages_received


async def until_received(ws: ServerConnection, count: int) -> None:
    while received(ws) < count:
        await asyncio.sleep(0)


def go_on(reader: Coroutine[Any, Any, Any]) -> Any:
    """Let a reader take its step; give what it has read."""
    try:
        reader.send(None)
    except StopIteration as read:
        return read.value
    raise AssertionError("it still waits")


@pytest.mark.parametrize(
    "read", [lambda ws: ws.recv(), lambda ws: anext(ws)], ids=["recv", "anext"]
)
async def test_a_reader_that_was_woken_and_has_not_gone_on_gets_nothing(
    read: Callable[[ServerConnection], Coroutine[Any, Any, Any]],
) -> None:
    async with pair() as (client, server):
        reader = read(server)
        waker = reader.send(None)
        for message in "abc":
            await client.send(message)
        await until_received(server, 3)
        assert waker.done()
        server.dismiss(CODE, "go")
        with pytest.raises(ConnectionClosedError) as caught:
            go_on(reader)
        assert (caught.value.code, caught.value.reason) == (CODE, "go")
        assert server._setting.traffic.discarded == 3
        with pytest.raises(ConnectionClosed, match=str(CODE)):
            await server.recv()


async def test_a_reader_that_nothing_has_woken_is_told_at_once() -> None:
    async with pair() as (_, server):
        reader = server.recv()
        waker = reader.send(None)
        assert not waker.done()
        server.dismiss(CODE)
        assert waker.done()
        with pytest.raises(ConnectionClosed, match=str(CODE)):
            go_on(reader)
        assert server._setting.traffic.discarded == 0


async def test_of_two_whose_messages_come_together_one_can_dismiss_the_other() -> None:
    heard: list[str | bytes] = []
    present: list[ServerConnection] = []
    over = asyncio.Semaphore(0)

    async def handler(ws: ServerConnection) -> None:
        present.append(ws)
        try:
            async for message in ws:
                heard.append(message)
                for other in present:
                    if other is not ws:
                        other.dismiss(CODE)
        finally:
            over.release()

    async with meet(handler) as meeting:
        clients = [await meeting.join(), await meeting.join()]
        while len(present) < len(clients):
            await asyncio.sleep(0)
        for client in clients:
            client.send_soon("hello")
        await over.acquire()
        for client in clients:
            await client.close()
        await over.acquire()
        assert heard == ["hello"]


async def test_a_full_inbox_lets_the_goodbye_of_a_dismissed_peer_come() -> None:
    guests = Guests()
    async with meet(guests, max_queue=2) as meeting:
        client = await meeting.join()
        server = await guests.next()
        for message in "abcd":
            await client.send(message)
        await until_received(server, 2)
        server.dismiss(CODE)
        await server.wait_closed()
        assert server.closed().rcvd is not None
        assert server._setting.traffic.discarded >= 2
