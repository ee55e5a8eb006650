"""A topic against a simple model: any course of events, any policy, on both sides of a line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connection.memory_stream import Line, rounds
from tests.connection.test_topic import FULL, ROOM_FOR_3, Hall, message, numbers
from trunkline.connection.backlog import Overflow
from trunkline.connection.subscription import Subscription
from trunkline.protocol.role import Role


class Model:
    """What a subscriber must get, worked out one message at a time, slowly and plainly."""

    def __init__(self, overflow: Overflow, role: Role) -> None:
        self.overflow = overflow
        self.role = role
        self.got: list[int] = []
        self.waiting: list[tuple[int, int]] = []
        self.dropped = 0
        self.is_stalled = False
        self.is_full = False
        self.is_gone = False

    def end_tick(self, tick: list[tuple[int, int]]) -> None:
        # A server writes what it has gathered at once, a client each message for itself.
        writes = [tick] if self.role is Role.SERVER else [[one] for one in tick]
        for write in writes if not self.is_gone else ():
            if self.is_full or self.waiting:
                for number, key in write:
                    self._wait(number, key)
            else:
                self.got += [number for number, _ in write]
                # A stalled stream takes one write.
                self.is_full = self.is_stalled and bool(write)

    def _wait(self, number: int, key: int) -> None:
        if self.is_gone:
            self.dropped += 1
            return
        if self.overflow is Overflow.CONFLATE:
            kept = [one for one in self.waiting if one[1] != key]
            self.dropped += len(self.waiting) - len(kept)
            self.waiting = kept
        if len(self.waiting) < 3:
            self.waiting.append((number, key))
        elif self.overflow is Overflow.DISCONNECT:
            self.dropped += 1 + len(self.waiting)
            self.waiting, self.is_gone = [], True
        else:
            self.dropped += 1
            if self.overflow is not Overflow.DROP_NEWEST:
                self.waiting = [*self.waiting[1:], (number, key)]

    def flow(self) -> None:
        self.is_stalled = self.is_full = False
        self.got += [number for number, _ in self.waiting]
        self.waiting = []

    def leave(self) -> None:
        self.dropped += len(self.waiting)
        self.waiting, self.is_gone = [], True


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["publish"] * 4 + ["round", "subscribe", "leave", "stall", "flow"]),
        st.integers(0, 3),
    ),
    max_size=60,
)


@dataclass
class Seat:
    """One place among the subscribers of the property test: a line, and what is expected of it."""

    hall: Hall
    overflow: Overflow
    role: Role
    line: Line | None = None
    subscription: Subscription | None = None
    model: Model | None = None

    def subscribe(self) -> None:
        if self.model is None or self.model.is_gone:
            self.line = self.hall.open(self.role, write_limit=FULL)
            self.subscription = self.hall.topic.subscribe(self.line.connection)
            self.model = Model(self.overflow, self.role)

    @property
    def is_taken(self) -> bool:
        return self.model is not None and not self.model.is_gone

    def stall(self) -> None:
        assert self.line is not None and self.model is not None
        self.line.stream.stall()
        self.model.is_stalled = True

    def flow(self) -> None:
        assert self.line is not None and self.model is not None
        self.line.stream.flow()
        self.model.flow()

    def leave(self) -> None:
        assert self.line is not None and self.model is not None
        self.hall.topic.unsubscribe(self.line.connection)
        self.model.leave()
        self.line.stream.flow()

    def check(self) -> None:
        if self.model is None:
            return
        assert self.line is not None and self.subscription is not None
        counts = self.subscription.delivered, self.subscription.waiting, self.subscription.dropped
        assert counts == (len(self.model.got), len(self.model.waiting), self.model.dropped)
        if not self.line.stream.was_aborted and not self.line.stream.is_stalled:
            assert numbers(self.line) == self.model.got


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("overflow", list(Overflow))
@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_any_course_of_events_is_that_of_a_simple_model(
    overflow: Overflow, role: Role, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(play(steps, overflow, role))


async def play(steps: list[tuple[str, int]], overflow: Overflow, role: Role) -> None:
    """Play steps on a topic and on the model; a round ends before whatever is not a publish."""
    hall = Hall(overflow=overflow, max_backlog=ROOM_FOR_3)
    seats = [Seat(hall, overflow, role) for _ in range(4)]
    tick: list[tuple[int, int]] = []
    count = 0
    for step, number in [*steps, ("round", 0)]:
        if step == "publish":
            hall.topic.publish(message(count), key=number)
            tick.append((count, number))
            count += 1
            continue
        await rounds()
        for seat in seats:
            if seat.model is not None:
                seat.model.end_tick(tick)
            seat.check()
        tick = []
        seat = seats[number]
        if step == "subscribe":
            seat.subscribe()
        elif step != "round" and seat.is_taken:
            getattr(seat, step)()
            await rounds()
