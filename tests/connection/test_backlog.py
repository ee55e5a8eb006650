"""What waits for a slow peer, under each of the four policies."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from trunkline.connection.backlog import Backlog, BacklogFull, Overflow, size_of
from trunkline.connection.shared_message import SharedMessage
from trunkline.limits import WAITING_OVERHEAD

ONE = WAITING_OVERHEAD + 2
"""Bytes that one of the messages here counts for."""


def message(text: str, key: Hashable | None = None) -> SharedMessage:
    return SharedMessage(text, text=None, compress=True, key=key)


def fill(backlog: Backlog, *texts: str) -> list[int]:
    """Add messages; what stands before a "=" is their key."""
    dropped = []
    for text in texts:
        key, _, rest = text.rpartition("=")
        dropped.append(backlog.add(message(rest, key or None)))
    return dropped


def drain(backlog: Backlog) -> list[str]:
    texts = [backlog.take().payload.decode() for _ in range(len(backlog))]
    assert backlog.size == 0
    return texts


def test_a_message_counts_for_its_payload_and_for_being_kept() -> None:
    assert size_of(message("ab")) == ONE == 130


@pytest.mark.parametrize(
    ("overflow", "dropped", "kept"),
    [
        (Overflow.DROP_NEWEST, [0, 0, 0, 1, 1], ["m1", "m2", "m3"]),
        (Overflow.DROP_OLDEST, [0, 0, 0, 1, 1], ["m3", "m4", "m5"]),
        (Overflow.CONFLATE, [0, 0, 0, 1, 1], ["m3", "m4", "m5"]),
    ],
)
def test_above_the_limit_the_policy_decides(
    overflow: Overflow, dropped: list[int], kept: list[str]
) -> None:
    backlog = Backlog(overflow, 3 * ONE)
    assert fill(backlog, "m1", "m2", "m3", "m4", "m5") == dropped
    assert backlog.size == 3 * ONE
    assert drain(backlog) == kept


def test_a_peer_that_is_to_be_disconnected_is_told_of_with_both_numbers() -> None:
    backlog = Backlog(Overflow.DISCONNECT, 10 * ONE)
    assert fill(backlog, *["m0"] * 10) == [0] * 10
    with pytest.raises(BacklogFull, match=r"^1,430 bytes wait, limit 1,300$"):
        backlog.add(message("m1"))
    assert len(backlog) == 10


def test_of_each_key_the_newest_survives_in_the_order_of_publishing() -> None:
    backlog = Backlog(Overflow.CONFLATE, 10 * ONE)
    assert fill(backlog, "a=a1", "b=b1", "n1", "a=a2", "n2", "a=a3") == [0, 0, 0, 1, 0, 1]
    assert drain(backlog) == ["b1", "n1", "n2", "a3"]


def test_a_key_means_nothing_where_nothing_is_conflated() -> None:
    backlog = Backlog(Overflow.DROP_OLDEST, 10 * ONE)
    assert fill(backlog, "a=a1", "a=a2") == [0, 0]
    assert drain(backlog) == ["a1", "a2"]


def test_as_many_old_ones_go_as_a_large_one_needs() -> None:
    backlog = Backlog(Overflow.DROP_OLDEST, 4 * ONE)
    fill(backlog, "m1", "m2", "m3", "m4")
    assert fill(backlog, "x" * (2 * ONE)) == [3]
    assert drain(backlog) == ["m4", "x" * (2 * ONE)]


@pytest.mark.parametrize("overflow", [Overflow.DROP_OLDEST, Overflow.CONFLATE])
def test_what_can_never_fit_drops_nothing_else(overflow: Overflow) -> None:
    backlog = Backlog(overflow, 2 * ONE)
    assert fill(backlog, "k=m1", "m2", "k=" + "x" * (2 * ONE)) == [0, 0, 1]
    assert drain(backlog) == ["m1", "m2"]


def test_the_newest_that_is_dropped_makes_no_room_and_a_smaller_one_finds_it() -> None:
    backlog = Backlog(Overflow.DROP_NEWEST, 2 * ONE)
    assert fill(backlog, "m1", "xxx", "m2") == [0, 1, 0]
    assert drain(backlog) == ["m1", "m2"]


def test_a_copy_goes_its_own_way() -> None:
    backlog = Backlog(Overflow.DROP_OLDEST, 2 * ONE)
    fill(backlog, "m1", "m2")
    copy = backlog.copy()
    fill(backlog, "m3")
    assert fill(copy, "m4", "m5") == [1, 1]
    assert (drain(backlog), drain(copy)) == (["m2", "m3"], ["m4", "m5"])


def test_what_is_cleared_is_gone() -> None:
    backlog = Backlog(Overflow.DROP_NEWEST, 2 * ONE)
    fill(backlog, "m1")
    backlog.clear()
    assert drain(backlog) == []
