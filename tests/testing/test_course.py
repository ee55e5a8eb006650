"""One direction of a line: order, delay, stalls, cuts."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.limits import LINE_BYTES
from trunkline.testing.clock import Clock
from trunkline.testing.course import END, Course, Piece


class End:
    """Both ends of a course: writes down what it is told, and when."""

    def __init__(self, clock: Clock) -> None:
        self.unread = 0
        self.pieces: list[tuple[float, Piece]] = []
        self.rooms = 0
        self._clock = clock

    def room_made(self) -> None:
        self.rooms += 1

    def arrived(self, piece: Piece) -> None:
        self.pieces.append((self._clock.elapsed, piece))


class Way:
    """A course between two ends, with a clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.end = End(clock)
        self.cuts: list[float] = []
        self.course = Course(asyncio.get_running_loop(), self._cut)
        self.course.sender = self.course.sink = self.end

    def _cut(self) -> None:
        self.cuts.append(self.clock.elapsed)

    @property
    def came(self) -> list[Piece]:
        return [piece for _, piece in self.end.pieces]


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_pieces_arrive_in_their_order_and_never_from_inside_a_call(clock: Clock) -> None:
    with clock.drive():
        way = Way(clock)
        for piece in (b"a", b"bc", END):
            way.course.send(piece)
        assert way.came == []
        await clock.settle()
        assert way.came == [b"a", b"bc", END]
        assert way.course.passed == 3
        assert clock.elapsed == 0


async def test_room_is_what_is_neither_under_way_nor_unread(clock: Clock) -> None:
    with clock.drive():
        way = Way(clock)
        way.course.send(b"abc")
        assert way.course.room == LINE_BYTES - 3
        await clock.settle()
        assert way.course.room == LINE_BYTES
        way.end.unread = 5
        assert way.course.room == LINE_BYTES - 5
        way.course.was_read()
        assert way.end.rooms == 1


async def test_a_delay_holds_for_what_is_sent_from_now_on_and_nothing_is_overtaken(
    clock: Clock,
) -> None:
    with clock.drive():
        way = Way(clock)
        way.course.delay = 2.0
        way.course.send(b"slow")
        await clock.advance(1.0)
        way.course.delay = 0.5
        way.course.send(b"fast")
        await clock.advance(0.75)
        assert way.came == []
        await clock.advance(1.0)
        assert way.end.pieces == [(2.0, b"slow"), (2.0, b"fast")]


async def test_what_is_due_later_waits(clock: Clock) -> None:
    with clock.drive():
        way = Way(clock)
        way.course.delay = 1.0
        way.course.send(b"a")
        await clock.advance(0.5)
        way.course.send(b"b")
        await clock.advance(3.0)
        assert way.end.pieces == [(1.0, b"a"), (1.5, b"b")]


async def test_while_it_is_stalled_nothing_arrives_and_everything_afterwards(clock: Clock) -> None:
    with clock.drive():
        way = Way(clock)
        way.course.send(b"a")
        way.course.stall()
        way.course.stall()
        way.course.send(b"b")
        await clock.advance(100.0)
        assert way.came == []
        assert way.course.room == LINE_BYTES - 2
        way.course.flow()
        way.course.flow()
        await clock.settle()
        assert way.came == [b"a", b"b"]


async def test_what_is_under_way_can_be_forgotten(clock: Clock) -> None:
    with clock.drive():
        way = Way(clock)
        way.course.send(b"a")
        way.course.clear()
        await clock.settle()
        assert way.came == []
        assert way.course.room == LINE_BYTES


async def test_it_is_cut_when_the_last_byte_has_arrived(clock: Clock) -> None:
    with clock.drive():
        way = Way(clock)
        way.course.delay = 1.0
        way.course.cut_after(3)
        assert way.course.room == 3
        way.course.send(b"ab")
        way.course.send(b"c")
        assert way.course.room == 0
        await clock.advance(0.5)
        assert way.cuts == []
        await clock.advance(1.0)
        assert (way.came, way.cuts) == ([b"ab", b"c"], [1.0])


async def test_it_can_be_cut_before_the_next_byte(clock: Clock) -> None:
    with clock.drive():
        way = Way(clock)
        way.course.cut_after(0)
        await clock.settle()
        assert way.cuts == [0.0]


async def test_an_error_arrives_in_its_turn(clock: Clock) -> None:
    error = ConnectionResetError("gone")
    with clock.drive():
        way = Way(clock)
        way.course.send(b"a")
        way.course.send(error)
        await clock.settle()
        assert way.came == [b"a", error]
        assert way.course.passed == 1
