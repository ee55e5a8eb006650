"""Answers: every kind that a server can give, in every cut."""

import asyncio
import gc

import pytest

from trunkline import InvalidMessage, Limits
from trunkline.client import answer as answer_module
from trunkline.client.answer import Answer

INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nno, s"
CHUNKED = (
    b"HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
)
ENDLESS = b"HTTP/1.1 500 Oh\r\n\r\n"


async def answer_to(*reads: bytes, tunnel: bool = False) -> tuple[int, bytes, bytes]:
    """Feed reads; give status, body, and what lies behind."""
    answer = Answer(Limits(), tunnel=tunnel)
    for data in reads:
        answer.bytes_received(data)
    response, rest = await answer.received()
    return response.status_code, response.body, rest


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (SWITCHING, (101, b"", b"")),
        (SWITCHING + b"\x81\x00", (101, b"", b"\x81\x00")),
        (INTERIM + SWITCHING + b"\x81\x00", (101, b"", b"\x81\x00")),
        (REFUSAL, (403, b"no, s", b"")),
        (REFUSAL + b"more", (403, b"no, s", b"")),
        (INTERIM + REFUSAL, (403, b"no, s", b"")),
        (CHUNKED, (500, b"hello world", b"")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", b"")),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", (304, b"", b"")),
        (b"HTTP/1.0 400 \r\nContent-Length: 0\r\n\r\n", (400, b"", b"")),
    ],
)
async def test_an_answer_is_read_whole_and_byte_by_byte(
    sent: bytes, expected: tuple[int, bytes, bytes]
) -> None:
    assert await answer_to(sent) == expected
    whole = len(sent) - len(expected[2])
    pieces = [sent[at : at + 1] for at in range(whole)]
    status, body, rest = await answer_to(*pieces)
    assert (status, body, rest) == (expected[0], expected[1], b"")


async def test_the_success_of_a_tunnel_has_no_body() -> None:
    sent = b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\nrest"
    assert await answer_to(sent, tunnel=True) == (200, b"", b"rest")


async def test_a_tunnel_may_be_refused_with_words() -> None:
    assert await answer_to(REFUSAL, tunnel=True) == (403, b"no, s", b"")


async def test_a_200_is_no_success_without_a_tunnel() -> None:
    assert await answer_to(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") == (200, b"hi", b"")


async def test_a_body_without_length_ends_with_the_stream() -> None:
    answer = Answer(Limits())
    answer.bytes_received(ENDLESS + b"so ")
    answer.bytes_received(b"long")
    answer.end_received()
    answer.stream_lost(None)
    response, _ = await answer.received()
    assert response.body == b"so long"


async def test_of_an_endless_body_a_part_is_enough() -> None:
    answer = Answer(Limits(max_body=10))
    answer.bytes_received(ENDLESS + b"x" * 11)
    response, _ = await answer.received()
    assert response.body == b"x" * 10


async def test_a_body_that_stalls_does_not_hide_the_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer_module, "LINGER", 0.0)
    answer = Answer(Limits())
    answer.bytes_received(b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nlater")
    response, _ = await answer.received()
    assert (response.status_code, response.body) == (503, b"later")


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 101 Swi", INTERIM])
async def test_an_end_without_an_answer_is_told_so(sent: bytes) -> None:
    answer = Answer(Limits())
    answer.bytes_received(sent)
    answer.end_received()
    with pytest.raises(InvalidMessage, match="closed the connection without an answer") as caught:
        await answer.received()
    assert isinstance(caught.value.__cause__, EOFError)


async def test_a_stream_closed_by_nobody_is_told_so() -> None:
    answer = Answer(Limits())
    answer.stream_lost(None)
    with pytest.raises(InvalidMessage, match="without an answer"):
        await answer.received()


async def test_a_lost_stream_is_an_os_error() -> None:
    answer = Answer(Limits())
    reset = ConnectionResetError("reset")
    answer.stream_lost(reset)
    with pytest.raises(ConnectionResetError) as caught:
        await answer.received()
    assert caught.value is reset


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "this is not HTTP"),
        (b"\x15\x03\x03\x00\x02\x02\x0a", "this is not HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", "status line cannot be read"),
        (b"HTTP/1.1 099 Odd\r\n\r\n", "status line cannot be read"),
        (b"HTTP/1.1 101 OK\r\nno colon\r\n\r\n", "a line is not a header field"),
        (b"HTTP/1.1 101 OK\nUpgrade: websocket\r\n\r\n", "without a carriage return"),
        (b"HTTP/1.1 101 OK\r\nX: " + b"x" * 17_000, "head is over 16,384 bytes, limit 16,384"),
        (b"HTTP/1.1 101 OK\r\n" + b"X: y\r\n" * 65 + b"\r\n", "65 header lines, limit 64"),
        (b"HTTP/1.1 100 \r\n\r\n" * 5000, "interim answers are 16,393 bytes, limit 16,384"),
    ],
)
async def test_what_is_no_answer_is_refused_once(sent: bytes, problem: str) -> None:
    answer = Answer(Limits())
    answer.bytes_received(sent)
    answer.bytes_received(SWITCHING)
    answer.writing_resumed()
    answer.stream_lost(OSError("later"))
    with pytest.raises(InvalidMessage, match=problem):
        await answer.received()


async def test_an_error_that_nobody_waits_for_is_not_left_to_the_loop() -> None:
    """The fixture of this folder fails the test if the loop is told."""
    answer = Answer(Limits())
    answer.stream_lost(OSError("lost during the TLS handshake"))
    del answer
    gc.collect()
    await asyncio.sleep(0)
