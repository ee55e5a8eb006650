"""Subscribers for which the same messages wait have one backlog, until one of them goes on."""

from __future__ import annotations

import pytest

from tests.connection.memory_stream import open_line
from trunkline.connection.backlog import Backlog, BacklogFull, Overflow
from trunkline.connection.cohort import Cohort
from trunkline.connection.shared_message import SharedMessage
from trunkline.connection.subscription import Subscription
from trunkline.connection.topic import Topic
from trunkline.limits import WAITING_OVERHEAD

ROOM_FOR_2 = 2 * (WAITING_OVERHEAD + 1)


def members(cohort: Cohort, count: int) -> list[Subscription]:
    backlog = cohort.backlog
    found = []
    for _ in range(count):
        own = Backlog(backlog.overflow, backlog.limit)
        found.append(Subscription(Topic(), open_line().connection, own))
        cohort.add(found[-1])
    return found


def messages(*texts: str) -> list[SharedMessage]:
    return [SharedMessage(text, text=None, compress=True) for text in texts]


def counts(subscription: Subscription) -> tuple[int, int, int, int]:
    waiting = subscription.waiting, subscription.waiting_bytes
    return subscription.delivered, *waiting, subscription.dropped


async def test_what_waits_for_all_is_kept_once_and_counts_for_each() -> None:
    cohort = Cohort(Overflow.DROP_OLDEST, ROOM_FOR_2)
    both = members(cohort, 2)
    assert (len(cohort), cohort.members()) == (2, tuple(both))
    assert [cohort.wait(messages(*texts)) for texts in ("a", "bc", "d")] == [0, 1, 1]
    assert [counts(each) for each in both] == [(0, 2, ROOM_FOR_2, 2)] * 2


async def test_who_goes_on_takes_along_what_waits_and_leaves_it_to_the_others() -> None:
    cohort = Cohort(Overflow.DROP_NEWEST, ROOM_FOR_2)
    early, late = members(cohort, 2)
    cohort.wait(messages("a"))
    early.leave_cohort()
    cohort.wait(messages("b", "c"))
    assert (early.cohort, late.cohort, len(cohort)) == (None, cohort, 1)
    assert counts(early) == (0, 1, ROOM_FOR_2 / 2, 0)
    assert counts(late) == (0, 2, ROOM_FOR_2, 1)
    assert early.backlog.take() is late.backlog.take()


async def test_nothing_is_kept_for_nobody() -> None:
    cohort = Cohort(Overflow.DISCONNECT, ROOM_FOR_2)
    [member] = members(cohort, 1)
    cohort.wait(messages("a", "b"))
    member.leave_cohort()
    assert (len(cohort.backlog), len(member.backlog)) == (0, 2)


async def test_too_much_is_too_much_for_all_of_them() -> None:
    cohort = Cohort(Overflow.DISCONNECT, ROOM_FOR_2)
    members(cohort, 2)
    with pytest.raises(BacklogFull, match="387 bytes wait, limit 258"):
        cohort.wait(messages("a", "b", "c"))
    assert (cohort.due, cohort.dropped) == (3, 0)
