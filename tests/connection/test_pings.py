"""Pings under way, and the times that their pongs give (RFC 6455 §5.5.2, §5.5.3)."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.connection.memory_stream import rounds
from trunkline.connection.pings import Pings, RoundTrip
from trunkline.errors import ConcurrencyError


@pytest.fixture
def pings() -> Pings:
    return Pings()


async def test_a_pong_gives_the_round_trip_time(pings: Pings) -> None:
    waiting = pings.sent(b"a", 1.0)
    assert pings
    assert not waiting.done()
    assert pings.answered(b"a", 1.25) == 0.25
    assert await waiting == 0.25
    assert not pings


async def test_both_idioms_give_the_same_time(pings: Pings) -> None:
    waiting = pings.sent(b"a", 1.0)
    pings.answered(b"a", 1.5)
    once = await waiting
    twice = await once
    assert isinstance(twice, RoundTrip) and isinstance(twice, float)
    assert once == twice == 0.5


async def test_who_waits_is_told_of_the_end_where_memory_ran_out(
    pings: Pings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(seconds: float) -> RoundTrip:
        raise MemoryError

    monkeypatch.setattr("trunkline.connection.pings.RoundTrip", none_left)
    waiting = pings.sent(b"a", 1.0)
    with pytest.raises(MemoryError):
        pings.answered(b"a", 1.25)
    pings.fail(ConnectionError("gone"))
    assert isinstance(waiting.exception(), ConnectionError)


async def test_a_pong_that_nobody_asked_for_changes_nothing(pings: Pings) -> None:
    waiting = pings.sent(b"a", 1.0)
    assert pings.answered(b"b", 2.0) is None
    await rounds()
    assert not waiting.done()
    pings.answered(b"a", 3.0)
    assert pings.answered(b"a", 4.0) is None
    await waiting


async def test_a_pong_answers_the_earlier_pings_too(pings: Pings) -> None:
    first, second, third = (pings.sent(b"%d" % at, at) for at in (1, 2, 3))
    assert pings.answered(b"2", 4.0) == 2
    assert (await first, await second) == (3, 2)
    assert not third.done()
    assert pings.answered(b"3", 4.0) == 1
    assert await third == 1


async def test_a_payload_is_used_once_at_a_time(pings: Pings) -> None:
    pings.sent(b"a", 1.0)
    with pytest.raises(ConcurrencyError, match="a ping with payload b'a' is under way already"):
        pings.check_unused(b"a")
    assert pings.is_under_way(b"a")
    pings.answered(b"a", 2.0)
    pings.check_unused(b"a")
    assert not pings.is_under_way(b"a")


async def test_whoever_waits_is_told_that_no_pong_will_come(pings: Pings) -> None:
    waiting = pings.sent(b"a", 1.0)
    cancelled = pings.sent(b"b", 1.0)
    pings.sent(b"nobody waits for this one, and the loop hears nothing of it", 1.0)
    pings.keepalive_sent(b"c", 1.0)
    cancelled.cancel()
    pings.fail(OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        await waiting
    assert pings.answered(b"a", 2.0) is None


async def test_a_cancelled_ping_is_still_measured(pings: Pings) -> None:
    waiting = pings.sent(b"a", 1.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await waiting
    assert waiting.cancelled()
    assert pings.answered(b"a", 3.0) == 2


async def test_a_keepalive_ping_is_measured_and_only_the_latest_is_remembered(
    pings: Pings,
) -> None:
    waiting = pings.sent(b"user's", 1.0)
    assert pings.keepalive_sent_at is None
    pings.keepalive_sent(b"a", 2.0)
    pings.keepalive_sent(b"b", 3.0)
    assert pings.keepalive_sent_at == 3.0
    assert not pings.is_under_way(b"a")
    assert pings.answered(b"b", 5.0) == 2
    assert await waiting == 4
    assert pings.keepalive_sent_at is None


def test_a_random_payload_is_not_that_of_a_ping_under_way(
    pings: Pings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings.keepalive_sent(b"once", 1.0)
    draws = [b"once", b"once", b"more"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "urandom", lambda size: draws.pop(0))
        assert pings.new_payload() == b"more"
