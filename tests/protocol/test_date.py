"""Dates as HTTP has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.protocol.date import date_of, second_of

EVENING = 1_700_000_000
"""Seconds: a time of 14 November 2023."""


def test_a_date_is_written_as_http_has_it() -> None:
    assert date_of(EVENING) == "Tue, 14 Nov 2023 22:13:20 GMT"


@given(st.integers(0, 2**32 - 1))
def test_what_is_written_is_read(second: int) -> None:
    assert second_of(date_of(second)) == second


@pytest.mark.parametrize(
    "date",
    [
        "",
        "now",
        "Tue, 14 Nov 2023 22:13:20 UTC",
        "Wed, 14 Nov 2023 22:13:20 GMT",
        "Tue, 99 Nov 2023 22:13:20 GMT",
        "Tue, 14 Foo 2023 22:13:20 GMT",
        "Tue, 14 Nov 2023 22:13:٢٠ GMT",
        "Sat, 00 Jan 0000 00:00:00 GMT",
        "Tue, 14 Nov 2023 22:13:20 GMT\n",
    ],
)
def test_no_other_date_is_read(date: str) -> None:
    assert second_of(date) is None
