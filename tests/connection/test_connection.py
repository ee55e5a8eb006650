"""A connection as users hold it."""

from __future__ import annotations

import asyncio
import gc
import uuid
import weakref
from typing import Any

import pytest

from tests.connection.memory_stream import Line, advance, end_of, make_line, open_line, rounds
from trunkline.connection.connection import Connection, to_payload
from trunkline.connection.events import Events
from trunkline.connection.heads import Heads, fold
from trunkline.connection.pings import RoundTrip
from trunkline.connection.state import State
from trunkline.errors import (
    Closer,
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidState,
    UsageError,
)
from trunkline.limits import MOST_RECENT_HEADS, TICK
from trunkline.protocol.events import Binary, Close, Ping, Pong, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, Response

DEFLATE = DeflateParameters(server=Direction(), client=Direction())


class Diary(Events):
    """Takes note of messages, and of the end."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self.told.append(data)

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self.told.append(code)


async def finish(line: Line, code: int | None = 1000, reason: str = "") -> None:
    """Let the peer say goodbye, and wait for the end."""
    line.peer.close(code, reason)
    line.peer.hang_up()
    await line.connection.wait_closed()


# What is known


async def test_what_is_known_before_the_opening() -> None:
    ws = make_line().connection
    assert ws.state is State.CONNECTING
    assert ws.request is ws.response is ws.subprotocol is None
    assert ws.extensions == []
    assert (ws.close_code, ws.close_reason, ws.latency) == (None, None, 0)
    assert not ws.ends_quietly
    assert ws.logger.name == "trunkline.test"


async def test_what_was_agreed_on_is_known() -> None:
    line = make_line()
    line.connection.open(Agreement(subprotocol="chat", deflate=DEFLATE), None, b"")
    assert line.connection.subprotocol == "chat"
    assert line.connection.extensions == ["permessage-deflate"]


async def test_the_opening_handshake_can_be_asked_for_later() -> None:
    line = make_line()
    request, response = Request("/chat", Headers({"Host": "here"})), Response(101, "Welcome")
    line.connection.request, line.connection.response = request, response
    line.connection.open(Agreement(), None, b"")
    for _ in range(2):
        assert line.connection.request == request
        assert line.connection.response == response
    assert line.connection.request is line.connection.request
    assert line.connection.response is line.connection.response


async def test_what_is_set_of_an_opening_handshake_stays() -> None:
    line = make_line()
    line.connection.request = Request("/chat", Headers({"Host": "here"}))
    line.connection.response = response = Response(101, "Welcome")
    line.connection.open(Agreement(), None, b"")
    other = Request("/other", Headers())
    line.connection.request = other
    assert line.connection.request is other
    assert line.connection.response == response


async def test_who_asks_for_the_opening_handshake_does_not_keep_it() -> None:
    lines = [make_line() for _ in range(3 * MOST_RECENT_HEADS)]
    requests = []
    for line in lines:
        line.connection.request = Request("/chat", Headers({"Host": "here"}))
        line.connection.response = Response(101, "Welcome")
        line.connection.open(Agreement(), None, b"")
        requests.append(weakref.ref(line.connection.request.headers))
    gc.collect()
    assert sum(request() is not None for request in requests) <= MOST_RECENT_HEADS


async def test_both_addresses_are_known() -> None:
    ws = open_line().connection
    assert (ws.local_address, ws.remote_address) == (("here", 1), ("there", 2))
    assert ws.get_extra_info("peername") == ("there", 2)
    assert ws.get_extra_info("what nobody knows") is None
    assert repr(ws) == "<Connection ('there', 2) OPEN>"


async def test_every_connection_has_a_name_of_its_own() -> None:
    one, other = open_line().connection, open_line().connection
    assert isinstance(one.id, uuid.UUID)
    assert one.id == one.id != other.id


async def test_code_and_reason_are_known_after_the_end() -> None:
    line = open_line()
    assert line.connection.close_code is None
    await finish(line, 4000, "enough")
    assert (line.connection.close_code, line.connection.close_reason) == (4000, "enough")
    assert line.connection.state is State.CLOSED


async def test_what_has_not_left_is_counted() -> None:
    line = open_line()
    line.stream.stall()
    line.connection.send_soon("x" * 10)
    assert line.connection.buffered_amount == 12
    line.stream.flow()
    assert line.connection.buffered_amount == 0


# Receiving


@pytest.mark.parametrize(
    ("decode", "wanted"), [(None, ["ä", b"a"]), (True, ["ä", "a"]), (False, ["ä".encode(), b"a"])]
)
async def test_messages_come_as_they_were_sent_or_as_wanted(
    decode: bool | None, wanted: list[object]
) -> None:
    line = open_line()
    line.peer.text("ä")
    line.peer.binary(b"a")
    assert [await line.connection.recv(decode) for _ in range(2)] == wanted


async def test_a_binary_message_that_is_no_text_cannot_be_decoded() -> None:
    line = open_line()
    line.peer.binary(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        await line.connection.recv(decode=True)
    line.peer.text("usable")
    assert await line.connection.recv() == "usable"


async def test_recv_refuses_a_form_that_is_none() -> None:
    line = open_line()
    line.peer.text("usable")
    wrong: Any = 1
    with pytest.raises(TypeError, match="decode is True, False or None, not 1"):
        await line.connection.recv(wrong)
    assert await line.connection.recv() == "usable"


async def test_recv_is_refused_where_messages_go_to_events() -> None:
    ws = open_line(events=Events()).connection
    with pytest.raises(UsageError, match="on_message"):
        await ws.recv()


@pytest.mark.parametrize("code", [1000, 1001, None])
async def test_walking_through_the_messages_ends_with_a_goodbye(code: int | None) -> None:
    line = open_line()
    line.peer.text("a", "b")
    await finish(line, code)
    assert [message async for message in line.connection] == ["a", "b"]


async def test_walking_through_the_messages_raises_at_any_other_end() -> None:
    line = open_line()
    line.peer.text("a")
    line.stream.lose(None)
    heard = []
    with pytest.raises(ConnectionClosedError):
        async for message in line.connection:
            heard.append(message)
    assert heard == ["a"]


async def test_walking_through_the_messages_ends_quietly_where_wanted() -> None:
    line = open_line()
    line.connection.ends_quietly = True
    line.peer.text("a")
    line.stream.lose(None)
    assert [message async for message in line.connection] == ["a"]


async def test_compressed_messages_are_inflated() -> None:
    line = open_line(deflate=DEFLATE)
    line.peer.text("x" * 1_000)
    assert await line.connection.recv() == "x" * 1_000
    await line.connection.send("y" * 1_000)
    await line.connection.send("y" * 1_000, compress=False)
    assert len(line.stream.writes[0]) < 100 < len(line.stream.writes[1])
    assert line.peer.heard == [Text("y" * 1_000)] * 2


async def test_reading_is_paused_and_resumed() -> None:
    line = open_line(events=Events())
    line.connection.pause_reading()
    line.connection.pause_reading()
    assert line.stream.is_reading_paused
    line.connection.resume_reading()
    line.connection.resume_reading()
    assert not line.stream.is_reading_paused


# Sending


async def test_messages_are_sent() -> None:
    line = open_line()
    await line.connection.send("a")
    line.connection.send_soon(b"b")
    await line.connection.send(["c", "d"])
    assert line.peer.heard == [Text("a"), Binary(b"b"), Text("cd")]


async def test_a_ping_gives_the_round_trip_time() -> None:
    line = open_line()
    waiting = line.connection.ping()
    ping = line.peer.heard[0]
    assert isinstance(ping, Ping) and len(ping.payload) == 4
    line.clock.advance(0.125)
    line.peer.pong(ping.payload)
    assert await waiting == line.connection.latency == 0.125


async def test_a_ping_can_be_awaited_in_two_steps() -> None:
    line = open_line()

    async def measure() -> RoundTrip:
        waiter = await line.connection.ping(b"a")
        return await waiter

    measuring = asyncio.create_task(measure())
    await rounds()
    line.clock.advance(0.5)
    line.peer.pong(b"a")
    assert await measuring == 0.5


@pytest.mark.parametrize(
    "data", ["ä", b"\xc3\xa4", bytearray(b"\xc3\xa4"), memoryview(b"\xc3\xa4")]
)
async def test_a_ping_carries_what_it_is_given(data: Any) -> None:
    line = open_line()
    waiting = line.connection.ping(data)
    await line.connection.pong(data)
    assert line.peer.heard == [Ping("ä".encode()), Pong("ä".encode())]
    line.peer.pong("ä".encode())
    await waiting


async def test_a_payload_of_125_bytes_is_the_longest() -> None:
    line = open_line()
    waiting = line.connection.ping(bytes(125))
    with pytest.raises(ValueError, match="126 bytes, limit 125"):
        line.connection.ping(bytes(126))
    with pytest.raises(ValueError, match="126 bytes, limit 125"):
        await line.connection.pong(bytes(126))
    line.peer.pong(bytes(125))
    await waiting


@pytest.mark.parametrize("data", [5, ["a"], object()])
async def test_a_payload_is_text_or_bytes(data: Any) -> None:
    line = open_line()
    with pytest.raises(TypeError, match="a payload is str or bytes, not"):
        line.connection.ping(data)
    with pytest.raises(TypeError, match="a payload is str or bytes, not"):
        await line.connection.pong(data)
    assert line.stream.writes == []


async def test_a_payload_is_used_once_at_a_time() -> None:
    line = open_line()
    waiting = line.connection.ping(b"")
    with pytest.raises(ConcurrencyError, match="under way already"):
        line.connection.ping(b"")
    assert len(line.peer.heard) == 1
    line.peer.pong(b"")
    await waiting


async def test_pings_in_any_number_are_told_apart() -> None:
    line = open_line()
    waiting = [line.connection.ping() for _ in range(100)]
    for ping in line.peer.heard:
        assert isinstance(ping, Ping)
        line.peer.pong(ping.payload)
    assert len(await asyncio.gather(*waiting)) == 100


async def test_pings_that_are_never_answered_do_not_pile_up() -> None:
    line = open_line(ping_interval=20, ping_timeout=20)
    for _ in range(50):
        await advance(line, 20 + 2 * TICK)
        line.peer.pong(b"unasked for")
    assert len(line.peer.heard) >= 25
    assert len(line.link.pings._pending) == 1


# A lost connection


async def test_everything_that_is_awaited_on_a_lost_connection_raises_at_once() -> None:
    line = open_line()
    ws = line.connection
    line.clock.advance(3)
    line.stream.lose(ConnectionResetError())
    for call in (
        ws.recv,
        lambda: ws.send("a"),
        lambda: ws.send(["a"]),
        ws.ping,
        ws.pong,
    ):
        with pytest.raises(ConnectionClosedError) as caught:
            await call()  # type: ignore[operator]
        error = caught.value
        assert (error.code, error.reason, error.closer) == (1006, "", Closer.NOBODY)
        assert error.silence == 3
    await ws.wait_closed()
    await ws.close()


async def test_everything_that_is_being_awaited_raises_when_the_connection_is_lost() -> None:
    line = open_line(write_limit=10)
    ws = line.connection
    line.stream.stall()
    waiting = [
        asyncio.create_task(ws.recv()),
        asyncio.create_task(ws.send(bytes(20))),
        asyncio.ensure_future(ws.ping()),
    ]
    closed = asyncio.create_task(ws.wait_closed())
    await rounds()
    line.clock.advance(3)
    line.stream.lose(ConnectionResetError())
    for task in waiting:
        with pytest.raises(ConnectionClosedError) as caught:
            await task
        error = caught.value
        assert (error.code, error.closer, error.silence) == (1006, Closer.NOBODY, 3)
    await closed


async def test_the_error_tells_of_a_goodbye() -> None:
    line = open_line()
    line.peer.close(1001, "moving")
    error = line.connection.closed()
    assert isinstance(error, ConnectionClosedOK)
    assert (error.code, error.reason, error.closer) == (1001, "moving", Closer.PEER)
    assert error.rcvd == error.sent == Close(1001, "moving")


# Closing


async def test_closing_again_and_again_does_no_harm() -> None:
    line = open_line()
    closing = [asyncio.create_task(line.connection.close(4000 + n)) for n in range(3)]
    await rounds()
    line.connection.close_soon(4999)
    assert line.peer.heard == [Close(4000, "")]
    line.peer.close(4000)
    line.peer.hang_up()
    await asyncio.gather(*closing)
    await line.connection.close()
    assert end_of(line) == (ConnectionClosedError, 4000, "", Closer.LOCAL)


async def test_a_cancelled_close_goes_on_by_itself() -> None:
    line = open_line()
    closing = asyncio.create_task(line.connection.close())
    await rounds()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    line.peer.close()
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert end_of(line) == (ConnectionClosedOK, 1000, "", Closer.LOCAL)


async def test_events_of_a_dismissed_peer_are_told_of_the_end_and_of_nothing_else() -> None:
    events = Diary()
    line = open_line(events=events)
    line.peer.text("a")
    line.connection.dismiss(4000, "go")
    line.peer.text("b")
    assert line.peer.heard == [Close(4000, "go")]
    await finish(line, 4000)
    assert events.told == ["a", 4000]
    assert line.link.traffic.discarded == 0


async def test_a_peer_that_is_not_there_yet_cannot_be_dismissed() -> None:
    with pytest.raises(InvalidState):
        make_line().connection.dismiss(4000)


async def test_closing_without_a_code_sends_an_empty_close_frame() -> None:
    line = open_line()
    line.connection.close_soon(None)
    assert line.peer.heard == [Close(1005, "")]


@pytest.mark.parametrize(("code", "reason"), [(1005, ""), (1006, ""), (999, ""), (1000, "x" * 124)])
async def test_closing_with_what_must_not_be_sent_is_refused(code: int, reason: str) -> None:
    line = open_line()
    with pytest.raises(ValueError):
        await line.connection.close(code, reason)
    assert line.connection.state is State.OPEN


async def test_closing_while_another_task_receives() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    closing = asyncio.create_task(line.connection.close())
    await rounds()
    assert not reader.done()
    line.peer.close()
    line.peer.hang_up()
    await closing
    with pytest.raises(ConnectionClosedOK):
        await reader


async def test_nothing_can_be_sent_once_it_is_closing() -> None:
    line = open_line()
    line.connection.close_soon(1000, "bye")
    for call in (lambda: line.connection.send_soon("a"), lambda: line.connection.ping()):
        with pytest.raises(ConnectionClosed) as caught:
            call()
        assert (caught.value.code, caught.value.reason) == (1000, "bye")
    with pytest.raises(ConnectionClosedOK):
        await line.connection.send("a")
    with pytest.raises(ConnectionClosedOK):
        await line.connection.pong()
    assert line.peer.heard == [Close(1000, "bye")]


async def test_an_abort_cuts_at_once() -> None:
    line = open_line()
    line.connection.abort()
    line.connection.abort()
    await line.connection.wait_closed()
    assert (line.connection.close_code, line.stream.writes) == (1006, [])


# Parts


def test_a_payload_is_encoded() -> None:
    assert to_payload("ä") == to_payload("ä".encode()) == b"\xc3\xa4"
    with pytest.raises(ValueError):
        to_payload("\ud800")


async def test_a_subclass_is_named_in_its_representation() -> None:
    class Chat(Connection):
        pass

    line = make_line()
    chat = Chat(line.link.setting, line.stream)
    assert repr(chat) == "<Chat ('there', 2) CONNECTING>"


# As a context


@pytest.mark.parametrize(("error", "code"), [(None, 1000), (ZeroDivisionError, 1011)])
async def test_a_block_closes_its_connection(error: type[Exception] | None, code: int) -> None:
    line = open_line()
    async with line.connection as ws:
        assert ws is line.connection
        leaving = asyncio.create_task(ws.__aexit__(error))
        await rounds()
        assert line.peer.closed == Close(code, "")
        line.peer.close()
        line.peer.hang_up()
        await leaving


async def test_heads_may_come_folded() -> None:
    line = make_line()
    heads = Heads(Request("/?a", Headers({"Host": "here"})), Response(101, "Welcome"))
    pattern, own_values = fold(heads)
    assert isinstance(pattern, bytes)
    line.connection.keep_heads(pattern, own_values)
    line.connection.open(Agreement(), None, b"")
    assert line.connection.request == heads.request
    assert line.connection.response == heads.response
