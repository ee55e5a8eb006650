"""Who is to be given up is given up once, soon, and not with thousands in one round of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.connection.memory_stream import Line, MemoryEngine, end_of, open_line, rounds
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.evictions import Evictions
from trunkline.connection.state import State
from trunkline.errors import Closer, ConnectionClosedError, ConnectionClosedOK
from trunkline.limits import EVICTIONS_A_ROUND

GIVEN_UP = (ConnectionClosedError, 1013, "the peer does not read: too much", Closer.LOCAL)
MANY = 2 * EVICTIONS_A_ROUND + 1


def open_lines(count: int, **options: Any) -> list[Line]:
    engine = MemoryEngine()
    return [open_line(engine=engine, **options) for _ in range(count)]


def evict(evictions: Evictions, *lines: Line) -> None:
    for line in lines:
        evictions.add(line.link, "too much")


def are_open(lines: list[Line]) -> list[bool]:
    return [line.connection.state is State.OPEN for line in lines]


async def test_who_is_to_be_given_up_is_given_up_soon() -> None:
    evictions, [line] = Evictions(), open_lines(1)
    evict(evictions, line)
    assert (len(evictions), are_open([line])) == (1, [True])
    await rounds()
    assert (len(evictions), end_of(line)) == (0, GIVEN_UP)
    assert line.stream.was_aborted


async def test_in_each_round_some_are_given_up_in_their_order() -> None:
    evictions, lines = Evictions(), open_lines(MANY)
    evict(evictions, *lines)
    left = []
    while evictions:
        await asyncio.sleep(0)
        left.append(len(evictions))
        assert are_open(lines) == [False] * (MANY - left[-1]) + [True] * left[-1]
    assert left == [EVICTIONS_A_ROUND + 1, 1, 0]
    assert {end_of(line) for line in lines} == {GIVEN_UP}


async def test_who_comes_while_others_are_given_up_comes_behind_them() -> None:
    evictions, lines = Evictions(), open_lines(MANY)

    class Handler(Events):
        def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
            evict(evictions, late)

    late = open_line(engine=lines[0].engine)
    lines[0] = open_line(engine=lines[0].engine, events=Handler())
    evict(evictions, *lines)
    left = []
    while evictions:
        await asyncio.sleep(0)
        left.append(len(evictions))
    assert left == [EVICTIONS_A_ROUND + 1, 2, 0]
    assert end_of(late) == GIVEN_UP


async def test_who_does_not_wait_any_longer_is_given_up_at_once_and_once() -> None:
    evictions, lines = Evictions(), open_lines(2)
    evict(evictions, *lines)
    evictions.hasten(lines[1].link)
    assert are_open(lines) == [True, False]
    await rounds()
    assert [end_of(line) for line in lines] == [GIVEN_UP] * 2
    assert [len(line.stream.writes) for line in lines] == [1, 1]


async def test_who_was_not_to_be_given_up_is_left_alone() -> None:
    evictions, [line] = Evictions(), open_lines(1)
    evictions.hasten(line.link)
    await rounds()
    assert are_open([line]) == [True]


async def test_who_says_goodbye_meanwhile_ends_well() -> None:
    evictions, [line] = Evictions(), open_lines(1)
    evict(evictions, line)
    line.connection.close_soon(1000, "done")
    await rounds()
    assert not line.stream.was_aborted
    line.peer.close(1000, "done")
    assert end_of(line) == (ConnectionClosedOK, 1000, "done", Closer.LOCAL)


@pytest.mark.parametrize("end", ["abort", "lost", "closed by peer"])
async def test_who_has_ended_meanwhile_keeps_his_end(end: str) -> None:
    evictions, [line] = Evictions(), open_lines(1)
    evict(evictions, line)
    match end:
        case "abort":
            line.connection.abort()
        case "lost":
            line.stream.lose(None)
        case _:
            line.peer.close(1001, "gone")
    before = end_of(line)
    await rounds()
    assert (len(evictions), end_of(line)) == (0, before)


async def test_one_that_fails_touches_no_other() -> None:
    def fail() -> None:
        raise MemoryError

    evictions, lines = Evictions(), open_lines(3)
    calls: list[Callable[[], None]] = []
    lines[0].engine.call_soon = calls.append  # type: ignore[method-assign]
    lines[1].stream.abort = fail  # type: ignore[method-assign]
    evict(evictions, *lines)
    with pytest.raises(MemoryError):
        calls[0]()
    assert are_open(lines) == [False, False, True]
    await rounds()
    assert [end_of(line) for line in lines] == [GIVEN_UP] * 3


async def test_a_round_that_could_not_be_asked_for_is_asked_for_by_the_next() -> None:
    evictions, lines = Evictions(), open_lines(2)
    call_soon, fails = lines[0].engine.call_soon, [MemoryError()]

    def call_soon_or_fail(callback: Callable[[], None]) -> None:
        if fails:
            raise fails.pop()
        call_soon(callback)

    lines[0].engine.call_soon = call_soon_or_fail  # type: ignore[method-assign]
    with pytest.raises(MemoryError):
        evict(evictions, lines[0])
    evict(evictions, lines[1])
    await rounds()
    assert [end_of(line) for line in lines] == [GIVEN_UP] * 2
