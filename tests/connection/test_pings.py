"""Pings under way, and the times that their pongs give (RFC 6455 §5.5.2, §5.5.3)."""

from __future__ import annotations

import asyncio

import pytest

from tests.connection.memory_stream import rounds
from tests.engines.virtual_clock import VirtualClock
from trunkline.connection.pings import Pings, RoundTrip
from trunkline.errors import ConcurrencyError


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def pings(clock: VirtualClock) -> Pings:
    return Pings(clock.now)


async def test_a_pong_gives_the_round_trip_time(clock: VirtualClock, pings: Pings) -> None:
    waiting = pings.sent(b"a")
    assert pings.latency == 0
    clock.advance(0.25)
    assert not waiting.done()
    pings.answered(b"a")
    assert await waiting == pings.latency == 0.25


async def test_both_idioms_give_the_same_time(clock: VirtualClock, pings: Pings) -> None:
    waiting = pings.sent(b"a")
    clock.advance(0.5)
    pings.answered(b"a")
    once = await waiting
    twice = await once
    assert isinstance(twice, RoundTrip) and isinstance(twice, float)
    assert once == twice == 0.5


async def test_a_pong_that_nobody_asked_for_changes_nothing(pings: Pings) -> None:
    waiting = pings.sent(b"a")
    pings.answered(b"b")
    await rounds()
    assert not waiting.done() and pings.latency == 0
    pings.answered(b"a")
    pings.answered(b"a")
    await waiting


async def test_a_pong_answers_the_earlier_pings_too(clock: VirtualClock, pings: Pings) -> None:
    first = pings.sent(b"1")
    clock.advance(1)
    second = pings.sent(b"2")
    clock.advance(1)
    third = pings.sent(b"3")
    clock.advance(1)
    pings.answered(b"2")
    assert (await first, await second) == (3, 2)
    assert not third.done()
    assert pings.latency == 2
    pings.answered(b"3")
    assert await third == 1


async def test_a_payload_is_used_once_at_a_time(pings: Pings) -> None:
    pings.sent(b"a")
    with pytest.raises(ConcurrencyError, match="a ping with payload b'a' is under way already"):
        pings.check_unused(b"a")
    assert pings.is_under_way(b"a")
    pings.answered(b"a")
    pings.check_unused(b"a")
    assert not pings.is_under_way(b"a")


async def test_whoever_waits_is_told_that_no_pong_will_come(pings: Pings) -> None:
    waiting = pings.sent(b"a")
    cancelled = pings.sent(b"b")
    pings.sent(b"nobody waits for this one, and the loop hears nothing of it")
    cancelled.cancel()
    pings.fail(OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        await waiting
    pings.answered(b"a")
    assert pings.latency == 0


async def test_a_cancelled_ping_is_still_measured(clock: VirtualClock, pings: Pings) -> None:
    waiting = pings.sent(b"a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await waiting
    assert waiting.cancelled()
    clock.advance(2)
    pings.answered(b"a")
    assert pings.latency == 2


async def test_a_forgotten_ping_is_not_waited_for(pings: Pings) -> None:
    pings.sent(b"a")
    pings.forget(b"a")
    pings.forget(b"never sent")
    pings.answered(b"a")
    assert pings.latency == 0
