from collections.abc import Iterator

import pytest

from tests.app.running.workers.crews import Clock, Puppet, make_member, told
from trunkline.app.running.workers.exchange import Exchange, at_once
from trunkline.app.running.workers.member import Member
from trunkline.app.running.workers.message import Say
from trunkline.app.running.workers.slot import Slot
from trunkline.auth.ledger import MemoryLedger
from trunkline.limits import SNAPSHOT_TIMEOUT

EXPIRES_AT = 1e12

Crew = tuple[Exchange, list[Member], list[Puppet], Clock]


@pytest.fixture
def crew() -> Iterator[Crew]:
    slot, clock = Slot(1, [], shares_sockets=True), Clock()
    pairs = [make_member(slot, pid) for pid in (1, 2, 3)]
    members, puppets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for member in members[:2]:
        member.became_ready(0.0, 0.0)
    yield Exchange(members, MemoryLedger(1), clock), members, puppets, clock
    for member, puppet in pairs:
        member.channel.close()
        puppet.close()


def test_a_ticket_is_spent_once_by_whomever(crew: Crew) -> None:
    exchange, (one, other, _), puppets, _ = crew
    spend = {"say": Say.SPEND, "id": 5, "ticket_id": "a", "expires_at": EXPIRES_AT}
    exchange.take(one, spend)
    exchange.take(other, spend)
    exchange.take(other, {**spend, "ticket_id": "b"})
    (first,), (second, third), _ = told(puppets)
    assert first == {"say": Say.ANSWER, "id": 5, "is_first": True}
    assert second == {"say": Say.ANSWER, "id": 5, "is_first": False}
    assert (third["status"], third["refused"]) == (
        503,
        "1 tickets were used lately, limit 1: come back",
    )
    assert int(third["headers"]["Retry-After"]) > 0


def test_a_disconnection_is_passed_on_to_all_others(crew: Crew) -> None:
    exchange, (one, *_), puppets, _ = crew
    message = {"say": Say.DISCONNECT, "user": "ann", "code": 3503, "reason": ""}
    exchange.take(one, message)
    assert told(puppets) == [[], [message], [message]]


def test_what_is_not_for_it_is_left_alone(crew: Crew) -> None:
    exchange, (one, *_), puppets, _ = crew
    exchange.take(one, {"say": "something new"})
    assert told(puppets) == [[], [], []]


def test_snapshots_are_gathered_of_all_that_serve(crew: Crew) -> None:
    exchange, (one, other, _), puppets, _ = crew
    exchange.take(one, {"say": Say.SNAPSHOTS, "id": 9})
    (asked,), (asked_too,), nobody = told(puppets)
    assert asked == asked_too == {"say": Say.TAKE_SNAPSHOT, "id": asked["id"]}
    assert nobody == []
    exchange.take(one, {"say": Say.SNAPSHOT, "id": asked["id"], "snapshot": {"pid": 1}})
    exchange.tend()
    assert told(puppets) == [[], [], []]
    exchange.take(other, {"say": Say.SNAPSHOT, "id": asked["id"], "snapshot": {"pid": 2}})
    answer = {"say": Say.ANSWER, "id": 9, "snapshots": [{"pid": 1}, {"pid": 2}]}
    assert told(puppets) == [[answer], [], []]


def test_who_is_late_is_left_out(crew: Crew) -> None:
    exchange, (one, other, _), puppets, clock = crew
    exchange.take(one, {"say": Say.SNAPSHOTS, "id": 9})
    (asked,), *_ = told(puppets)
    exchange.take(other, {"say": Say.SNAPSHOT, "id": asked["id"], "snapshot": {"pid": 2}})
    clock.now += SNAPSHOT_TIMEOUT
    exchange.tend()
    assert told(puppets)[0] == [{"say": Say.ANSWER, "id": 9, "snapshots": [{"pid": 2}]}]
    exchange.take(one, {"say": Say.SNAPSHOT, "id": asked["id"], "snapshot": {"pid": 1}})
    assert told(puppets) == [[], [], []]


def test_a_ledger_that_waits_cannot_be_had_here() -> None:
    class Yielding:
        def __await__(self):  # type: ignore[no-untyped-def]
            yield

    async def wait() -> None:
        await Yielding()

    with pytest.raises(RuntimeError, match="the ledger waits"):
        at_once(wait())
