"""Heads of an opening are kept small, and are read again as they were."""

from __future__ import annotations

import gc
import string
import weakref
from base64 import b64decode
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.connection import heads as heads_module
from trunkline.connection.heads import SHARED, Heads, RecentHeads, SharedBytes, fold, unfold
from trunkline.protocol.handshake import accept_key
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, Response

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.fixture(autouse=True)
def patterns(monkeypatch: pytest.MonkeyPatch) -> SharedBytes:
    """Begin with nothing shared."""
    patterns = SharedBytes(2, 1_000)
    monkeypatch.setattr(heads_module, "patterns", patterns)
    return patterns


def opening(path: str = "/chat", key: str = KEY, accept: str = "", cookie: str = "a=b") -> Heads:
    """Make the heads of an opening."""
    request = Headers(Host="localhost", Upgrade="websocket", Connection="Upgrade")
    request["Sec-WebSocket-Key"] = key
    request.add("Cookie", cookie)
    response = Headers(Upgrade="websocket", Connection="Upgrade", Date=DATE)
    response["Sec-WebSocket-Accept"] = accept or accept_key(key)
    return Heads(Request(path, request), Response(101, "Switching Protocols", response))


def there_and_back(heads: Heads) -> Heads:
    pattern, own = fold(heads)
    assert isinstance(pattern, bytes)
    return unfold(pattern, own)


@pytest.mark.parametrize(
    "heads",
    [
        opening(),
        opening("/?token=secret"),
        opening(accept="wrong"),
        Heads(Request("/", Headers(), "HEAD"), Response(101, "")),
        Heads(Request("/?", Headers(Host="")), Response(101, "é", Headers(Accept="", B="é: c="))),
    ],
)
def test_what_was_folded_is_unfolded(heads: Heads) -> None:
    assert there_and_back(heads) == heads


NAMES = st.one_of(
    st.sampled_from([*SHARED, "Date", "Sec-WebSocket-Accept", "SEC-WEBSOCKET-KEY", "cookie"]),
    st.text(string.ascii_letters + "-", min_size=1, max_size=3),
)
VALUES = st.one_of(
    st.text("a:=@, \t\xe9", max_size=5),
    st.sampled_from([DATE, DATE.lower(), "Mon, 01 Jan 1900 00:00:00 GMT", KEY, KEY[:-3] + "R=="]),
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=5).map(Headers)


@given(st.sampled_from(["/", "/?", "/a?b"]), FIELDS, FIELDS)
def test_any_heads_come_back_as_they_were(path: str, asked: Headers, answered: Headers) -> None:
    for key in asked.get_all("Sec-WebSocket-Key")[-1:]:
        answered.add("Sec-WebSocket-Accept", accept_key(key))
    heads = Heads(Request(path, asked), Response(101, "OK", answered))
    assert there_and_back(heads) == heads


def test_connections_that_differ_in_what_is_their_own_share_the_rest() -> None:
    first, own = fold(opening(key=KEY, cookie="a=b"))
    second, other = fold(opening(key="c" + KEY[1:], cookie="c=d"))
    assert first is second
    assert own != other
    assert KEY.encode() not in own and accept_key(KEY).encode() not in own


def test_key_and_date_take_a_few_bytes() -> None:
    pattern, own = fold(opening())
    assert isinstance(pattern, bytes)
    assert b"Sec-WebSocket-Key@" in pattern and pattern.endswith(b"Date@\r\nSec-WebSocket-Accept=")
    second = int(parsedate_to_datetime(DATE).timestamp())
    assert own == b64decode(KEY) + second.to_bytes(4, "little") + b"a=b"


@pytest.mark.parametrize(
    "heads",
    [
        Heads(),
        Heads(Request("/", Headers())),
        Heads(Request("/", Headers()), Response(101, "", body=b"x")),
    ],
)
def test_what_cannot_be_folded_is_kept_as_it_is(heads: Heads) -> None:
    assert fold(heads) == (heads, b"")


def test_only_so_many_are_remembered(patterns: SharedBytes) -> None:
    kept = [patterns.share(bytes([number])) for number in range(3)]
    assert len(patterns) == 2
    assert [patterns.share(bytes([number])) for number in (2, 1)] == [kept[2], kept[1]]
    assert patterns.share(b"\0") == kept[0]


def test_nothing_large_is_remembered(patterns: SharedBytes) -> None:
    assert patterns.share(bytes(1_000)) == bytes(1_000)
    assert len(patterns) == 1
    assert patterns.share(bytes(1_001)) == bytes(1_001)
    assert len(patterns) == 1


class Owner:
    """Stands for a connection."""


def test_who_asks_again_gets_the_same_heads() -> None:
    recent, owner, (pattern, own) = RecentHeads(1), Owner(), fold(opening())
    assert isinstance(pattern, bytes)
    heads = recent.unfold(owner, pattern, own)
    assert heads == opening()
    assert recent.unfold(owner, pattern, own) is heads


def test_heads_belong_to_one_owner() -> None:
    recent, (pattern, own) = RecentHeads(2), fold(opening())
    assert isinstance(pattern, bytes)
    owners = Owner(), Owner()
    first, second = (recent.unfold(owner, pattern, own) for owner in owners)
    assert first == second and first is not second


def test_only_the_heads_of_the_latest_owners_are_remembered() -> None:
    recent, (pattern, own) = RecentHeads(2), fold(opening())
    assert isinstance(pattern, bytes)
    owners = [Owner() for _ in range(3)]
    heads = [recent.unfold(owner, pattern, own) for owner in owners]
    assert len(recent) == 2
    assert recent.unfold(owners[2], pattern, own) is heads[2]
    assert recent.unfold(owners[0], pattern, own) is not heads[0]


def test_no_owner_is_kept() -> None:
    recent, owner, (pattern, own) = RecentHeads(1), Owner(), fold(opening())
    assert isinstance(pattern, bytes)
    recent.unfold(owner, pattern, own)
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None
