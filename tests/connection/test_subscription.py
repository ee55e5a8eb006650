"""What one subscriber is told, and how it counts."""

from __future__ import annotations

import logging

import pytest

from tests.connection.memory_stream import Line, MemoryEngine, open_line, rounds
from trunkline.connection.shared_message import SharedMessage
from trunkline.connection.subscription import Subscription
from trunkline.connection.topic import Topic
from trunkline.limits import WAITING_OVERHEAD
from trunkline.protocol.events import Text
from trunkline.protocol.role import Role


def subscribe(
    topic: Topic, role: Role = Role.SERVER, engine: MemoryEngine | None = None
) -> tuple[Line, Subscription]:
    line = open_line(role, write_limit=10, engine=engine)
    return line, topic.subscribe(line.connection)


def counts(subscription: Subscription) -> tuple[int, int, int]:
    return subscription.delivered, subscription.waiting, subscription.dropped


async def publish(topic: Topic, *texts: str) -> None:
    for text in texts:
        topic.publish(text)
        await rounds()


@pytest.mark.parametrize("role", list(Role))
async def test_every_message_is_delivered_or_waits_or_was_dropped(role: Role) -> None:
    topic = Topic(overflow="drop_newest", max_backlog=3 * WAITING_OVERHEAD)
    line, subscription = subscribe(topic, role)
    await publish(topic, "x" * 20)
    line.stream.stall()
    await publish(topic, "y" * 20, "z" * 20, "a", "b")
    assert counts(subscription) == (2, 2, 1)
    assert subscription.waiting_bytes == 2 * WAITING_OVERHEAD + 21
    line.stream.flow()
    await rounds()
    assert counts(subscription) == (4, 0, 1)
    await publish(topic, "c")
    assert counts(subscription) == (5, 0, 1)
    texts = ["x" * 20, "y" * 20, "z" * 20, "a", "c"]
    assert line.peer.heard == [Text(text) for text in texts]
    line.connection.abort()
    assert subscription.is_over
    assert subscription.connection is line.connection


async def test_what_waits_is_sent_in_writes_of_the_high_water() -> None:
    topic = Topic()
    line, subscription = subscribe(topic)
    line.stream.stall()
    await publish(topic, "x" * 20, *"abcdefghijklmnopqrst")
    line.stream.flow()
    await rounds()
    assert counts(subscription) == (21, 0, 0)
    assert [len(write) for write in line.stream.writes] == [22, 30, 30]


async def test_the_end_of_one_that_waits_counts_what_waited() -> None:
    topic = Topic()
    line, subscription = subscribe(topic)
    line.stream.stall()
    await publish(topic, "x" * 20, "y", "z")
    topic.publish("w")
    line.connection.abort()
    assert counts(subscription) == (1, 0, 3)


async def test_several_that_wait_together_go_their_own_ways() -> None:
    topic = Topic(overflow="drop_oldest", max_backlog=2 * (WAITING_OVERHEAD + 1))
    engine = MemoryEngine()
    subscribed = [subscribe(topic, engine=engine) for _ in range(3)]
    for line, _ in subscribed:
        line.stream.stall()
    await publish(topic, "x" * 20, *"abc")
    (first, one), (_, two), (_, three) = subscribed
    assert one.cohort is two.cohort is three.cohort is not None
    assert [counts(each) for each in (one, two, three)] == [(1, 2, 1)] * 3
    first.stream.flow()
    await publish(topic, "d")
    two.connection.abort()
    await publish(topic, "e")
    assert first.peer.heard[1:] == [Text(text) for text in "bcde"]
    assert counts(one) == (5, 0, 1)
    assert counts(two) == (1, 0, 4)
    assert counts(three) == (1, 2, 3)
    assert topic.dropped == sum(each.dropped for each in (one, two, three))
    assert topic.drops == {"drop_oldest": 6, "left": 2}


async def test_who_reads_a_little_and_stops_waits_by_itself() -> None:
    topic = Topic(max_backlog=2 * (WAITING_OVERHEAD + 20))
    line, subscription = subscribe(topic)
    line.stream.stall()
    await publish(topic, "x" * 20, "y" * 20, "z" * 20)
    line.stream.leave(1)
    await rounds()
    assert counts(subscription) == (2, 1, 0)
    await publish(topic, "a")
    assert counts(subscription) == (2, 2, 0)
    assert subscription.cohort is None
    await publish(topic, "b" * 20)
    assert counts(subscription) == (2, 0, 3)
    assert topic.drops == {"disconnect": 3}
    assert line.stream.was_aborted


async def test_the_last_messages_may_find_no_room() -> None:
    topic = Topic(max_backlog=0)
    line, subscription = subscribe(topic)
    line.stream.stall()
    await publish(topic, "x" * 20)
    topic.publish("y")
    topic.unsubscribe(line.connection)
    assert counts(subscription) == (1, 0, 1)


async def test_the_last_messages_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    def fail(data: bytes) -> None:
        raise OSError("broken")

    topic = Topic()
    line, subscription = subscribe(topic)
    topic.publish("x")
    line.stream.write = fail  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        topic.unsubscribe(line.connection)
    assert "OSError: broken" in caplog.text
    assert counts(subscription) == (0, 0, 1)


async def test_a_drain_that_concerns_nobody_is_nothing() -> None:
    topic = Topic()
    line, subscription = subscribe(topic)
    line.link.debts.tell_drained()
    assert counts(subscription) == (0, 0, 0)


async def test_a_fragmented_message_parts_it_from_the_others_until_its_end() -> None:
    topic = Topic()
    line, subscription = subscribe(topic)
    line.link.debts.tell_held()
    assert subscription.group is None
    line.link.debts.tell_drained()
    await rounds()
    assert subscription.group is not None


async def test_who_leaves_when_nothing_is_pending_gets_nothing_more() -> None:
    topic = Topic()
    line, subscription = subscribe(topic)
    topic.unsubscribe(line.connection)
    assert counts(subscription) == (0, 0, 0)
    assert line.stream.writes == []


async def test_what_may_not_have_been_sent_is_dropped_once() -> None:
    topic = Topic()
    line, subscription = subscribe(topic)
    await publish(topic, "a")
    subscription.missed([SharedMessage("b", text=None, compress=True)])
    line.connection.abort()
    assert counts(subscription) == (1, 0, 1)
    assert topic.dropped == 1
