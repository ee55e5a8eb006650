"""The reception leaves a request to the reference, or answers exactly as the reference does."""

from __future__ import annotations

import base64
import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.twins import needs
from trunkline import InvalidMessage, Limits, RequestRefused, serve
from trunkline.connection.heads import Heads, fold
from trunkline.native import MODULES
from trunkline.protocol.date import date_of
from trunkline.protocol.handshake import Agreement, check_request, negotiate
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import (
    END_OF_HEAD,
    HeadReader,
    Request,
    Response,
    parse_request,
)
from trunkline.server.origin import check_origin
from trunkline.server.reception import SHARED_NAMES, patterns, teach
from trunkline.server.subprotocol import select_subprotocol

if "opening" in MODULES:
    from trunkline.native.opening import Reception

pytestmark = needs("opening")

thorough = settings(max_examples=max(400, settings().max_examples))

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


class NotWhole(Exception):
    """The head has no end yet."""


async def handler(ws: object) -> None:
    """Never reached."""


OPTIONS = serve(
    handler, "localhost", 0, subprotocols=["chat", "mqtt"], server_header="a/1"
)._options
SMALL = Limits(max_head=400, max_target=40, max_headers=9)

hosts = st.sampled_from(["localhost", "localhost:8000", "example.com", "[::1]", "not a host", ""])
keys = st.binary(min_size=16, max_size=16).map(lambda nonce: base64.b64encode(nonce).decode())
values: dict[str, st.SearchStrategy[str]] = {
    "Origin": st.sampled_from(["http://localhost", "http://evil.com", "null", ""]),
    "Sec-WebSocket-Protocol": st.sampled_from(["chat", "mqtt, chat", "unknown", "a b", ""]),
    "Sec-WebSocket-Extensions": st.sampled_from(
        ["permessage-deflate", "permessage-deflate; client_max_window_bits", "other", "x=;", ""]
    ),
    "User-Agent": st.text(string.printable[:95] + "äöü", max_size=20),
    "Cookie": st.sampled_from(["a=b", "session=1234", ""]),
    "Content-Length": st.sampled_from(["0", "5"]),
    "Connection": st.sampled_from(["Upgrade", "keep-alive, upgrade", "close", "a b", ""]),
    "Upgrade": st.sampled_from(["websocket", "WebSocket", "h2c, websocket", "h2c"]),
    "Sec-WebSocket-Version": st.sampled_from(["13", "8"]),
    "Host": hosts,
    "X-Other": st.sampled_from(["1", " 2", "3 ", "\t"]),
}


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Draw a request that opens a WebSocket, or nearly."""
    lines = [
        ("Host", draw(hosts)),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", draw(keys)),
        ("Sec-WebSocket-Version", "13"),
    ]
    for name in draw(st.lists(st.sampled_from(sorted(values)), max_size=4)):
        lines.append((draw(st.sampled_from([name, name.lower()])), draw(values[name])))
    target = draw(
        st.sampled_from(["/", "/chat?token=1", "http://localhost/", "/#", "/" + "x" * 30])
    )
    text = "".join(f"{name}: {value}\r\n" for name, value in draw(st.permutations(lines)))
    return f"GET {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a request with a few bytes changed, left out or put in."""
    head = bytearray(draw(heads()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(head)))
        new = draw(
            st.sampled_from([b"", b" ", b"\t", b"\r", b"\n", b"\r\n", b":", b"\0", b"a", b"="])
        )
        head[at : at + draw(st.integers(0, 2))] = new
    return bytes(head)


def reference(data: bytes, limits: Limits) -> tuple[Request, Response, Agreement, bytes, bytes]:
    """Answer as server/opening.py does, and give head and rest as well; or raise."""
    whole = HeadReader(limits.max_head).feed(data)
    if whole is None:
        raise NotWhole
    head, rest = whole
    request = parse_request(head, limits)
    upgrade = check_request(request)
    check_origin(request, OPTIONS.origins)
    subprotocol = select_subprotocol(upgrade.subprotocols, OPTIONS.subprotocols)
    agreement, response = negotiate(upgrade, subprotocol, OPTIONS.deflate)
    response.headers["Server"] = "a/1"
    response.headers["Date"] = DATE
    return request, response, agreement, head, rest


def compare(reception: Any, data: bytes, limits: Limits) -> None:
    """Ask both, and have the reception learn from the reference."""
    greeting = reception.greet(data)
    try:
        request, response, agreement, head, rest = reference(data, limits)
    except (RequestRefused, InvalidMessage, NotWhole):
        assert greeting is None
        return
    if greeting is not None:
        response.headers["Date"] = date_of(int.from_bytes(greeting.own_values[16:20], "little"))
        assert greeting.answer == response.serialize()
        assert (greeting.head, greeting.rest) == (head, rest)
        assert greeting.agreement == agreement
        assert (greeting.pattern, greeting.own_values) == fold(Heads(request, response))
        assert greeting.head + END_OF_HEAD == request.serialize()
    teach(reception, head, request, response, agreement)


@thorough
@given(
    asked=st.lists(st.one_of(heads(), damaged()), min_size=2, max_size=12),
    rest=st.sampled_from([b"", b"\x81\x80", END_OF_HEAD]),
    limits=st.sampled_from([Limits(), SMALL]),
)
def test_the_reception_answers_as_the_reference_or_not_at_all(
    asked: list[bytes], rest: bytes, limits: Limits
) -> None:
    reception = Reception(limits, date_of, SHARED_NAMES, patterns.share)
    for head in asked:
        compare(reception, head + rest, limits)


def test_the_property_is_not_empty() -> None:
    reception = Reception(Limits(), date_of, SHARED_NAMES, patterns.share)
    lines = Headers(Host="localhost", Upgrade="websocket", Connection="Upgrade")
    lines["Sec-WebSocket-Key"], lines["Sec-WebSocket-Version"] = "A" * 22 + "==", "13"
    data = Request("/", lines).serialize()
    compare(reception, data, Limits())
    assert reception.greet(data) is not None
