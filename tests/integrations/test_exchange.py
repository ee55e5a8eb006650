"""What an application receives and may send, stage by stage."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.connection.memory_stream import rounds
from tests.integrations.exchanging import Visit
from trunkline.close_codes import CloseCode
from trunkline.errors import Closer, ConnectionClosedError
from trunkline.integrations.exchange import ClientDisconnected, outcome
from trunkline.protocol.events import Binary, Close, Text

CONNECT = {"type": "websocket.connect"}
NEVER = {"type": "websocket.disconnect", "code": 1006, "reason": ""}
CLOSE = {"type": "websocket.close"}
START = {"type": "websocket.http.response.start", "status": 404}
BODY = {"type": "websocket.http.response.body", "body": b"none"}
SEND = {"type": "websocket.send", "text": "x"}


# Accepting


async def test_an_application_is_told_of_the_connection_and_then_of_messages() -> None:
    visit = Visit()
    assert await visit.exchange.receive() == CONNECT
    await visit.accept(headers=[(b"x-own", b"1")])
    assert visit.answer.startswith(b"HTTP/1.1 101 ")
    assert b"server: s\r\n" in visit.answer
    assert b"x-own: 1\r\n" in visit.answer
    assert visit.told == ["[accepted]"]
    visit.peer.text("hello")
    visit.peer.binary(b"\0")
    assert await visit.exchange.receive() == {"type": "websocket.receive", "text": "hello"}
    assert await visit.exchange.receive() == {"type": "websocket.receive", "bytes": b"\0"}
    visit.stream.abort()
    await rounds()
    assert visit.losses == [visit.exchange._connection]


async def test_who_accepts_before_it_listens_is_told_all_the_same() -> None:
    visit = Visit()
    await visit.accept(headers=None, subprotocol=None)
    visit.peer.text("hello")
    assert await visit.exchange.receive() == CONNECT
    assert (await visit.exchange.receive())["text"] == "hello"


async def test_who_listens_in_another_task_waits_until_it_is_accepted() -> None:
    visit = Visit()
    assert await visit.exchange.receive() == CONNECT
    listening = asyncio.ensure_future(visit.exchange.receive())
    await rounds()
    assert not listening.done()
    await visit.accept()
    visit.peer.text("hello")
    assert (await listening)["text"] == "hello"


async def test_what_comes_too_early_is_kept_and_more_is_not_read() -> None:
    visit = Visit()
    visit.exchange.bytes_received(visit.peer.endpoint.send_text("early"))
    assert visit.stream.is_reading_paused
    visit.exchange.writing_resumed()
    await visit.accept()
    assert not visit.stream.is_reading_paused
    assert await visit.exchange.receive() == CONNECT
    assert (await visit.exchange.receive())["text"] == "early"


async def test_a_subprotocol_is_one_that_was_offered() -> None:
    visit = Visit(Sec_WebSocket_Protocol="x, y")
    with pytest.raises(ValueError, match="'z' was not offered"):
        await visit.accept(subprotocol="z")
    await visit.accept(subprotocol="y")
    assert b"Sec-WebSocket-Protocol: y\r\n" in visit.answer


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ((b"sec-websocket-protocol", b"x"), "belongs to the opening handshake"),
        ((b"x-own", b"a\r\nb"), "has a character that may not be in one"),
    ],
)
async def test_a_header_that_would_break_the_answer_is_refused(
    header: tuple[bytes, bytes], words: str
) -> None:
    visit = Visit()
    with pytest.raises(ValueError, match=words):
        await visit.accept(headers=[header])
    assert visit.stream.writes == []


# Sending


async def test_messages_are_sent_as_text_or_binary() -> None:
    visit = Visit()
    await visit.accept()
    await visit.exchange.send({"type": "websocket.send", "text": "x", "bytes": None})
    await visit.exchange.send({"type": "websocket.send", "text": None, "bytes": b""})
    assert visit.peer.heard == [Text("x"), Binary(b"")]


async def test_a_message_with_nothing_in_it_is_a_mistake() -> None:
    visit = Visit()
    await visit.accept()
    with pytest.raises(TypeError, match="not None"):
        await visit.exchange.send({"type": "websocket.send"})


async def test_sending_waits_for_room() -> None:
    visit = Visit()
    await visit.accept()
    visit.stream.stall()
    sending = asyncio.ensure_future(visit.exchange.send({**SEND, "text": "x" * 2000}))
    await rounds()
    assert not sending.done()
    visit.stream.flow()
    await sending


@pytest.mark.parametrize(
    ("before", "message", "words"),
    [
        ([], SEND, "'websocket.accept', 'websocket.close' or"),
        ([], BODY, "'websocket.accept', 'websocket.close' or"),
        ([{"type": "websocket.accept"}], START, "'websocket.send' and 'websocket.close'"),
        ([{"type": "websocket.accept"}, CLOSE], SEND, "nothing follows 'websocket.close'"),
        ([{"type": "websocket.accept"}, CLOSE], CLOSE, "nothing follows 'websocket.close'"),
        ([CLOSE], SEND, "nothing follows 'websocket.close'"),
        ([START], SEND, "'websocket.http.response.body' follows"),
        ([START, BODY], BODY, "nothing follows 'websocket.close' or the end of a response"),
    ],
)
async def test_a_message_out_of_place_is_a_mistake(
    before: list[Any], message: Any, words: str
) -> None:
    visit = Visit()
    for earlier in before:
        await visit.exchange.send(earlier)
    with pytest.raises(RuntimeError, match=re.escape(words)):
        await visit.exchange.send(message)


# Refusing


async def test_closing_refuses_who_was_not_accepted() -> None:
    visit = Visit()
    await visit.exchange.receive()
    listening = asyncio.ensure_future(visit.exchange.receive())
    await rounds()
    await visit.exchange.send(CLOSE)
    assert visit.answer.startswith(b"HTTP/1.1 403 ")
    assert visit.told == ["403"]
    assert await listening == NEVER
    visit.stream.arrive(None)
    await rounds()
    assert visit.losses == [None]


async def test_a_response_may_be_sent_instead() -> None:
    visit = Visit()
    await visit.exchange.send(START)
    await visit.exchange.send({**BODY, "more_body": True})
    assert visit.stream.writes == []
    await visit.exchange.send(BODY)
    assert visit.answer.startswith(b"HTTP/1.1 404 Not Found\r\nserver: s\r\n")
    assert visit.answer.endswith(b"\r\n\r\nnonenone")
    assert visit.told == ["404"]


async def test_a_client_that_left_can_be_sent_nothing() -> None:
    visit = Visit()
    await visit.exchange.receive()
    visit.stream.arrive(None)
    await rounds()
    assert visit.losses == [None]
    assert await visit.exchange.receive() == NEVER
    assert visit.exchange.ending == Close(1006, "")
    with pytest.raises(ClientDisconnected, match="the client is gone"):
        await visit.exchange.send({"type": "websocket.accept"})


# Ends


async def test_the_clients_goodbye_is_told_again_and_again() -> None:
    visit = Visit()
    await visit.exchange.receive()
    await visit.accept()
    visit.peer.close(4001, "words")
    for _ in range(2):
        message = await visit.exchange.receive()
        assert message == {"type": "websocket.disconnect", "code": 4001, "reason": "words"}
    assert visit.exchange.ending == Close(4001, "words")
    with pytest.raises(ClientDisconnected, match="4001"):
        await visit.exchange.send(SEND)


async def test_an_application_closes_with_its_code() -> None:
    visit = Visit()
    await visit.accept()
    await visit.exchange.receive()
    await visit.exchange.send({**CLOSE, "code": 4000, "reason": None})
    assert visit.peer.closed == Close(4000, "")
    visit.peer.close(4000)
    assert (await visit.exchange.receive())["code"] == 4000


async def test_without_a_code_it_is_1000() -> None:
    visit = Visit()
    await visit.accept()
    await visit.exchange.send(CLOSE)
    assert visit.peer.closed == Close(1000, "")


async def test_a_line_that_is_lost_is_1006() -> None:
    visit = Visit()
    await visit.accept()
    await visit.exchange.receive()
    visit.stream.lose(OSError("cut"))
    assert (await visit.exchange.receive())["code"] == 1006


def test_who_ended_it_has_the_word() -> None:
    ours, theirs = Close(1, "ours"), Close(2, "theirs")

    def error(closer: Closer, sent: Close | None, rcvd: Close | None) -> ConnectionClosedError:
        return ConnectionClosedError(1006, "why", closer, 0.0, rcvd=rcvd, sent=sent)

    assert outcome(error(Closer.LOCAL, ours, theirs)) is ours
    assert outcome(error(Closer.PEER, ours, theirs)) is theirs
    assert outcome(error(Closer.LOCAL, None, theirs)) == Close(1006, "why")
    assert outcome(error(Closer.NOBODY, None, None)) == Close(1006, "why")


# Shutting down, and leaving things undone


async def test_at_shutdown_an_open_connection_is_closed_with_1012() -> None:
    visit = Visit()
    await visit.accept()
    visit.exchange.shut_down()
    assert visit.peer.closed == Close(1012, "")


async def test_at_shutdown_who_was_not_accepted_is_told_when_to_come_back() -> None:
    visit = Visit()
    visit.exchange.shut_down()
    visit.exchange.shut_down()
    assert visit.answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 5\r\n" in visit.answer
    assert len(visit.stream.writes) == 1
    with pytest.raises(ClientDisconnected):
        await visit.exchange.send({"type": "websocket.accept"})


async def test_what_is_left_open_is_closed() -> None:
    visit = Visit()
    await visit.accept()
    assert not visit.exchange.finish(CloseCode.INTERNAL_ERROR)
    assert visit.peer.closed == Close(1011, "")


@pytest.mark.parametrize("begun", [[], [START]])
async def test_who_is_left_without_an_answer_gets_one(begun: list[Any]) -> None:
    visit = Visit()
    for message in begun:
        await visit.exchange.send(message)
    assert visit.exchange.finish(CloseCode.NORMAL_CLOSURE)
    assert visit.answer.startswith(b"HTTP/1.1 500 ")
    assert not visit.exchange.finish(CloseCode.NORMAL_CLOSURE)
