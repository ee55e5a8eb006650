"""Counters count, and everything that a connection does is in them."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.connection.memory_stream import Line, MemoryEngine, open_line, rounds
from tests.reimport import reimport
from trunkline import native
from trunkline.connection import traffic as traffic_module
from trunkline.connection.broadcast import broadcast
from trunkline.connection.topic import Topic
from trunkline.connection.traffic import Traffic, new_traffic
from trunkline.protocol.role import Role

NAMES = Traffic.__slots__


def counts(line: Line) -> tuple[int, int, int, int]:
    traffic = line.link.traffic
    return (
        traffic.messages_received,
        traffic.bytes_received,
        traffic.messages_sent,
        traffic.bytes_sent,
    )


@pytest.mark.parametrize("make", [Traffic, new_traffic])
def test_every_count_begins_at_nothing(make: type[Traffic]) -> None:
    traffic = make()
    assert [getattr(traffic, name) for name in NAMES] == [0] * len(NAMES)
    for name in NAMES:
        setattr(traffic, name, getattr(traffic, name) + 2**40)
    assert [getattr(traffic, name) for name in NAMES] == [2**40] * len(NAMES)


@pytest.mark.skipif("traffic" not in native.MODULES, reason="it is not compiled here")
def test_compiled_counters_have_the_same_names() -> None:
    compiled = import_module("trunkline.native.traffic").Traffic
    assert isinstance(new_traffic(), compiled)
    assert {name for name in vars(compiled) if not name.startswith("_")} == set(NAMES)


def test_where_nothing_is_compiled_the_reference_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "MODULES", frozenset())
    pure = reimport(traffic_module)
    assert type(pure.new_traffic()) is pure.Traffic


async def test_messages_and_bytes_are_counted_both_ways() -> None:
    line = open_line()
    line.peer.text("abc", "d")
    assert counts(line) == (2, 9 + 7, 0, 0)
    line.connection.send_soon("hello")
    await line.connection.send([b"a", b"b", b"c"])
    assert counts(line) == (2, 16, 2, 7 + 9)


async def test_pings_and_pongs_are_bytes_and_no_messages() -> None:
    line = open_line()
    line.peer.ping(b"ab")
    line.peer.pong()
    await line.connection.pong(b"x")
    line.connection.ping(b"abc")
    assert counts(line) == (0, 8 + 6, 0, 4 + 3 + 5)
    assert line.link.traffic.control_received == 2


async def test_a_goodbye_is_bytes() -> None:
    line = open_line()
    line.connection.close_soon()
    line.peer.text("too late")
    assert counts(line) == (0, 14, 0, 4)


@pytest.mark.parametrize("role", list(Role))
async def test_what_goes_to_many_counts_for_each_of_them(role: Role) -> None:
    engine = MemoryEngine()
    lines = [open_line(role, engine=engine) for _ in range(3)]
    frame = 7 if role is Role.SERVER else 11
    topic = Topic()
    for line in lines:
        topic.subscribe(line.connection)
    topic.publish("hello")
    await rounds()
    assert [counts(line) for line in lines] == [(0, 0, 1, frame)] * 3
    broadcast([line.connection for line in lines], "again")
    assert [counts(line) for line in lines] == [(0, 0, 2, 2 * frame)] * 3
    topic.publish("hello")
    topic.publish("again")
    await rounds()
    assert [counts(line) for line in lines] == [(0, 0, 4, 4 * frame)] * 3
