"""A ledger takes each ticket once, forgets only what has expired, and refuses when it is full."""

import pytest

from tests.auth.clock import Clock
from trunkline import RequestRefused
from trunkline.auth import MemoryLedger


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.time = 100
    return clock


async def test_a_ticket_is_taken_once(clock: Clock) -> None:
    ledger = MemoryLedger(now=clock)
    assert await ledger.spend("a", 130)
    assert not await ledger.spend("a", 130)
    assert await ledger.spend("b", 130)


async def test_what_has_expired_is_forgotten_and_never_taken_again(clock: Clock) -> None:
    ledger = MemoryLedger(now=clock)
    assert await ledger.spend("b", 140)
    assert await ledger.spend("a", 130)
    clock.time = 130
    assert not await ledger.spend("a", 130)
    assert len(ledger) == 1
    # The clock was wrong, and is put right.
    clock.time = 100
    assert not await ledger.spend("a", 130)
    assert not await ledger.spend("b", 140)


async def test_a_full_ledger_refuses_rather_than_forgets(clock: Clock) -> None:
    ledger = MemoryLedger(2, now=clock)
    assert await ledger.spend("a", 110) and await ledger.spend("b", 120)
    with pytest.raises(RequestRefused) as caught:
        await ledger.spend("c", 130)
    assert str(caught.value) == "503: 2 tickets were used lately, limit 2: come back"
    assert caught.value.headers == {"Retry-After": "10"}
    assert not await ledger.spend("a", 110)
    clock.time = 110
    assert await ledger.spend("c", 130)


def test_a_ledger_has_room_for_a_ticket() -> None:
    with pytest.raises(ValueError, match="it needs at least 1"):
        MemoryLedger(0)
