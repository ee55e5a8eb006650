"""Limits: the promised defaults, and refusal of numbers that cannot be one."""

import re
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from trunkline.limits import DEFAULT_LIMITS, Backoff, LimitOptions, Limits, Rate, with_options

RATES = ["handshake_rate"]
NAMES = [field.name for field in fields(Limits) if field.name not in RATES]
TIMES = ["busy_poll", "close_timeout", "open_timeout", "ping_interval", "ping_timeout"]
OF_AN_APP = {"max_connections", "max_connections_per_address", "max_connections_per_user"}
MAY_BE_OFF = {"max_size", "max_unsent", *OF_AN_APP, *TIMES} - {"busy_poll"}


def test_the_defaults_are_those_that_the_documentation_promises() -> None:
    promised = {
        "max_size": 1024 * 1024,
        "max_fragments": 4096,
        "open_timeout": 10,
        "close_timeout": 10,
        "ping_interval": 20,
        "ping_timeout": 20,
        "write_limit": 64 * 1024,
        "max_head": 16 * 1024,
        "max_headers": 64,
        "max_connections": 10_000,
        "max_connections_per_address": 256,
        "max_connections_per_user": 64,
        "handshake_rate": Rate(50, per=1.0, burst=200),
    }
    assert {name: getattr(DEFAULT_LIMITS, name) for name in promised} == promised


def test_limits_do_not_change_under_a_running_connection() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT_LIMITS.max_size = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", NAMES)
def test_every_limit_may_be_zero(name: str) -> None:
    assert getattr(Limits(**{name: 0}), name) == 0


@pytest.mark.parametrize("name", NAMES)
def test_no_limit_may_be_negative(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is -1, it must not be negative"):
        Limits(**{name: -1})


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [-0.5, float("-inf"), float("nan")])
def test_no_time_may_be_negative_or_unknown(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}, it must not be negative"):
        Limits(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [0.5, 3, float("inf")])
def test_a_time_may_have_fractions(name: str, value: float) -> None:
    assert getattr(Limits(**{name: value}), name) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(TIMES)))
@pytest.mark.parametrize("value", [1.0, 1e6, float("inf"), "1", True, b"1", [1]])
def test_a_size_or_a_count_is_a_whole_number(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} is a whole number, not {re.escape(repr(value))}"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", ["1", True, b"1", [1]])
def test_a_time_is_a_number(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} is a number, not {re.escape(repr(value))}"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", sorted(MAY_BE_OFF))
def test_a_limit_that_may_be_off_takes_none(name: str) -> None:
    assert getattr(Limits(**{name: None}), name) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(set(NAMES) - MAY_BE_OFF))
def test_a_limit_that_must_be_on_refuses_none(name: str) -> None:
    with pytest.raises(TypeError, match=rf"{name} is a (whole )?number, not None"):
        Limits(**{name: None})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RATES)
def test_a_rate_is_one_or_off(name: str) -> None:
    options: Any = {name: None}
    assert getattr(Limits(**options), name) is None
    with pytest.raises(TypeError, match=f"{name} is a Rate or None, not 50"):
        Limits(**{name: 50})  # type: ignore[arg-type]


def test_a_rate_is_in_a_second_unless_told_otherwise() -> None:
    assert Rate(50, burst=200) == Rate(50, per=1.0, burst=200)


@pytest.mark.parametrize("name", ["count", "per", "burst"])
@pytest.mark.parametrize("value", [-1, float("-inf"), float("nan"), 0, float("inf")])
def test_a_rate_is_made_of_numbers_above_zero(name: str, value: Any) -> None:
    numbers: Any = {"count": 1, "burst": 1} | {name: value}
    with pytest.raises((TypeError, ValueError), match=f"{name} "):
        Rate(**numbers)


@pytest.mark.parametrize("value", [0, float("inf")])
def test_a_rate_that_is_none_says_what_would_be_one(value: float) -> None:
    with pytest.raises(ValueError, match=f"per of a rate is {value}, it must be above 0 and fin"):
        Rate(1, per=value, burst=1)


@pytest.mark.parametrize("name", ["count", "burst"])
def test_a_rate_counts_in_whole_numbers(name: str) -> None:
    numbers: Any = {"count": 1, "burst": 1} | {name: 1.5}
    with pytest.raises(TypeError, match=f"{name} is a whole number, not 1.5"):
        Rate(**numbers)


def test_named_options_replace_limits_and_leave_the_others() -> None:
    changed = with_options(Limits(max_fragments=3), {"max_size": 7, "ping_interval": None})
    assert changed == Limits(max_fragments=3, max_size=7, ping_interval=None)


@pytest.mark.parametrize("name", sorted(LimitOptions.__annotations__))
def test_every_option_is_a_limit(name: str) -> None:
    options: Any = {name: 5}
    assert getattr(with_options(DEFAULT_LIMITS, options), name) == 5


def test_an_unknown_option_is_named_like_an_unexpected_argument() -> None:
    options: Any = {"zzz": 1, "max_sise": 1, "max_size": 1}
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_sise'"):
        with_options(DEFAULT_LIMITS, options)


def test_an_option_is_checked_like_the_limit_it_replaces() -> None:
    with pytest.raises(ValueError, match="max_size is -1"):
        with_options(DEFAULT_LIMITS, {"max_size": -1})


def test_the_ceiling_of_a_delay_doubles_until_the_cap() -> None:
    ceilings = [Backoff().ceiling(attempt) for attempt in range(1, 9)]
    assert ceilings == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("factor", [2, 2.0, 1e300])
def test_the_ceiling_is_the_cap_after_any_number_of_attempts(factor: float) -> None:
    assert Backoff(first=0.5, factor=factor, cap=30).ceiling(1_000_000) == 30


def test_the_first_ceiling_is_no_higher_than_the_cap() -> None:
    assert Backoff(first=90, cap=60).ceiling(1) == 60


@pytest.mark.parametrize("name", [field.name for field in fields(Backoff)])
def test_a_backoff_is_made_of_numbers_that_are_not_negative(name: str) -> None:
    assert getattr(Backoff(**{name: 0.5}), name) == 0.5
    with pytest.raises(ValueError, match=f"{name} is -1.0, it must not be negative"):
        Backoff(**{name: -1.0})
    options: Any = {name: None}
    with pytest.raises(TypeError, match=f"{name} is a number, not None"):
        Backoff(**options)
