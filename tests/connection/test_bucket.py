"""A bucket gives what is in it, and not one token more."""

from __future__ import annotations

from random import Random

import pytest

from trunkline.connection.bucket import Bucket
from trunkline.limits import MIB, Rate

START = 1_000.0
WEEKS = 5e6
"""Seconds: a machine that has run for two months."""


@pytest.mark.parametrize("rate", [Rate(5_000, burst=10_000), Rate(1, per=3600.0, burst=3), Rate(7)])
@pytest.mark.parametrize("now", [0.1, START, WEEKS + 0.1])
def test_the_burst_is_exact(rate: Rate, now: float) -> None:
    bucket = Bucket(rate, "messages")
    taken = [bucket.take(now, 1) for _ in range(rate.most + 2)]
    assert taken == [True] * rate.most + [False, False]


@pytest.mark.parametrize("now", [START, WEEKS])
def test_many_bytes_are_counted_exactly_as_well(now: float) -> None:
    rate = Rate(16 * MIB, burst=32 * MIB)
    bucket = Bucket(rate, "bytes")
    assert all(bucket.take(now, 65_536) for _ in range(511))
    assert bucket.take(now, 65_535)
    assert not bucket.take(now, 2)
    assert bucket.take(now, 1)
    assert not bucket.take(now, 1)


def test_a_token_comes_after_its_interval_and_not_before() -> None:
    rate = Rate(10, burst=1)
    bucket = Bucket(rate, "messages")
    for number in range(100):
        now = START + number * rate.interval
        assert bucket.take(now, 1)
        assert not bucket.take(now + 0.9 * rate.interval, 1)


def test_a_full_bucket_does_not_overflow() -> None:
    bucket = Bucket(Rate(10, burst=5), "messages")
    bucket.take(START, 1)
    assert [bucket.take(START + 1e6, 1) for _ in range(6)] == [True] * 5 + [False]


def test_what_is_refused_costs_nothing() -> None:
    bucket = Bucket(Rate(1, burst=1), "messages")
    assert bucket.take(START, 1)
    for _ in range(100):
        assert not bucket.take(START, 1)
    assert bucket.take(START + 1.0, 1)


def test_what_is_borrowed_is_paid_back() -> None:
    bucket = Bucket(Rate(10, burst=20), "messages")
    assert bucket.borrow(START, 20) == 0.0
    assert bucket.borrow(START, 1) == pytest.approx(0.1, rel=0.02)
    assert bucket.borrow(START, 9) == pytest.approx(1.0, rel=0.02)
    assert bucket.borrow(START + 1.0, 0) == 0.0
    assert not bucket.take(START + 1.0, 1)
    assert bucket.take(START + 1.1, 1)


def test_without_a_rate_there_is_no_limit() -> None:
    bucket = Bucket(None, "messages")
    assert bucket.take(START, 10**15)
    assert bucket.borrow(START, 10**15) == 0.0


def test_in_the_long_run_the_rate_is_kept() -> None:
    random, now, taken = Random(1), START, 0
    rate = Rate(50, burst=7)
    bucket = Bucket(rate, "messages")
    for _ in range(100_000):
        now += random.expovariate(100.0)
        taken += bucket.take(now, 1)
    allowed = (now - START) / rate.interval + rate.most
    assert 0.95 * allowed < taken <= allowed + 1
