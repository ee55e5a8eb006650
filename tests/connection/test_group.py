"""Subscribers that keep up are sent to together."""

from __future__ import annotations

from tests.connection.memory_stream import Line, open_line
from trunkline.connection.backlog import Backlog, Overflow
from trunkline.connection.form import PLAIN
from trunkline.connection.group import Group
from trunkline.connection.shared_message import SharedMessage
from trunkline.connection.subscription import Subscription
from trunkline.connection.topic import Topic
from trunkline.connection.traffic import Traffic
from trunkline.engines.fanout import fan_out
from trunkline.protocol.events import Text


def member(line: Line) -> Subscription:
    return Subscription(Topic(), line.connection, Backlog(Overflow.DISCONNECT, 1000))


def messages(*texts: str) -> list[SharedMessage]:
    return [SharedMessage(text, text=None, compress=True) for text in texts]


async def test_all_messages_of_a_tick_leave_in_one_write() -> None:
    lines = [open_line(), open_line()]
    group = Group(PLAIN, fan_out, Traffic())
    for line in lines:
        group.add(member(line))
    assert group.send(messages("a", "b")) == []
    assert [len(line.stream.writes) for line in lines] == [1, 1]
    assert lines[0].peer.heard == lines[1].peer.heard == [Text("a"), Text("b")]


async def test_who_has_no_room_is_let_go_and_has_been_sent_nothing() -> None:
    slow, fine = open_line(write_limit=10), open_line()
    group = Group(PLAIN, fan_out, Traffic())
    members = [member(slow), member(fine)]
    for one in members:
        group.add(one)
    slow.stream.stall()
    assert group.send(messages("x" * 100)) == []
    assert group.send(messages("a", "b")) == [members[0]]
    assert len(group) == 1
    assert group.members() == (members[1],)
    assert [one.delivered for one in members] == [1, 3]
    assert members[0].group is None


async def test_who_waits_for_a_peer_below_high_water_has_no_room_until_that_has_left() -> None:
    line = open_line()
    group = Group(PLAIN, fan_out, Traffic())
    slow = member(line)
    group.add(slow)
    line.stream.stall()
    assert group.send(messages("a")) == []
    assert slow.outbox.has_room
    assert group.send(messages("b")) == [slow]
    assert not slow.outbox.has_room
    line.stream.flow()
    assert slow.outbox.has_room
    assert line.peer.heard == [Text("a")]


async def test_a_member_counts_from_when_it_came_until_it_went() -> None:
    group = Group(PLAIN, fan_out, Traffic())
    early, late = member(open_line()), member(open_line())
    group.add(early)
    group.send(messages("a"))
    group.add(late)
    group.send(messages("b", "c"))
    early.leave_group()
    group.send(messages("d"))
    assert (early.delivered, late.delivered) == (3, 3)
    assert len(group) == 1
