"""Medians, and ratios to the limit of the same round."""

from __future__ import annotations

from benchmarks.figures import make_figures
from benchmarks.sample import Sample
from tests.benchmarks.samples import sample


def test_a_ratio_is_taken_round_by_round() -> None:
    """The machine was twice as slow in the second round, for both: the ratio does not see it."""
    limit, ours = make_figures(
        {
            "c-epoll": [sample(200.0, 5.0), sample(100.0, 10.0)],
            "trunkline-events": [sample(180.0, 6.0), sample(90.0, 12.0)],
        }
    )
    assert (limit.rate_ratio, limit.cpu_ratio) == (1.0, 1.0)
    assert (ours.rate_ratio, ours.cpu_ratio) == (0.9, 1.2)


def test_the_median_of_the_rounds_is_shown() -> None:
    [figures] = make_figures({"a": [sample(1.0, 9.0), sample(50.0, 5.0), sample(2.0, 4.0)]})
    assert (figures.median.rate, figures.median.cpu_us) == (2.0, 5.0)
    assert figures.rate_ratio is None


def test_a_round_that_failed_is_left_out() -> None:
    limits = [sample(100.0, 5.0), sample(100.0, 5.0)]
    _, ours = make_figures({"c-epoll": limits, "a": [None, sample(50.0, 10.0)]})
    assert (ours.median.rate, ours.rate_ratio) == (50.0, 0.5)


def test_who_failed_every_time_has_no_figures() -> None:
    assert make_figures({"a": [None, None]}) == []


def test_the_fastest_and_the_lightest_come_first() -> None:
    by_rate = make_figures({"slow": [sample(1.0, 1.0)], "fast": [sample(2.0, 1.0)]})
    by_memory = make_figures(
        {"heavy": [Sample(connection_bytes=9e3)], "light": [Sample(connection_bytes=64.0)]}
    )
    assert [figures.peer for figures in by_rate] == ["fast", "slow"]
    assert [figures.peer for figures in by_memory] == ["light", "heavy"]
