"""Allowances: as many as promised, not one more; and no way to make them forget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.limits import MOST_ALLOWANCES, Rate
from trunkline.server.allowance import Allowance, Allowances, too_often

SLOW = Rate(1, per=10, burst=3)


def admitted(rate: Rate, times: list[float]) -> list[float]:
    """Give the times of those that are admitted."""
    allowance = Allowance(rate)
    return [now for now in times if allowance.admit(now) == 0]


# One bucket


def test_after_a_rest_the_burst_is_admitted_and_not_one_more() -> None:
    allowance = Allowance(SLOW)
    assert [allowance.admit(100) for _ in range(5)] == [0, 0, 0, 10, 10]


def test_it_is_said_how_long_to_wait_and_then_there_is_one() -> None:
    allowance = Allowance(SLOW)
    for now in (0, 0, 0):
        allowance.admit(now)
    assert allowance.admit(4) == 6
    assert allowance.admit(9.5) == 0.5
    assert allowance.admit(10) == 0
    assert allowance.admit(10) == 10


def test_who_asks_too_often_waits_no_longer_for_it() -> None:
    allowance = Allowance(SLOW)
    waits = [allowance.admit(now / 10) for now in range(101)]
    assert waits[100] == 0


def test_a_rest_fills_the_bucket_to_the_brim_and_not_further() -> None:
    allowance = Allowance(SLOW)
    for now in (0, 0, 0):
        allowance.admit(now)
    assert [allowance.admit(1e6) for _ in range(4)] == [0, 0, 0, 10]


def test_a_cost_takes_as_much() -> None:
    allowance = Allowance(Rate(1000, burst=3000))
    assert allowance.admit(0, 2000) == 0
    assert allowance.admit(0, 2000) == 1
    assert allowance.admit(0, 1000) == 0
    assert allowance.admit(1, 1000) == 0


def test_what_is_larger_than_the_bucket_waits_for_a_full_one_and_is_paid_for() -> None:
    allowance = Allowance(Rate(1000, burst=3000))
    assert allowance.admit(0, 1) == 0
    assert allowance.admit(0, 10_000) == pytest.approx(0.001)
    assert allowance.admit(1, 10_000) == 0
    assert allowance.admit(1, 1) == pytest.approx(7.001)


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=60).map(sorted),
    st.integers(1, 8),
    st.integers(1, 8),
    st.sampled_from([1.0, 8.0, 64.0]),
)
def test_within_any_time_there_are_never_more_than_promised(
    times: list[float], count: int, burst: int, per: float
) -> None:
    rate = Rate(count, per=per, burst=burst)
    let_in = admitted(rate, times)
    assert let_in[0] == times[0]
    for first, start in enumerate(let_in):
        for last, end in enumerate(let_in[first:], start=1):
            assert last <= burst + (end - start) * count / per + 1e-6


# A bucket for each


def test_each_key_has_a_bucket_of_its_own() -> None:
    allowances = Allowances(Rate(1, burst=1))
    assert [allowances.admit(key, 0) for key in "abab"] == [0, 0, 1, 1]


def test_buckets_that_are_full_again_are_forgotten() -> None:
    allowances = Allowances(Rate(1, burst=1))
    for number in range(100):
        allowances.admit(number, number * 2)
    assert len(allowances) <= 2


def test_so_many_keys_are_kept_by_default() -> None:
    allowances = Allowances(SLOW)
    for number in range(MOST_ALLOWANCES + 10):
        allowances.admit(number, 0)
    assert len(allowances) == MOST_ALLOWANCES


def test_whoever_finds_no_room_shares_one_bucket() -> None:
    allowances = Allowances(SLOW, most_keys=2)
    for key in "ab":
        allowances.admit(key, 0)
    assert [allowances.admit(key, 0) for key in "cdefg"] == [0, 0, 0, 10, 10]
    assert len(allowances) == 2
    assert allowances.admit("a", 0) == 0


def test_many_addresses_do_not_make_an_offender_forgotten() -> None:
    allowances = Allowances(SLOW, most_keys=50)
    while allowances.admit("offender", 0) == 0:
        pass
    for number in range(10_000):
        allowances.admit(number, 9)
        assert len(allowances) <= 50
    assert allowances.admit("offender", 9) == 1


def test_a_table_that_was_full_has_room_again_when_buckets_are() -> None:
    allowances = Allowances(SLOW, most_keys=50)
    for number in range(200):
        allowances.admit(number, 0)
    for _ in range(SLOW.burst):
        assert [allowances.admit(f"late {number}", 31) for number in range(50)] == [0] * 50
    assert len(allowances) == 50


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 8)), max_size=80))
def test_as_long_as_there_is_room_the_others_change_nothing(steps: list[tuple[int, int]]) -> None:
    allowances, alone = Allowances(SLOW, most_keys=10), [Allowance(SLOW) for _ in range(10)]
    now = 0
    for key, pause in steps:
        now += pause
        assert allowances.admit(key, now) == alone[key].admit(now)


# Refusing


@pytest.mark.parametrize(("wait", "seconds"), [(0.02, 1), (1, 1), (1.5, 2), (3600, 3600)])
def test_a_refusal_says_what_when_and_how_many(wait: float, seconds: int) -> None:
    refused = too_often("handshakes from this address", Rate(50, burst=2000), wait)
    assert (refused.status, refused.headers) == (429, {"Retry-After": str(seconds)})
    assert refused.reason == (
        "too many handshakes from this address, limit 50 in 1 s, 2,000 at once; "
        f"come back in {seconds} s"
    )
