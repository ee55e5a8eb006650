"""Hints when to come back."""

import pytest

from trunkline.protocol.retry_hint import encode_hint, parse_hint


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
