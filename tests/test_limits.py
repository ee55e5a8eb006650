"""Limits: the promised defaults, and refusal of numbers that cannot be one."""

import re
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from trunkline.limits import (
    APP_LIMITS,
    DEFAULT_LIMITS,
    MIB,
    Backoff,
    Excess,
    LimitOptions,
    Limits,
    Rate,
    check_setting,
    with_options,
)

RATES = ["message_rate", "byte_rate", "control_rate", "handshake_rate"]
NAMES = [field.name for field in fields(Limits) if field.name not in (*RATES, "on_excess")]
TIMES = ["busy_poll", "close_timeout", "open_timeout", "ping_interval", "ping_timeout"]
TIMES += ["idle_timeout", "max_stall"]
OF_AN_APP = {"max_connections", "max_connections_per_address", "max_connections_per_user"}
LONG_TIMES = sorted(set(TIMES) - {"busy_poll"})
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


@pytest.mark.parametrize("name", LONG_TIMES)
@pytest.mark.parametrize("value", [0.5, 3, float("inf")])
def test_a_time_may_have_fractions(name: str, value: float) -> None:
    assert getattr(Limits(**{name: value}), name) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.0, 50e-6, 1, 1.0])
def test_a_busy_poll_is_seconds_and_not_many(value: float) -> None:
    assert Limits(busy_poll=value).busy_poll == value


@pytest.mark.parametrize("value", [1.001, 50, float("inf")])
def test_a_busy_poll_of_another_unit_is_refused(value: float) -> None:
    wanted = re.escape(f"busy_poll is {value!r} seconds, limit 1.0: 50 microseconds are 50e-6")
    with pytest.raises(ValueError, match=f"^{wanted}$"):
        with_options(DEFAULT_LIMITS, {"busy_poll": value})


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


def test_named_options_replace_limits_and_leave_the_others() -> None:
    changed = with_options(Limits(max_fragments=3), {"max_size": 7, "ping_interval": None})
    assert changed == Limits(max_fragments=3, max_size=7, ping_interval=None)


@pytest.mark.parametrize("name", sorted(LimitOptions.__annotations__))
def test_every_option_is_a_limit(name: str) -> None:
    options: Any = {name: 1}
    assert getattr(with_options(DEFAULT_LIMITS, options), name) == 1


def test_an_unknown_option_is_named_like_an_unexpected_argument() -> None:
    options: Any = {"zzz": 1, "max_sise": 1, "max_size": 1}
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_sise'"):
        with_options(DEFAULT_LIMITS, options)


def test_an_option_is_checked_like_the_limit_it_replaces() -> None:
    with pytest.raises(ValueError, match="max_size is -1"):
        with_options(DEFAULT_LIMITS, {"max_size": -1})


def test_a_setting_is_nothing_but_its_kind() -> None:
    check_setting("limits", DEFAULT_LIMITS, Limits)
    wrong = {"max_size": 3}
    with pytest.raises(TypeError, match=r"^limits is a trunkline\.Limits, not \{'max_size': 3\}$"):
        check_setting("limits", wrong, Limits)


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


# Rates


def test_a_rate_holds_as_much_as_comes_in_its_time_unless_told_otherwise() -> None:
    rate = Rate(50, per=10.0)
    assert (rate.most, rate.interval, rate.tolerance) == (50, 0.2, 10.0)
    bursty = Rate(50, 10.0, burst=200)
    assert (bursty.most, bursty.interval, bursty.tolerance) == (200, 0.2, 40.0)


def test_a_rate_is_said_with_all_its_numbers() -> None:
    assert Rate(5_000, burst=10_000).of("messages") == "5,000 messages per second, 10,000 at once"
    assert Rate(3, per=0.5).of("bytes") == "3 bytes per 0.5 s, 3 at once"


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["count", "per", "burst"])
def test_a_rate_lets_something_happen(name: str, wrong: Any) -> None:
    parts: dict[str, Any] = {"count": 1, "per": 1.0, "burst": 1, name: wrong}
    with pytest.raises((TypeError, ValueError), match=f"^{name} "):
        Rate(**parts)


@pytest.mark.parametrize("name", RATES)
def test_a_limit_that_is_a_rate_is_nothing_else(name: str) -> None:
    assert getattr(Limits(**{name: Rate(1)}), name) == Rate(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=f"{name} is a Rate or None, not 5"):
        Limits(**{name: 5})  # type: ignore[arg-type]


def test_what_becomes_of_too_much_is_one_of_three_things() -> None:
    wrong: Any = "drop"
    with pytest.raises(TypeError, match="on_excess is an Excess, not 'drop'"):
        Limits(on_excess=wrong)
    assert Limits(on_excess=Excess.DROP).on_excess == "drop"


def test_stalls_are_seen_by_the_keep_alive() -> None:
    with pytest.raises(ValueError, match="max_stall needs ping_interval"):
        Limits(max_stall=5.0, ping_interval=None)


def test_messages_are_metered_where_any_of_it_is_asked_for() -> None:
    assert not DEFAULT_LIMITS.are_metered
    assert not Limits(max_stall=1.0).are_metered
    assert Limits(idle_timeout=1.0).are_metered
    metered = set(RATES) - {"handshake_rate"}
    assert all(Limits(**{name: Rate(1)}).are_metered for name in metered)  # type: ignore[arg-type]


def test_an_application_has_the_rates_that_the_documentation_promises() -> None:
    assert APP_LIMITS.message_rate == Rate(5_000, burst=10_000)
    assert APP_LIMITS.byte_rate == Rate(16 * MIB, burst=32 * MIB)
    assert APP_LIMITS.control_rate == Rate(50, burst=200)
    assert APP_LIMITS.on_excess is Excess.PAUSE
