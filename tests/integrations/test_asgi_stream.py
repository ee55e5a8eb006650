"""A stream over ASGI: what a connection on it makes of messages, and of what it is told."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.connection.memory_stream import rounds
from trunkline.connection.connection import Connection
from trunkline.connection.setting import Setting
from trunkline.connection.state import State
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Stream
from trunkline.errors import Closer, ConnectionClosedError, ConnectionClosedOK
from trunkline.integrations.asgi_stream import AsgiStream, to_message
from trunkline.integrations.interface import Message
from trunkline.limits import Limits
from trunkline.protocol.events import Ping
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role

HANG = 60.0


ACCEPT: Message = {"type": "websocket.accept"}


class Host:
    """The server below: a test says what it receives, and sees what is sent.

    Args:
        limits: of the connection.
    """

    def __init__(self, **limits: Any) -> None:
        self.sent: list[Message] = []
        self.waiting: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self.asked = 0
        self.room = asyncio.Event()
        self.room.set()
        self.door = asyncio.Event()
        self.door.set()
        self.failure: Exception | None = None
        engine = current_engine()
        self.limits = Limits(ping_interval=None, **limits)
        scope: Any = {"client": ("there", 2), "server": ("here", 1), "user": "ann"}
        self.stream = AsgiStream(engine, scope, self.receive, self.send, self.limits)
        setting = Setting(engine, Role.SERVER, self.limits, logging.getLogger("trunkline.test"))
        self.connection = Connection(setting, self.stream)
        self.connection.open(Agreement(), None, b"")
        self.carrying = asyncio.ensure_future(self.stream.carry(ACCEPT))

    async def receive(self) -> Message:
        self.asked += 1
        message = await self.waiting.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def send(self, message: Message) -> None:
        if message is ACCEPT:
            await self.door.wait()
            return
        if self.failure is not None:
            raise self.failure
        await self.room.wait()
        self.sent.append(message)

    def say(self, **message: Any) -> None:
        self.waiting.put_nowait({"type": "websocket.receive", **message})

    def disconnect(self, **message: Any) -> None:
        self.waiting.put_nowait({"type": "websocket.disconnect", **message})

    async def over(self) -> tuple[type, int, str, Closer]:
        """Wait for the end, and say how it came."""
        async with asyncio.timeout(HANG):
            await self.carrying
        assert self.stream.is_lost
        assert self.connection.state is State.CLOSED
        error = self.connection.closed()
        return type(error), error.code, error.reason, error.closer


# Messages


async def test_messages_arrive_as_they_were_sent() -> None:
    host = Host()
    host.say(text="text")
    host.say(bytes=b"\0", text=None)
    host.say(bytes=None, text="ä")
    host.say()
    assert [await host.connection.recv() for _ in range(3)] == ["text", b"\0", "ä"]
    host.disconnect(code=1000)
    await host.over()


async def test_nothing_is_asked_and_nothing_sent_before_it_is_accepted() -> None:
    host = Host()
    host.door.clear()
    host.connection.send_soon("early")
    await rounds()
    assert (host.asked, host.sent) == (0, [])
    host.door.set()
    await rounds()
    assert host.asked == 1
    assert host.sent == [{"type": "websocket.send", "text": "early"}]
    host.disconnect(code=1000)
    await host.over()


async def test_messages_leave_as_they_were_sent() -> None:
    host = Host()
    await host.connection.send("text")
    host.connection.send_soon(b"\0")
    await host.connection.send(["in ", "fragments"])
    await rounds()
    assert host.sent == [
        {"type": "websocket.send", "text": "text"},
        {"type": "websocket.send", "bytes": b"\0"},
        {"type": "websocket.send", "text": "in fragments"},
    ]
    assert host.stream.sent == 4 + 1 + 12
    host.disconnect(code=1000)
    await host.over()


async def test_what_is_known_is_what_the_server_knows() -> None:
    host = Host()
    assert host.connection.remote_address == ("there", 2)
    assert host.connection.local_address == ("here", 1)
    assert host.connection.get_extra_info("scope")["user"] == "ann"
    assert host.connection.get_extra_info("socket") is None
    host.disconnect(code=1000)
    await host.over()


async def test_nothing_is_held_back() -> None:
    host = Host()
    host.stream.cork()
    host.stream.gather()
    await host.connection.send("x")
    await rounds()
    assert len(host.sent) == 1
    host.stream.uncork()
    host.disconnect(code=1000)
    await host.over()


# Back-pressure


async def test_sending_waits_while_the_server_does_not_take_it() -> None:
    host = Host(write_limit=1000)
    host.room.clear()
    sending = asyncio.ensure_future(host.connection.send("x" * 2000))
    await rounds()
    assert not sending.done()
    assert host.connection.buffered_amount == 2000
    host.room.set()
    await sending
    assert host.connection.buffered_amount == 0
    host.disconnect(code=1000)
    await host.over()


async def test_sending_goes_on_at_a_quarter() -> None:
    host = Host(write_limit=1000)
    host.room.clear()
    host.connection.send_soon("x" * 500)
    sending = asyncio.ensure_future(host.connection.send("x" * 600))
    await rounds()
    assert host.stream.is_writing_paused
    host.room.set()
    await sending
    assert len(host.sent) == 2
    host.disconnect(code=1000)
    await host.over()


async def test_writing_pauses_early_when_it_is_asked_to() -> None:
    host = Host()
    host.stream.pause_early()
    assert not host.stream.is_held_up and not host.stream.is_writing_paused
    host.room.clear()
    host.connection.send_soon("x")
    assert host.stream.is_held_up and not host.stream.is_writing_paused
    host.stream.pause_early()
    assert host.stream.is_writing_paused
    host.room.set()
    await host.connection.send("y")
    assert len(host.sent) == 2
    host.disconnect(code=1000)
    await host.over()


async def test_who_never_takes_anything_is_given_up() -> None:
    host = Host(max_unsent=1000, close_timeout=0.05)
    host.room.clear()
    host.connection.send_soon("x" * 2000)
    host.connection.send_soon("y")
    kind, code, reason, closer = await host.over()
    assert (kind, code, closer) == (ConnectionClosedError, 1013, Closer.LOCAL)
    assert "2,000 bytes unsent, limit 1,000" in reason
    assert host.sent == []


async def test_nothing_is_asked_for_while_much_is_unread() -> None:
    host = Host(max_queue=2)
    for number in range(5):
        host.say(text=str(number))
    await rounds()
    assert host.asked == 2
    assert [await host.connection.recv() for _ in range(5)] == list("01234")
    host.disconnect(code=1000)
    await host.over()


# Ends


@pytest.mark.parametrize(
    ("message", "kind", "code", "reason", "closer"),
    [
        ({"code": 1000}, ConnectionClosedOK, 1000, "", Closer.PEER),
        ({"code": 1005}, ConnectionClosedOK, 1005, "", Closer.PEER),
        ({}, ConnectionClosedOK, 1005, "", Closer.PEER),
        ({"code": 4000, "reason": "x"}, ConnectionClosedError, 4000, "x", Closer.PEER),
        ({"code": 1000, "reason": "ä" * 99}, ConnectionClosedOK, 1000, "ä" * 61, Closer.PEER),
        ({"code": 1006, "reason": None}, ConnectionClosedError, 1006, "", Closer.NOBODY),
    ],
)
async def test_the_end_is_as_the_server_tells_it(
    message: Message, kind: type, code: int, reason: str, closer: Closer
) -> None:
    host = Host()
    host.disconnect(**message)
    assert await host.over() == (kind, code, reason, closer)
    assert host.sent == []


async def test_a_goodbye_of_this_side_is_sent_behind_everything() -> None:
    host = Host()
    host.connection.send_soon("last")
    host.connection.close_soon(4000, "enough")
    host.connection.close_soon(4001)
    await rounds()
    assert host.sent == [
        {"type": "websocket.send", "text": "last"},
        {"type": "websocket.close", "code": 4000, "reason": "enough"},
    ]
    host.say(text="too late")
    host.disconnect(code=4000, reason="enough")
    assert await host.over() == (ConnectionClosedError, 4000, "enough", Closer.LOCAL)
    assert len(host.sent) == 2


async def test_what_is_unsent_when_the_client_leaves_is_dropped() -> None:
    host = Host(close_timeout=0.05)
    host.room.clear()
    host.connection.send_soon("under way")
    host.connection.send_soon("waiting")
    await rounds()
    host.disconnect(code=1001)
    assert (await host.over())[1] == 1001
    assert host.sent == []


async def test_a_message_that_is_too_large_ends_it_with_1009() -> None:
    host = Host(max_size=10)
    host.say(text="x" * 11)
    with pytest.raises(ConnectionClosedError):
        await host.connection.recv()
    await rounds()
    assert host.sent[0]["code"] == 1009
    host.disconnect(code=1009)
    assert (await host.over())[:2] == (ConnectionClosedError, 1009)


async def test_an_abort_is_told_as_a_failure() -> None:
    host = Host()
    host.connection.abort()
    assert await host.over() == (ConnectionClosedError, 1006, "", Closer.LOCAL)
    assert host.sent == [{"type": "websocket.close", "code": 1011}]


async def test_an_abort_before_anything_was_carried_ends_it_at_once() -> None:
    host = Host()
    host.carrying.cancel()
    host.connection.abort()
    host.carrying = asyncio.ensure_future(host.stream.carry(ACCEPT))
    assert (await host.over())[1] == 1006


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("no longer")])
async def test_a_server_that_takes_nothing_has_lost_the_client(error: Exception) -> None:
    host = Host()
    host.failure = error
    await host.connection.send("x")
    assert (await host.over())[1] == 1006
    assert host.connection.closed().__cause__ is error


async def test_a_server_that_gives_nothing_has_lost_the_client() -> None:
    host = Host()
    error = RuntimeError("no longer")
    host.waiting.put_nowait(error)
    assert (await host.over())[1] == 1006
    assert host.connection.closed().__cause__ is error
    assert host.sent == []


async def test_who_is_cancelled_loses_the_connection() -> None:
    host = Host()
    await rounds()
    host.carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await host.carrying
    assert host.connection.state is State.CLOSED


def test_a_ping_has_no_message() -> None:
    with pytest.raises(AssertionError, match="cannot be sent over ASGI"):
        to_message(Ping(b""))


async def test_it_is_a_stream() -> None:
    host = Host()
    stream: Stream = host.stream
    assert stream is host.stream
    host.disconnect(code=1000)
    await host.over()
