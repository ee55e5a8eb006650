"""The results as Markdown."""

from __future__ import annotations

import pytest

from benchmarks.sample import Sample
from benchmarks.table import as_markdown, number
from tests.benchmarks.samples import outcome, results, sample

ECHO = outcome(
    "echo-64",
    {"c-epoll": [sample(200_000.0, 5.0)], "trunkline-events": [sample(190_000.0, 5.5)]},
)
IDLE = outcome("idle", {"trunkline-events": [Sample(connection_bytes=1_350.0)]})


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.333, "0.33"), (99.994, "99.99"), (12_345.6, "12,346")]
)
def test_numbers_are_as_exact_as_they_deserve(value: float | None, text: str) -> None:
    assert number(value) == text


def test_rates_stand_beside_their_ratio_to_the_limit() -> None:
    text = as_markdown(results(ECHO))
    assert "| c-epoll | 200,000 | 5.00 | 98 | 2 | 300 | 500 | 1.00 | 1.00 |" in text
    assert "| trunkline-events | 190,000 | 5.50 | 98 | 2 | 300 | 500 | 0.95 | 1.10 |" in text


def test_targets_say_whether_they_are_met() -> None:
    rows = [
        line for line in as_markdown(results(ECHO, IDLE)).splitlines() if "≥" in line or "≤" in line
    ]
    assert rows == [
        "| echo 64 B, 64 connections | trunkline-events | rate ≥ 0.94 × c-epoll"
        " | 0.95 | 0.91 | met |",
        "| 10,000 idle connections | trunkline-events | bytes ≤ 400 | 1,350 |  | **missed** |",
    ]


def test_memory_has_a_table_of_its_own() -> None:
    text = as_markdown(results(IDLE))
    assert "| trunkline-events | 1,350 |" in text


def test_a_failure_is_told() -> None:
    failed = outcome("echo-64", {"c-epoll": [sample(1.0, 1.0)]})
    failed.failures["tornado"] = "the server cut a connection"
    assert "Failed: tornado: the server cut a connection" in as_markdown(results(failed))
