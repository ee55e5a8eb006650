"""What a link owes is paid once, and whoever owes nothing shares one object."""

from __future__ import annotations

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
    debts = Debts(pong=b"a", failure=failure, when_due=test_what_is_taken_is_owed_no_longer)
    assert debts.take_pong() == b"a"
    assert debts.take_failure() is failure
    assert debts.take_deadline() is test_what_is_taken_is_owed_no_longer
    assert debts.take_pong() is debts.take_failure() is debts.take_deadline() is None


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
    assert NO_DEBTS.take_pong() is NO_DEBTS.take_failure() is NO_DEBTS.take_deadline() is None
