"""What a link owes is paid once, and whoever owes nothing shares one object."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trunkline.connection.debts import NO_DEBTS, Debts
from trunkline.errors import ProtocolError


class Follower:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def held(self) -> None:
        self.told.append("held")

    def drained(self) -> None:
        self.told.append("drained")

    def ending(self) -> None:
        self.told.append("ending")


def test_what_is_taken_is_owed_no_longer() -> None:
    failure = ProtocolError("reserved opcode")
    debts = Debts(pong=b"a", failure=failure)
    assert debts.take_pong() == b"a"
    assert debts.take_failure() is failure
    assert debts.take_pong() is debts.take_failure() is None
    assert not debts


@pytest.mark.parametrize(
    "debt",
    [
        {"pong": b""},
        {"failure": ProtocolError("reserved opcode")},
        {"when_ended": print},
        {"followers": {Follower(): None}},
    ],
)
def test_each_debt_counts(debt: dict[str, Any]) -> None:
    assert Debts(**debt)
    assert not Debts()


@pytest.mark.parametrize("name", ["room", "loss"])
async def test_whoever_waits_is_owed_something(name: str) -> None:
    debts = Debts()
    waiters = getattr(debts, name)
    task = asyncio.create_task(waiters.wait())
    await asyncio.sleep(0)
    assert debts
    waiters.wake()
    await task
    assert not debts


def test_followers_are_told_in_their_order_and_of_the_end_once() -> None:
    first, second = Follower(), Follower()
    debts = Debts(followers={first: None, second: None})
    debts.tell_held()
    debts.tell_drained()
    debts.tell_ending()
    debts.tell_ending()
    assert first.told == second.told == ["held", "drained", "ending"]
    assert not debts.followers


def test_whoever_owes_nothing_has_nothing_to_tell() -> None:
    NO_DEBTS.tell_held()
    NO_DEBTS.tell_drained()
    NO_DEBTS.tell_ending()
    NO_DEBTS.room.wake()
    NO_DEBTS.loss.wake()
    assert NO_DEBTS.take_pong() is NO_DEBTS.take_failure() is None
    assert not NO_DEBTS
