"""The Date header."""

from email.utils import parsedate_to_datetime

import pytest

from trunkline.server.date import http_date

EVENING = 1_700_000_000
"""Seconds: a time of 14 November 2023."""


def test_the_date_is_that_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((EVENING + 0.9, EVENING + 1.1, EVENING + 1.2))
    monkeypatch.setattr("time.time", lambda: next(times))
    dates = [parsedate_to_datetime(http_date()).timestamp() for _ in range(3)]
    assert dates == [EVENING, EVENING + 1, EVENING + 1]
