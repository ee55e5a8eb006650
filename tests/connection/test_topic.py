"""A topic: what is published reaches every subscriber in order, or is counted as dropped."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import re
import weakref
from collections.abc import AsyncIterator, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.connection.memory_stream import Line, end_of, open_line, rounds
from trunkline.connection.backlog import Backlog, Overflow
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.state import State
from trunkline.connection.subscription import Subscription
from trunkline.connection.topic import Topic
from trunkline.errors import Closer, ConnectionClosed, ConnectionClosedError, UsageError
from trunkline.limits import (
    EVICTIONS_A_ROUND,
    NOT_SENT_TO_MANY,
    TICK_BUFFER,
    WAITING_OVERHEAD,
)
from trunkline.protocol.events import Binary, Close, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

FORGETTING = DeflateParameters(server=Direction(True, 12), client=Direction(True, 12))
REMEMBERING = DeflateParameters(server=Direction(), client=Direction())

TEXT = 100
"""Characters of a message that fills a stream whose limit is `FULL`."""
FULL = 50
ROOM_FOR_3 = 3 * (TEXT + WAITING_OVERHEAD)


@pytest.fixture
async def shared_engine() -> Any:
    return open_line().engine


class Hall:
    """A topic and its lines, all of one engine."""

    def __init__(self, **options: Any) -> None:
        self.topic = Topic(**options)
        self._engine = open_line().engine

    def open(self, *args: Any, **options: Any) -> Line:
        return open_line(*args, engine=self._engine, **options)

    def enter(self, *args: Any, **options: Any) -> Line:
        """Open a line and subscribe it."""
        line = self.open(*args, **options)
        self.topic.subscribe(line.connection)
        return line

    def slow(self, *args: Any, **options: Any) -> tuple[Line, Subscription]:
        """Subscribe a line whose peer does not read, and whose stream is full with message 0."""
        line = self.open(write_limit=FULL, **options)
        subscription = self.topic.subscribe(line.connection)
        line.stream.stall()
        return line, subscription


def message(number: int) -> str:
    return f"{number}".ljust(TEXT, ".")


def numbers(line: Line) -> list[int]:
    """Give the numbers of the messages that a peer has got."""
    return [int(event.data.rstrip(".")) for event in line.peer.heard if isinstance(event, Text)]


async def publish(topic: Topic, *which: int, key: Hashable | None = None) -> None:
    """Publish messages, each in a round of its own."""
    for number in which:
        topic.publish(message(number), key)
        await rounds()


# Publishing


async def test_every_subscriber_gets_what_is_published_in_order() -> None:
    hall = Hall()
    lines = [
        hall.enter(),
        hall.enter(deflate=FORGETTING),
        hall.enter(deflate=REMEMBERING),
        hall.enter(Role.CLIENT),
    ]
    hall.topic.publish("one")
    hall.topic.publish(b"two", text=False)
    await rounds()
    hall.topic.publish("three " * 50)
    hall.topic.publish(b"four", text=True, compress=False)
    await rounds()
    wanted = [Text("one"), Binary(b"two"), Text("three " * 50), Text("four")]
    for line in lines:
        assert line.peer.heard == wanted
    assert (hall.topic.delivered, hall.topic.dropped) == (16, 0)


async def test_what_is_published_in_one_round_leaves_in_one_write() -> None:
    hall = Hall()
    lines = [hall.enter(), hall.enter()]
    for number in range(5):
        hall.topic.publish(message(number))
    assert lines[0].stream.writes == []
    await rounds()
    assert [len(line.stream.writes) for line in lines] == [1, 1]
    assert numbers(lines[0]) == list(range(5))


async def test_a_full_buffer_does_not_wait_for_the_end_of_the_round() -> None:
    hall = Hall()
    line = hall.enter()
    count = TICK_BUFFER // (TEXT + WAITING_OVERHEAD) + 1
    for number in range(count + 1):
        hall.topic.publish(message(number))
    assert numbers(line) == list(range(count))
    await rounds()
    assert numbers(line) == list(range(count + 1))
    assert len(line.stream.writes) == 2


async def test_nobody_is_there_and_nothing_is_kept() -> None:
    hall = Hall()
    hall.topic.publish("nobody")
    line = hall.enter()
    await rounds()
    assert line.peer.heard == []


@pytest.mark.parametrize(
    ("text", "error"), [(1, TypeError), (["a"], TypeError), ("\ud800", ValueError)]
)
async def test_what_is_no_message_is_refused(text: Any, error: type[Exception]) -> None:
    hall = Hall()
    line = hall.enter()
    with pytest.raises(error):
        hall.topic.publish(text)
    await rounds()
    assert line.stream.writes == []


# Coming and going


async def test_the_subscribers_can_be_counted_and_looked_at() -> None:
    hall = Hall()
    lines = [hall.enter() for _ in range(3)]
    assert len(hall.topic) == 3
    assert list(hall.topic) == [line.connection for line in lines]
    for connection in hall.topic:
        hall.topic.unsubscribe(connection)
        assert connection not in hall.topic
    assert len(hall.topic) == 0


async def test_who_subscribes_after_a_publish_does_not_get_that_message() -> None:
    hall = Hall()
    early = hall.enter()
    await publish(hall.topic, 0)
    hall.topic.publish(message(1))
    late = hall.enter()
    later = hall.enter(Role.CLIENT)
    hall.topic.publish(message(2))
    await rounds()
    await publish(hall.topic, 3)
    assert numbers(early) == [0, 1, 2, 3]
    assert numbers(late) == numbers(later) == [2, 3]
    assert hall.topic.delivered == 8


async def test_who_has_just_come_and_leaves_is_owed_only_what_came_since() -> None:
    hall = Hall()
    hall.enter()
    hall.topic.publish(message(0))
    line = hall.open()
    subscription = hall.topic.subscribe(line.connection)
    hall.topic.publish(message(1))
    hall.topic.unsubscribe(line.connection)
    assert numbers(line) == [1]
    assert (subscription.delivered, subscription.dropped) == (1, 0)


async def test_who_unsubscribes_gets_what_was_published_before_and_nothing_after() -> None:
    hall = Hall()
    line, other = hall.enter(), hall.enter()
    hall.topic.publish(message(0))
    hall.topic.unsubscribe(line.connection)
    hall.topic.unsubscribe(line.connection)
    hall.topic.publish(message(1))
    await rounds()
    assert (numbers(line), numbers(other)) == ([0], [0, 1])
    assert hall.topic.delivered == 3


async def test_who_has_left_may_come_back() -> None:
    hall = Hall()
    line = hall.enter()
    for number in (0, 2):
        await publish(hall.topic, number)
        hall.topic.unsubscribe(line.connection)
        await publish(hall.topic, number + 1)
        hall.topic.subscribe(line.connection)
    assert numbers(line) == [0, 2]


async def test_a_second_subscription_is_the_first_one() -> None:
    hall = Hall()
    line = hall.open()
    first = hall.topic.subscribe(line.connection)
    assert hall.topic.subscribe(line.connection, overflow="conflate") is first
    await publish(hall.topic, 0)
    assert numbers(line) == [0]


async def test_a_connection_may_be_in_many_topics() -> None:
    hall = Hall()
    line = hall.enter()
    others = [Topic() for _ in range(3)]
    for topic in others:
        topic.subscribe(line.connection)
        topic.publish(message(1))
    hall.topic.publish(message(0))
    await rounds()
    assert sorted(numbers(line)) == [0, 1, 1, 1]
    line.connection.abort()
    assert [len(topic) for topic in (hall.topic, *others)] == [0] * 4


@pytest.mark.parametrize("end", ["close", "abort", "lost", "closed by peer"])
async def test_a_connection_that_ends_leaves_by_itself(end: str) -> None:
    hall = Hall()
    line, other = hall.enter(), hall.enter()
    match end:
        case "close":
            line.connection.close_soon()
        case "abort":
            line.connection.abort()
        case "lost":
            line.stream.lose(None)
        case _:
            line.peer.close()
    assert list(hall.topic) == [other.connection]
    await publish(hall.topic, 0)
    assert (numbers(line), numbers(other)) == ([], [0])


async def test_what_was_published_before_a_close_goes_before_the_close_frame() -> None:
    hall = Hall()
    lines = [hall.enter(), hall.enter(Role.CLIENT), hall.enter(deflate=REMEMBERING)]
    for line in lines:
        hall.topic.publish("bye")
        line.connection.close_soon(1000, "done")
    await rounds()
    for count, line in enumerate(lines, 1):
        assert line.peer.heard == [Text("bye")] * count + [Close(1000, "done")]
    assert hall.topic.delivered == 6


async def test_a_close_that_cannot_be_sent_ends_no_subscription() -> None:
    hall = Hall()
    line = hall.enter()
    with pytest.raises(ValueError):
        line.connection.close_soon(1005)
    await publish(hall.topic, 0)
    assert numbers(line) == [0]


async def test_what_was_published_for_a_connection_that_is_lost_is_counted() -> None:
    hall = Hall()
    line, other = hall.open(), hall.enter()
    subscription = hall.topic.subscribe(line.connection)
    hall.topic.publish(message(0))
    line.connection.abort()
    await rounds()
    assert (subscription.delivered, subscription.dropped, subscription.is_over) == (0, 1, True)
    assert (hall.topic.delivered, hall.topic.dropped) == (1, 1)
    assert numbers(other) == [0]


@pytest.mark.parametrize("state", [State.CONNECTING, State.CLOSING, State.CLOSED])
async def test_only_an_open_connection_can_subscribe(state: State) -> None:
    hall = Hall()
    line = hall.open()
    if state is State.CONNECTING:
        line.link.owner = None
    elif state is State.CLOSING:
        line.connection.close_soon()
    else:
        line.connection.abort()
    with pytest.raises(ConnectionClosed):
        hall.topic.subscribe(line.connection)
    assert len(hall.topic) == 0


async def test_subscribers_of_two_loops_are_refused() -> None:
    hall = Hall()
    line, stranger = hall.enter(), open_line()
    with pytest.raises(UsageError, match="all live in one event loop"):
        hall.topic.subscribe(stranger.connection)
    hall.topic.unsubscribe(line.connection)
    hall.topic.subscribe(stranger.connection)
    assert list(hall.topic) == [stranger.connection]


async def test_another_thread_is_refused_and_nothing_is_published() -> None:
    hall = Hall()
    line, stranger = hall.enter(), hall.open()
    for wrong in (
        lambda: hall.topic.publish("hello"),
        lambda: hall.topic.subscribe(stranger.connection),
        lambda: asyncio.run(publish(hall.topic, 1)),
    ):
        with pytest.raises(UsageError, match="call_soon_threadsafe"):
            await asyncio.to_thread(wrong)
    await rounds()
    assert line.peer.heard == [] and stranger.connection not in hall.topic
    await asyncio.to_thread(Topic().publish, "nobody")


async def test_a_thread_that_may_not_subscribe_may_not_publish() -> None:
    hall = Hall()
    line = hall.enter()

    async def intrude() -> None:
        with pytest.raises(UsageError, match="all live in one event loop"):
            hall.topic.subscribe(open_line().connection)
        with pytest.raises(UsageError, match="outside of the event loop"):
            hall.topic.publish("hello")

    await asyncio.to_thread(asyncio.run, intrude())
    await rounds()
    assert line.peer.heard == []


def test_a_loop_may_go_on_in_another_thread() -> None:
    loop = asyncio.new_event_loop()

    async def enter() -> tuple[Topic, Line]:
        hall = Hall()
        return hall.topic, hall.enter()

    topic, line = loop.run_until_complete(enter())
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(loop.run_until_complete, publish(topic, 1)).result()
        assert numbers(line) == [1]
        with pytest.raises(UsageError, match="outside of the event loop"):
            topic.publish(message(2))
        elsewhere.submit(loop.close).result()


@pytest.mark.parametrize("options", [{"overflow": "spill"}, {"max_backlog": -1}])
async def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"spill|max_backlog is -1, it must not be negative"):
        Topic(**options)
    hall = Hall()
    with pytest.raises(ValueError):
        hall.topic.subscribe(hall.open().connection, **options)


@pytest.mark.parametrize("wrong", [1.5, math.inf, "1", True])
async def test_a_backlog_is_a_whole_number_of_bytes(wrong: Any) -> None:
    wanted = f"^max_backlog is a whole number, not {re.escape(repr(wrong))}$"
    with pytest.raises(TypeError, match=wanted):
        Topic(max_backlog=wrong)
    hall = Hall()
    line = hall.open()
    with pytest.raises(TypeError, match=wanted):
        hall.topic.subscribe(line.connection, max_backlog=wrong)
    assert line.connection not in hall.topic


@pytest.mark.parametrize("wrong", [None, "ws", 5])
async def test_only_a_connection_can_subscribe(wrong: Any) -> None:
    with pytest.raises(TypeError) as caught:
        Topic().subscribe(wrong)
    assert str(caught.value) == f"subscribe() takes a connection, not {wrong!r}"


async def test_a_topic_holds_no_connection_that_is_gone() -> None:
    hall = Hall()
    line = hall.enter()
    gone = weakref.ref(line.connection)
    line.stream.lose(None)
    del line
    await rounds()
    gc.collect()
    assert gone() is None


# Slow subscribers


async def overflow_by_two(hall: Hall) -> tuple[Line, Subscription]:
    """Publish 0, which fills the stream, and five more, of which three can wait."""
    line, subscription = hall.slow()
    await publish(hall.topic, *range(6))
    return line, subscription


@pytest.mark.parametrize(
    ("overflow", "kept"),
    [
        (Overflow.DROP_NEWEST, [0, 1, 2, 3, 6]),
        (Overflow.DROP_OLDEST, [0, 3, 4, 5, 6]),
        (Overflow.CONFLATE, [0, 3, 4, 5, 6]),
    ],
)
async def test_a_subscriber_that_never_reads_costs_what_was_allowed(
    overflow: Overflow, kept: list[int]
) -> None:
    hall = Hall(overflow=overflow, max_backlog=ROOM_FOR_3)
    fine = hall.enter()
    line, subscription = await overflow_by_two(hall)
    assert (subscription.delivered, subscription.waiting, subscription.dropped) == (1, 3, 2)
    assert subscription.waiting_bytes == ROOM_FOR_3
    assert (hall.topic.delivered, hall.topic.dropped) == (7, 2)
    assert hall.topic.drops == {str(overflow): 2}
    assert numbers(fine) == list(range(6))
    line.stream.flow()
    await rounds()
    assert (subscription.delivered, subscription.waiting, subscription.dropped) == (4, 0, 2)
    await publish(hall.topic, 6)
    assert numbers(line) == kept
    assert line.connection.state is State.OPEN


async def test_a_subscriber_that_never_reads_is_disconnected_and_may_come_back() -> None:
    hall = Hall(max_backlog=ROOM_FOR_3)
    fine = hall.enter()
    line, subscription = await overflow_by_two(hall)
    assert end_of(line) == (
        ConnectionClosedError,
        1013,
        "the peer does not read: 912 bytes wait, limit 684",
        Closer.LOCAL,
    )
    assert line.stream.was_aborted
    assert list(hall.topic) == [fine.connection]
    # The fifth message found it gone.
    assert (subscription.delivered, subscription.waiting, subscription.dropped) == (1, 0, 4)
    assert (hall.topic.delivered, hall.topic.dropped) == (7, 4)
    assert hall.topic.drops == {"disconnect": 4}
    assert numbers(fine) == list(range(6))


async def test_a_subscriber_that_reads_too_slowly_is_disconnected() -> None:
    hall = Hall(max_backlog=ROOM_FOR_3)
    line, subscription = hall.slow()
    await publish(hall.topic, 0, 1, 2)
    line.stream.leave(1)
    await publish(hall.topic, 3, 4, 5)
    assert end_of(line)[1:3] == (1013, "the peer does not read: 912 bytes wait, limit 684")
    assert (subscription.delivered, subscription.waiting, subscription.dropped) == (2, 0, 4)


async def test_of_many_that_are_full_at_once_some_are_disconnected_in_each_round() -> None:
    hall = Hall(max_backlog=0)
    slow = [hall.slow() for _ in range(EVICTIONS_A_ROUND + 1)]
    fine = hall.enter()
    await publish(hall.topic, 0)
    hall.topic.publish(message(1))
    await asyncio.sleep(0)
    # All of them miss the message at once, whenever they are told.
    assert list(hall.topic) == [fine.connection]
    assert hall.topic.dropped == hall.topic.drops["disconnect"] == len(slow)
    states = [line.connection.state for line, _ in slow]
    while states[-1] is State.OPEN:
        assert states.count(State.OPEN) in (1, len(slow))
        await asyncio.sleep(0)
        states = [line.connection.state for line, _ in slow]
    assert [end_of(line)[1] for line, _ in slow] == [1013] * len(slow)


async def test_slow_subscribers_of_all_kinds_count_as_if_each_were_alone() -> None:
    hall = Hall(overflow="drop_newest", max_backlog=ROOM_FOR_3)
    kinds: list[dict[str, Any]] = [
        {},
        {},
        {"max_backlog": 0},
        {"max_backlog": 0},
        {"overflow": "drop_oldest"},
        {"overflow": "disconnect"},
        {"overflow": "disconnect"},
    ]
    lines = [hall.open(write_limit=FULL) for _ in kinds]
    subscriptions = [
        hall.topic.subscribe(line.connection, **kind)
        for line, kind in zip(lines, kinds, strict=True)
    ]
    for line in lines:
        line.stream.stall()
    await publish(hall.topic, *range(6))
    counts = [(each.delivered, each.waiting, each.dropped) for each in subscriptions]
    assert counts == [(1, 3, 2)] * 2 + [(1, 0, 5)] * 2 + [(1, 3, 2)] + [(1, 0, 4)] * 2
    assert hall.topic.drops == {"drop_newest": 14, "drop_oldest": 2, "disconnect": 8}
    for line in lines[:5]:
        line.stream.flow()
    await rounds()
    heard = [numbers(line) for line in lines[:5]]
    assert heard == [[0, 1, 2, 3]] * 2 + [[0]] * 2 + [[0, 3, 4, 5]]


class Doomed:
    """One who is to be disconnected in a round to come, behind others."""

    def __init__(self) -> None:
        self.hall = Hall(max_backlog=0)
        self._others = [self.hall.slow() for _ in range(2 * EVICTIONS_A_ROUND)]
        self.line, self.subscription = self.hall.slow()

    async def doom(self) -> None:
        await publish(self.hall.topic, 0)
        self.hall.topic.publish(message(1))
        await asyncio.sleep(0)
        assert self.line.connection.state is State.OPEN
        self.check()

    def check(self) -> None:
        """See that no message is for it any more, and that each was counted once."""
        assert self.line.connection not in self.hall.topic
        assert (self.subscription.delivered, self.subscription.dropped) == (1, 1)
        assert self.subscription.is_over
        assert self.hall.topic.dropped == len(self._others) + 1


async def test_who_is_to_be_disconnected_gets_nothing_more() -> None:
    doomed = Doomed()
    await doomed.doom()
    doomed.line.stream.flow()
    doomed.hall.topic.publish(message(2))
    await rounds()
    assert numbers(doomed.line) == [0]
    assert end_of(doomed.line)[1] == 1013
    doomed.check()


async def test_who_is_to_be_disconnected_cannot_subscribe_again() -> None:
    doomed = Doomed()
    await doomed.doom()
    doomed.line.stream.flow()
    with pytest.raises(ConnectionClosed, match="1013"):
        doomed.hall.topic.subscribe(doomed.line.connection)
    await rounds()
    doomed.check()


@pytest.mark.parametrize("end", ["unsubscribe", "close", "abort", "lost"])
async def test_who_is_to_be_disconnected_may_leave_before(end: str) -> None:
    doomed = Doomed()
    await doomed.doom()
    match end:
        case "unsubscribe":
            doomed.hall.topic.unsubscribe(doomed.line.connection)
        case "close":
            doomed.line.connection.close_soon()
        case "abort":
            doomed.line.connection.abort()
        case _:
            doomed.line.stream.lose(None)
    doomed.check()
    await rounds()
    doomed.check()
    assert doomed.line.connection.state is not State.OPEN


def test_a_topic_outlives_a_loop_that_left_somebody_to_be_disconnected() -> None:
    topic = Topic(max_backlog=0)

    async def overflow(count: int) -> list[State]:
        hall = Hall()
        hall.topic = topic
        lines = [hall.slow()[0] for _ in range(count)]
        await publish(topic, 0)
        topic.publish(message(1))
        for _ in range(3):
            await asyncio.sleep(0)
        return [line.connection.state for line in lines]

    loop = asyncio.new_event_loop()
    states = loop.run_until_complete(overflow(10 * EVICTIONS_A_ROUND))
    loop.close()
    assert states[-1] is State.OPEN
    assert State.OPEN not in asyncio.run(overflow(1))


async def test_of_each_key_a_slow_subscriber_gets_the_newest() -> None:
    hall = Hall(overflow="conflate", max_backlog=100_000)
    line, subscription = hall.slow()
    await publish(hall.topic, 0)
    for number in range(1, 100):
        hall.topic.publish(message(number), key=number % 3)
        await rounds()
    assert (subscription.waiting, subscription.dropped) == (3, 96)
    line.stream.flow()
    await rounds()
    assert numbers(line) == [0, 97, 98, 99]


async def test_whoever_keeps_up_gets_every_message_of_a_key() -> None:
    hall = Hall(overflow="conflate")
    line = hall.enter()
    for number in range(5):
        hall.topic.publish(message(number), key="price")
    await rounds()
    assert numbers(line) == list(range(5))


async def test_a_subscriber_may_have_a_policy_of_its_own() -> None:
    hall = Hall(max_backlog=ROOM_FOR_3)
    line = hall.open(write_limit=FULL)
    subscription = hall.topic.subscribe(
        line.connection, overflow="drop_newest", max_backlog=TEXT + WAITING_OVERHEAD
    )
    line.stream.stall()
    await publish(hall.topic, *range(6))
    assert (subscription.waiting, subscription.dropped) == (1, 4)
    assert line.connection.state is State.OPEN


async def test_a_whole_tick_leaves_where_there_is_room_whatever_may_wait() -> None:
    hall = Hall(max_backlog=0)
    line = hall.enter(write_limit=FULL)
    for number in range(10):
        hall.topic.publish(message(number))
    await rounds()
    assert numbers(line) == list(range(10))


async def test_what_waits_leaves_in_pieces_as_the_peer_drains() -> None:
    hall = Hall()
    line, subscription = hall.slow()
    await publish(hall.topic, *range(10))
    waiting = []
    for _ in range(9):
        line.stream.leave(1)
        await rounds()
        waiting.append(subscription.waiting)
    assert waiting == list(reversed(range(9)))
    line.stream.flow()
    assert numbers(line) == list(range(10))


async def test_the_kernel_takes_little_for_a_subscriber() -> None:
    hall = Hall()
    assert hall.open().stream.not_sent is None
    assert hall.enter().stream.not_sent == NOT_SENT_TO_MANY


async def test_streams_take_one_message_that_does_not_leave_and_the_others_wait_in_common() -> None:
    hall = Hall()
    lines = [hall.open() for _ in range(2)]
    subscriptions = [hall.topic.subscribe(line.connection) for line in lines]
    for line in lines:
        line.stream.stall()
    await publish(hall.topic, *range(10))
    assert [line.stream.unsent for line in lines] == [TEXT + 2] * 2
    assert [subscription.waiting for subscription in subscriptions] == [9, 9]
    assert subscriptions[0].backlog is subscriptions[1].backlog
    for line in lines:
        line.stream.flow()
    await publish(hall.topic, 10)
    assert [numbers(line) for line in lines] == [list(range(11))] * 2


@pytest.mark.parametrize("deflate", [None, REMEMBERING])
async def test_a_client_that_is_slow_keeps_its_order(deflate: DeflateParameters | None) -> None:
    hall = Hall()
    line = hall.enter(Role.CLIENT, deflate=deflate, write_limit=FULL)
    line.stream.stall()
    for number in range(20):
        hall.topic.publish(message(number))
    await rounds()
    line.stream.flow()
    await rounds()
    await publish(hall.topic, 20)
    line.stream.flow()
    await rounds()
    assert numbers(line) == list(range(21))


async def test_who_waits_in_send_goes_on_before_the_topic() -> None:
    hall = Hall()
    line, _ = hall.slow()
    await publish(hall.topic, 0, 1)
    sending = asyncio.create_task(line.connection.send(message(100)))
    await rounds()
    line.stream.flow()
    line.stream.stall()
    await rounds()
    assert sending.done()
    line.stream.flow()
    await rounds()
    assert numbers(line) == [0, 100, 1]


async def test_what_waits_for_who_unsubscribes_is_dropped_and_counted() -> None:
    hall = Hall()
    line, subscription = hall.slow()
    await publish(hall.topic, 0, 1, 2)
    hall.topic.publish(message(3))
    hall.topic.unsubscribe(line.connection)
    assert (subscription.delivered, subscription.waiting, subscription.dropped) == (1, 0, 3)
    assert hall.topic.drops == {"left": 3}
    line.stream.flow()
    await rounds()
    assert numbers(line) == [0]


async def test_who_leaves_with_too_much_waiting_is_not_disconnected() -> None:
    hall = Hall(max_backlog=ROOM_FOR_3)
    line, subscription = hall.slow()
    await publish(hall.topic, 0, 1, 2, 3)
    hall.topic.publish(message(4))
    hall.topic.unsubscribe(line.connection)
    assert (subscription.delivered, subscription.dropped) == (1, 4)
    assert hall.topic.drops == {"left": 4}
    assert line.connection.state is State.OPEN


async def test_memory_is_bounded_whatever_is_published() -> None:
    hall = Hall(overflow="drop_oldest", max_backlog=10_000)
    line, subscription = hall.slow()
    for size in (0, 1, 5_000, 9_000, 20_000) * 50:
        hall.topic.publish(b"x" * size)
        await asyncio.sleep(0)
        assert subscription.waiting_bytes <= 10_000
    assert subscription.delivered + subscription.waiting + subscription.dropped == 250
    assert line.stream.unsent <= TICK_BUFFER


# Fragments


@dataclass
class Slowly:
    """A fragmented message that a test ends."""

    line: Line
    _go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def _fragments(self) -> AsyncIterator[str]:
        yield "1000"
        yield "."
        await self._go_on.wait()

    async def begin(self) -> None:
        self._task = asyncio.create_task(self.line.connection.send(self._fragments()))
        await rounds()

    async def finish(self) -> None:
        self._go_on.set()
        await self._task
        await rounds()


@pytest.mark.parametrize("role", list(Role))
async def test_a_fragmented_message_is_not_broken_up(role: Role) -> None:
    hall = Hall()
    line, other = hall.enter(role), hall.enter()
    slowly = Slowly(line)
    await publish(hall.topic, 0)
    await slowly.begin()
    await publish(hall.topic, 1, 2)
    assert (numbers(line), numbers(other)) == ([0], [0, 1, 2])
    await slowly.finish()
    await publish(hall.topic, 3)
    assert numbers(line) == [0, 1000, 1, 2, 3]


async def test_messages_behind_a_fragmented_one_count_against_the_limit() -> None:
    hall = Hall(max_backlog=ROOM_FOR_3)
    line = hall.enter()
    slowly = Slowly(line)
    await slowly.begin()
    await publish(hall.topic, *range(4))
    assert end_of(line)[1:3] == (1013, "the peer does not read: 912 bytes wait, limit 684")
    with pytest.raises(ConnectionClosed):
        await slowly.finish()


# In callbacks


async def test_a_handler_may_unsubscribe_publish_and_close() -> None:
    hall = Hall()

    class Handler(Events):
        def on_message(self, ws: Connection, data: str | bytes) -> None:
            hall.topic.publish(message(1))
            if data == "leave":
                hall.topic.unsubscribe(ws)
            else:
                ws.close_soon()
            hall.topic.publish(message(2))

    lines = [hall.enter(events=Handler()) for _ in range(3)]
    lines[0].peer.text("leave")
    lines[1].peer.text("close")
    await rounds()
    assert numbers(lines[0]) == [1]
    assert numbers(lines[1]) == [1, 2, 1]
    assert numbers(lines[2]) == [1, 2, 1, 2]
    assert list(hall.topic) == [lines[2].connection]


async def test_what_is_published_in_on_drain_comes_behind_what_waited() -> None:
    hall = Hall()

    class Handler(Events):
        def on_drain(self, ws: Connection) -> None:
            if not line.peer.heard[3:]:
                hall.topic.publish(message(9))

    line = hall.open(events=Handler(), write_limit=FULL)
    hall.topic.subscribe(line.connection)
    line.stream.stall()
    await publish(hall.topic, 0, 1, 2)
    line.stream.flow()
    await rounds()
    assert numbers(line) == [0, 1, 2, 9]


async def test_one_that_leaves_while_another_is_sent_to_gets_nothing_more() -> None:
    hall = Hall()
    lines = [hall.enter(Role.CLIENT) for _ in range(3)]
    write = lines[0].stream.write

    def write_and_part(data: bytes) -> None:
        write(data)
        hall.topic.unsubscribe(lines[1].connection)

    lines[0].stream.write = write_and_part  # type: ignore[method-assign]
    await publish(hall.topic, 0, 1)
    assert [numbers(line) for line in lines] == [[0, 1], [], [0, 1]]
    assert len(hall.topic) == 2


# Faults


@pytest.mark.parametrize("role", list(Role))
async def test_a_subscriber_that_fails_is_cut_and_touches_no_other(
    role: Role, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(data: bytes) -> None:
        raise OSError("broken")

    hall = Hall()
    lines = [hall.enter(role) for _ in range(3)]
    lines[1].stream.write = fail  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        await publish(hall.topic, 0, 1)
    assert "OSError: broken" in caplog.text
    assert [numbers(lines[0]), numbers(lines[2])] == [[0, 1], [0, 1]]
    assert lines[1].stream.was_aborted
    assert list(hall.topic) == [lines[0].connection, lines[2].connection]


async def test_a_group_that_cannot_be_sent_to_is_cut_and_the_others_are_sent_to(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    hall = Hall()
    members = [hall.enter(Role.SERVER) for _ in range(2)]
    subscriptions = [hall.topic.subscribe(line.connection) for line in members]
    apart = hall.enter(Role.CLIENT)
    await publish(hall.topic, 0)
    for group in hall.topic._groups.values():
        monkeypatch.setattr(group, "_fan_out", no_memory)
    with caplog.at_level(logging.ERROR):
        await publish(hall.topic, 1, 2)
    assert numbers(apart) == [0, 1, 2]
    assert all(line.stream.was_aborted for line in members)
    assert list(hall.topic) == [apart.connection]
    assert [(one.delivered, one.dropped) for one in subscriptions] == [(1, 1)] * 2
    assert (hall.topic.delivered, hall.topic.dropped) == (5, 2)
    assert caplog.text.count("a topic could not send to") == 2


async def test_where_a_tick_cannot_be_handed_out_nobody_misses_it_without_a_word(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    hall = Hall()
    lines = [hall.enter(role) for role in (Role.SERVER, Role.SERVER, Role.CLIENT)]
    await publish(hall.topic, 0)
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(hall.topic, "_deliver_to_all", no_memory)
        await publish(hall.topic, 1)
    assert all(line.stream.was_aborted for line in lines)
    assert len(hall.topic) == 0
    assert "MemoryError" in caplog.text
    newcomer = hall.enter(Role.SERVER)
    await publish(hall.topic, 2)
    assert numbers(newcomer) == [2]


async def test_those_who_cannot_be_let_wait_are_cut_and_touch_no_other(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    hall = Hall()
    slow = [hall.slow() for _ in range(2)]
    fine = hall.enter()
    await publish(hall.topic, 0, 1)
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(Backlog, "add", no_memory)
        await publish(hall.topic, 2)
    await publish(hall.topic, 3)
    assert numbers(fine) == [0, 1, 2, 3]
    assert list(hall.topic) == [fine.connection]
    assert all(line.stream.was_aborted for line, _ in slow)
    assert [(one.delivered, one.dropped) for _, one in slow] == [(1, 2)] * 2
    assert caplog.text.count("a topic could not send to") == 2


async def test_a_round_that_could_not_be_asked_for_is_asked_for_by_the_next() -> None:
    hall = Hall()
    line = hall.enter()
    call_soon, fails = line.engine.call_soon, [MemoryError()]

    def call_soon_or_fail(callback: Any) -> None:
        if fails:
            raise fails.pop()
        call_soon(callback)

    line.engine.call_soon = call_soon_or_fail  # type: ignore[method-assign]
    with pytest.raises(MemoryError):
        hall.topic.publish("0")
    await publish(hall.topic, 1)
    assert numbers(line) == [0, 1]


async def test_a_thousand_subscribers_come_and_go() -> None:
    hall = Hall()
    lines = [hall.enter() for _ in range(1000)]
    await publish(hall.topic, 0)
    for line in lines[::2]:
        hall.topic.unsubscribe(line.connection)
    await publish(hall.topic, 1)
    assert [numbers(line) for line in lines] == [[0], [0, 1]] * 500
    assert hall.topic.delivered == 1500
