"""Any bytes, in any cuts, give the same; and no exception that is not documented."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.conversations import (
    loose_conversations,
    make_endpoint,
    mutated,
    often,
    outcome,
    parameters,
    pieces_of,
    roles,
    same_in_any_cuts,
    small_limits,
    valid_conversations,
)
from trunkline.errors import InvalidHandshake, InvalidMessage, RequestRefused
from trunkline.limits import Limits
from trunkline.protocol.bodies import BodyReader
from trunkline.protocol.closing import State
from trunkline.protocol.events import Close, Failed
from trunkline.protocol.extensions import Deflate, DeflateParameters
from trunkline.protocol.handshake import accept_key, check_request, check_response, negotiate
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import HeadReader, parse_request, parse_response, refusal_for
from trunkline.protocol.role import Role

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
RESPONSE_START = re.compile(b"H")


# Frames


def receive(
    role: Role, limits: Limits, agreed: DeflateParameters | None, reads: list[bytes]
) -> tuple[list[object], State]:
    """Give the events and the state that `reads` lead to."""
    endpoint = make_endpoint(role, limits, agreed)
    events = [event for data in reads for event in endpoint.receive_bytes(data)]
    assert all(not isinstance(event, Close | Failed) for event in events[:-1])
    return [outcome(event) for event in events], endpoint.state


@often
@given(data=st.data(), role=roles, limits=small_limits, agreed=parameters)
def test_any_bytes(
    data: st.DataObject, role: Role, limits: Limits, agreed: DeflateParameters | None
) -> None:
    stream = data.draw(st.binary(max_size=200) | loose_conversations(role))
    cut = data.draw(pieces_of(stream))
    same_in_any_cuts(lambda reads: receive(role, limits, agreed, reads), stream, cut)


@often
@given(data=st.data(), role=roles, limits=small_limits, agreed=parameters)
def test_conversations_that_were_damaged(
    data: st.DataObject, role: Role, limits: Limits, agreed: DeflateParameters | None
) -> None:
    stream = data.draw(mutated(data.draw(valid_conversations(role, agreed))))
    cut = data.draw(pieces_of(stream))
    same_in_any_cuts(lambda reads: receive(role, limits, agreed, reads), stream, cut)


@often
@given(data=st.data(), role=roles, limits=small_limits, agreed=parameters)
def test_what_comes_later_changes_nothing_that_came_out_before(
    data: st.DataObject, role: Role, limits: Limits, agreed: DeflateParameters | None
) -> None:
    stream = data.draw(loose_conversations(role))
    before, _ = receive(role, limits, agreed, [stream[: data.draw(st.integers(0, len(stream)))]])
    after, _ = receive(role, limits, agreed, [stream])
    assert after[: len(before)] == before


# Heads

REQUEST_LINES = [
    "GET / HTTP/1.1",
    "GET ws://h/x?y HTTP/1.1",
    "POST / HTTP/1.1",
    "GET / HTTP/1.0",
    "GET /" + "x" * 60 + " HTTP/1.1",
    "GET /#a HTTP/1.1",
]
STATUS_LINES = ["HTTP/1.1 101 Switching Protocols", "HTTP/1.1 101", "HTTP/1.0 404 Not Found"]
HEADER_LINES = [
    *("Host: h", "Upgrade: websocket", "Connection: Upgrade", "Connection: keep-alive, Upgrade"),
    *(f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"),
    *("Sec-WebSocket-Version: 8", "Origin: http://h", "Content-Length: 0", "Content-Length: 5"),
    *("Transfer-Encoding: chunked", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: a b"),
    *("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", " folded"),
    *("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7", "X : y", "X"),
    *("Sec-WebSocket-Extensions: foo;", f"Sec-WebSocket-Accept: {accept_key(KEY)}", "X: \0"),
]
LINE_ENDS = ["\r\n"] * 20 + ["\n", "\r", "\r\r\n", "\r\n\r\n"]
head_limits = st.builds(
    Limits,
    max_head=st.integers(0, 400),
    max_target=st.integers(0, 80),
    max_headers=st.integers(0, 12),
)


@st.composite
def heads(draw: st.DrawFn, first_lines: list[str]) -> bytes:
    """Draw a head that may be all right, and may have any damage; some bytes follow it."""
    lines = [draw(st.sampled_from(first_lines)), "Host: h"]
    lines += draw(st.lists(st.sampled_from(HEADER_LINES), max_size=12))
    text = "".join(line + draw(st.sampled_from(LINE_ENDS)) for line in lines) + "\r\n"
    head = text.encode()
    return draw(st.just(head) | mutated(head)) + draw(st.binary(max_size=8))


def answer_request(limits: Limits, reads: list[bytes]) -> object:
    """Give what a server makes of a request, and the bytes behind it."""
    reader = HeadReader(limits.max_head)
    for position, data in enumerate(reads):
        try:
            whole = reader.feed(data)
            if whole is None:
                continue
            head, rest = whole
            upgrade = check_request(parse_request(head, limits))
            _, response = negotiate(upgrade, None, Deflate())
            return response.serialize(), rest + b"".join(reads[position + 1 :])
        except InvalidMessage as error:
            refused = refusal_for(error)
        except RequestRefused as error:
            refused = error
        return refused.status, refused.reason, refused.headers
    return None


def read_response(limits: Limits, reads: list[bytes]) -> object:
    """Give what a client makes of a response, and the bytes behind it."""
    reader = HeadReader(limits.max_head, RESPONSE_START)
    for position, data in enumerate(reads):
        try:
            whole = reader.feed(data)
            if whole is None:
                continue
            head, rest = whole
            agreement = check_response(parse_response(head, limits), KEY, ["a", "b"], Deflate())
            return agreement, rest + b"".join(reads[position + 1 :])
        except InvalidHandshake as error:
            return type(error), str(error)
    return None


@often
@given(data=st.data(), limits=head_limits)
def test_any_request(data: st.DataObject, limits: Limits) -> None:
    stream = data.draw(st.binary(max_size=100) | heads(REQUEST_LINES))
    cut = data.draw(pieces_of(stream))
    same_in_any_cuts(lambda reads: answer_request(limits, reads), stream, cut)


@often
@given(data=st.data(), limits=head_limits)
def test_any_response(data: st.DataObject, limits: Limits) -> None:
    stream = data.draw(st.binary(max_size=100) | heads(STATUS_LINES))
    cut = data.draw(pieces_of(stream))
    same_in_any_cuts(lambda reads: read_response(limits, reads), stream, cut)


# Bodies

CHUNKS = [
    b"0\r\n\r\n",
    b"5\r\nHello\r\n",
    b"3;a\r\n0\r\n\r\n",
    b"A",
    b"\r\n",
    b"x",
    b"5\r\n0\r\n\r\n\r\n",
]
codings = st.sampled_from(["", "chunked", "gzip, chunked", "chunked, gzip"])
lengths = st.sampled_from(["", "0", "7", "007", "+7", "x"])


def read_body(headers: Headers, max_size: int, reads: list[bytes]) -> tuple[bytes, bool]:
    """Give the body, and whether its end was seen."""
    reader = BodyReader(headers, max_size)
    is_done = any(reader.feed(data) for data in [b"", *reads])
    return reader.body(), is_done


@often
@given(data=st.data(), coding=codings, length=lengths, max_size=st.integers(0, 40))
def test_any_body(data: st.DataObject, coding: str, length: str, max_size: int) -> None:
    lines = [("Transfer-Encoding", coding), ("Content-Length", length)]
    headers = Headers((name, value) for name, value in lines if value)
    chunks = st.lists(st.sampled_from(CHUNKS), max_size=6).map(b"".join)
    stream = data.draw(st.binary(max_size=40) | chunks)
    cut = data.draw(pieces_of(stream))
    same_in_any_cuts(lambda reads: read_body(headers, max_size, reads), stream, cut)
    assert len(read_body(headers, max_size, [stream])[0]) <= max_size
