"""The reception: it repeats what the reference has answered, and nothing else."""

from __future__ import annotations

import base64
import random
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.server.wire import KEY, request
from trunkline import Limits, native
from trunkline.limits import LARGEST_TERMS, MOST_TERMS
from trunkline.protocol.date import date_of
from trunkline.protocol.handshake import Agreement, accept_key

if "opening" in native.MODULES:
    from trunkline.native.opening import Reception

pytestmark = needs("opening")

AGREEMENT = Agreement(subprotocol="chat")
ANSWER = b"HTTP/1.1 101 Yes\r\nAccept: ", b"\r\nDate: ", b"\r\n\r\n"
PATTERN = b"101 Yes\r\nAccept=\r\nDate@"
LIMITS = Limits()
MANY = 1_000


def new_reception(limits: Limits = LIMITS) -> Any:
    return Reception(limits, date_of, frozenset({b"host", b"upgrade"}), lambda data: data)


def taught(head: bytes, limits: Limits = LIMITS) -> Any:
    """Make a reception that has seen `head`."""
    reception = new_reception(limits)
    reception.learn(head, AGREEMENT, ANSWER, PATTERN)
    return reception


def changed(head: bytes, old: bytes, new: bytes) -> bytes:
    assert head.count(old) == 1
    return head.replace(old, new)


def answer_to(key: str, greeting: Any) -> bytes:
    """Make the answer, with the date that the connection remembers."""
    second = int.from_bytes(greeting.own_values[16:20], "little")
    return accept_key(key).encode().join(ANSWER[:2]) + date_of(second).encode() + ANSWER[2]


# What is answered


def test_who_asks_the_same_is_answered_the_same() -> None:
    key = base64.b64encode(b"another nonce 16").decode()
    greeting = taught(request()).greet(request(Sec_WebSocket_Key=key))
    assert greeting.answer == answer_to(key, greeting)
    assert greeting.agreement is AGREEMENT


def test_nobody_is_answered_before_the_reference_has_answered() -> None:
    assert new_reception().greet(request()) is None


def test_request_and_what_is_behind_it_are_kept_apart() -> None:
    greeting = taught(request()).greet(request() + b"frames")
    assert (greeting.head + b"\r\n\r\n", greeting.rest) == (request(), b"frames")


def test_heads_are_folded() -> None:
    greeting = taught(request()).greet(request())
    lines = [
        b"GET /",
        b"Host: localhost",
        b"Upgrade: websocket",
        b"Connection",
        b"Sec-WebSocket-Key@",
        b"Sec-WebSocket-Version",
        b"",
        PATTERN,
    ]
    assert greeting.pattern == b"\r\n".join(lines)
    assert greeting.own_values[:16] == base64.b64decode(KEY)
    assert greeting.own_values[20:] == b"Upgrade\r\n13"


def test_the_date_is_that_of_the_clock() -> None:
    earliest = int(time.time()) - 1  # time(2) may be a tick behind
    own_values = taught(request()).greet(request()).own_values
    assert earliest <= int.from_bytes(own_values[16:20], "little") <= time.time()


def test_a_path_with_a_query_is_a_value_of_its_own() -> None:
    greeting = taught(request()).greet(request("/chat?token=1"))
    assert greeting.pattern.startswith(b"GET\r\nHost: localhost\r\n")
    assert greeting.own_values[20:].startswith(b"/chat?token=1\r\n")


def test_who_says_the_same_as_the_one_before_is_told_apart_by_the_key() -> None:
    reception, dice = taught(request()), random.Random(2)
    shared = reception.greet(request()).pattern
    for _ in range(MANY):
        nonce = dice.randbytes(16)
        key = base64.b64encode(nonce).decode()
        greeting = reception.greet(request(Sec_WebSocket_Key=key))
        assert greeting.pattern is shared
        assert greeting.own_values[:16] == nonce
        assert greeting.answer == answer_to(key, greeting)


@pytest.mark.parametrize("at", range(len(request())))
def test_who_says_nearly_the_same_as_the_one_before_is_read_anew(at: int) -> None:
    changed = bytearray(request())
    changed[at] ^= 1
    reception, fresh = taught(request()), taught(request())
    assert reception.greet(request()) is not None
    before, anew = reception.greet(bytes(changed)), fresh.greet(bytes(changed))
    assert (before is None) == (anew is None)
    if before is not None:
        assert before.answer.startswith(anew.answer[:60])
        assert (before.pattern, before.own_values[:16]) == (anew.pattern, anew.own_values[:16])
        assert before.own_values[20:] == anew.own_values[20:]


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/", {}),
        ("/?a=b", {}),
        ("/other", {}),
        ("/", {"Cookie": "other"}),
        ("/", {"Cookie": ""}),
        ("/", {"Cookie": None}),
        ("/", {"Cookie": None, "cookie": "a=b"}),
        ("/", {"Upgrade": "WebSocket"}),
        ("/", {"Cookie": None, "Origin": "a=b"}),
    ],
)
def test_who_resembles_the_one_before_is_answered_as_by_a_fresh_reception(
    path: str, changes: dict[str, str | None]
) -> None:
    reception, fresh = taught(request(Cookie="a=b")), taught(request(Cookie="a=b"))
    for before in (request("/", Cookie="a=b"), request("/?query", Cookie="c=d")):
        assert reception.greet(before) is not None
        asked = request(path, **({"Cookie": "a=b"} | changes))
        greeting, anew = reception.greet(asked), fresh.greet(asked)
        assert (greeting is None) == (anew is None)
        if greeting is not None:
            assert (greeting.pattern, greeting.head) == (anew.pattern, anew.head)
            assert greeting.own_values[20:] == anew.own_values[20:]
            assert greeting.answer == answer_to(KEY, greeting)


def test_what_is_learned_anew_is_what_is_answered() -> None:
    reception = taught(request())
    assert reception.greet(request()).agreement is AGREEMENT
    reception.learn(request(), Agreement(), ANSWER, PATTERN)
    assert reception.greet(request()).agreement == Agreement()


def test_accept_is_what_hashlib_and_base64_make_of_the_key() -> None:
    reception, dice = taught(request()), random.Random(1)
    for _ in range(MANY):
        key = base64.b64encode(dice.randbytes(16)).decode()
        greeting = reception.greet(request(Sec_WebSocket_Key=key))
        assert greeting.answer.startswith(ANSWER[0] + accept_key(key).encode() + ANSWER[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "WebSocket"},
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": ",upgrade\t,"},
        {"Cookie": "a=b; c=ä"},
        {"X-Empty": ""},
        {"User-Agent": "browser (like others)"},
    ],
)
def test_what_decides_nothing_may_differ(changes: dict[str, str]) -> None:
    assert taught(request()).greet(request("/any?thing", **changes)) is not None


# What is left to the reference


@pytest.mark.parametrize(
    "changes",
    [
        {"Host": "other"},
        {"Origin": "http://localhost"},
        {"Sec-WebSocket-Protocol": "chat"},
        {"Sec-WebSocket-Extensions": "permessage-deflate"},
        {"Sec-WebSocket-Protocol": ""},
    ],
)
def test_what_decides_makes_another_kind_of_request(changes: dict[str, str]) -> None:
    reception = taught(request())
    assert reception.greet(request(**changes)) is None
    reception.learn(request(**changes), Agreement(), ANSWER, PATTERN)
    assert reception.greet(request(**changes)).agreement == Agreement()
    assert reception.greet(request()).agreement is AGREEMENT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"GET", b"POST"),
        (b"GET /", b"GET http://localhost/"),
        (b"GET /", b"GET /#top"),
        (b"GET /", b"GET /\x7f"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"HTTP/1.1\r\n", b"HTTP/1.1 \r\n"),
        (b"Host: localhost\r\n", b""),
        (b"Host: localhost\r\n", b"Host: localhost\r\nhost: localhost\r\n"),
        (b"Host: localhost", b"Host:localhost"),
        (b"Host: localhost", b"Host:  localhost"),
        (b"Host: localhost", b"Host: localhost "),
        (b"Host: localhost", b"Host : localhost"),
        (b"Host: localhost", b"Host: local\rhost"),
        (b"Host: localhost", b"Host: local\nhost"),
        (b"Host: localhost\r\n", b"Host: localhost\n"),
        (b"Host: localhost", b"Host: localhost\0"),
        (b"Host: localhost\r\n", b"Host: localhost\r\n folded\r\n"),
        (b"Host: localhost\r\n", b"Host: localhost\r\n: no name\r\n"),
        (b"Upgrade: websocket\r\n", b""),
        (b"Upgrade: websocket", b"Upgrade: websocket, h2c"),
        (b"Connection: Upgrade\r\n", b""),
        (b"Connection: Upgrade", b"Connection: close"),
        (b"Connection: Upgrade", b"Connection: Upgrade, {}"),
        (b"Connection: Upgrade", b"Connection: Upgrade close"),
        (b"Version: 13", b"Version: 8"),
        (b"Version: 13", b"Version: 013"),
        (b"Version: 13\r\n", b"Version: 13\r\nSec-WebSocket-Version: 13\r\n"),
        (b"==", b"="),
        (b"==", b"A="),
        (b"Q==", b"R=="),
        (b"==", b"AA"),
        (b"dGhl", b"dG l"),
        (b"dGhl", b"dG-l"),
        (b"Upgrade: websocket\r\n", b"Upgrade: websocket\r\nContent-Length: 0\r\n"),
        (b"Upgrade: websocket\r\n", b"Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n"),
        (b"\r\n\r\n", b"\r\n"),
    ],
)
def test_what_is_not_plain_is_not_answered_and_not_learned(old: bytes, new: bytes) -> None:
    head = changed(request(), old, new)
    assert taught(request()).greet(head) is None
    assert len(taught(head)) == 0


@pytest.mark.parametrize("size", range(len(request())))
def test_what_is_not_whole_is_not_answered(size: int) -> None:
    assert taught(request()).greet(request()[:size]) is None


@pytest.mark.parametrize(
    ("name", "largest"),
    [("max_head", len(request()) - 4), ("max_target", len("GET / HTTP/1.1")), ("max_headers", 5)],
)
def test_limits_are_those_of_the_reference(name: str, largest: int) -> None:
    limits: dict[str, Any] = {name: largest}
    assert taught(request(), Limits(**limits)).greet(request()) is not None
    smaller = replace(LIMITS, **{name: largest - 1})
    assert taught(request()).greet(request()) is not None
    assert len(taught(request(), smaller)) == 0


def test_limits_may_be_enormous() -> None:
    limits = Limits(max_head=2**70, max_target=2**70, max_headers=2**70)
    assert taught(request(), limits).greet(request()) is not None


def test_very_many_fields_are_left_to_the_reference() -> None:
    limits = Limits(max_headers=MANY)
    few, many = ({f"X-{i}": "" for i in range(count)} for count in (59, 60))
    assert taught(request(), limits).greet(request(**few)) is not None
    assert taught(request(), limits).greet(request(**many)) is None


# What is remembered


def test_few_kinds_are_remembered_and_the_latest_of_them() -> None:
    reception = new_reception()
    for number in range(MOST_TERMS + 1):
        reception.learn(request(Host=f"host-{number}"), AGREEMENT, ANSWER, PATTERN)
    assert len(reception) == MOST_TERMS
    assert reception.greet(request(Host="host-0")) is None
    assert reception.greet(request(Host=f"host-{MOST_TERMS}")) is not None


def test_a_kind_that_is_learned_twice_pushes_out_no_other() -> None:
    reception = new_reception()
    for number in (*range(MOST_TERMS), MOST_TERMS - 1):
        reception.learn(request(Host=f"host-{number}"), AGREEMENT, ANSWER, PATTERN)
    assert reception.greet(request(Host="host-0")) is not None


def test_no_long_kind_is_remembered() -> None:
    longest = "a" * (LARGEST_TERMS - len("localhost"))
    assert len(taught(request(Origin=longest))) == 1
    assert len(taught(request(Origin=longest + "a"))) == 0


@pytest.mark.parametrize("data", [None, "text", bytearray(request())])
def test_only_bytes_are_read(data: Any) -> None:
    with pytest.raises(TypeError):
        new_reception().greet(data)
