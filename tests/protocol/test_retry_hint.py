"""Hints when to come back."""

from http import HTTPStatus

import pytest

from trunkline.protocol.retry_hint import encode_hint, parse_hint, refused_for_now


@pytest.mark.parametrize("seconds", [0.0, 0.1, 7.5, 86_400.0])
def test_a_hint_is_read_as_it_was_written(seconds: float) -> None:
    assert parse_hint(encode_hint(seconds)) == seconds


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "retry",
        "retry in s",
        "retry in -1 s",
        "retry in 1e9 s",
        "please retry in 1.0 s",
        "retry in 1234567 s",
    ],
)
def test_other_reasons_are_no_hints(reason: str) -> None:
    assert parse_hint(reason) is None


@pytest.mark.parametrize(
    ("seconds", "told"), [(-3.0, "1"), (0.0, "1"), (0.1, "1"), (1.0, "1"), (7.2, "8")]
)
def test_whole_seconds_are_told_and_at_least_one(seconds: float, told: str) -> None:
    refused = refused_for_now("too many", seconds)
    assert (refused.status, refused.reason) == (503, "too many")
    assert refused.headers == {"Retry-After": told}


def test_a_refusal_for_now_may_have_another_status() -> None:
    assert refused_for_now("too many", 1.0, HTTPStatus.TOO_MANY_REQUESTS).status == 429
