"""Targets are judged by the right figure, in the right direction."""

from __future__ import annotations

import pytest

from benchmarks.figures import make_figures
from benchmarks.lineup import PEERS
from benchmarks.sample import Sample
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import TARGETS, Measure, Target, value_by_processor, value_of
from tests.benchmarks.samples import sample

RATE = Target("echo-64", "trunkline-events", Measure.RATE_RATIO, 0.94)
COST = Target("tls-64", "trunkline-events", Measure.CPU_RATIO, 0.85, rival="picows+uvloop")
PROCESSOR = Target("connect", "trunkline-events", Measure.CPU_US, 60)
JOINED = Target(
    "fanout-1000-d8", "trunkline-events", Measure.RATE_RATIO, 2.0, rival="c-epoll-apart"
)
MEMORY = Target("idle", "trunkline-events", Measure.CONNECTION_BYTES, 400)
FOUND = make_figures(
    {
        "c-epoll": [sample(100.0, 5.0)],
        "trunkline-events": [sample(95.0, 6.25)],
        "picows+uvloop": [sample(50.0, 10.0)],
        "c-epoll-apart": [sample(38.0, 12.5)],
    }
)


@pytest.mark.parametrize(
    ("target", "value"),
    [(RATE, 0.95), (JOINED, 2.5), (COST, 0.625), (PROCESSOR, 6.25), (MEMORY, None)],
)
def test_each_target_finds_its_figure(target: Target, value: float | None) -> None:
    assert value_of(target, FOUND) == value


def test_memory_is_judged_by_the_bytes_of_a_connection() -> None:
    found = make_figures({"trunkline-events": [Sample(connection_bytes=350.0)]})
    assert value_of(MEMORY, found) == 350.0


def test_what_was_not_measured_is_not_judged() -> None:
    alone = make_figures({"trunkline-events": [sample(95.0, 6.25)]})
    assert value_of(RATE, []) is None
    assert value_of(COST, alone) is None
    assert value_of(JOINED, alone) is None


def test_processor_time_promises_a_rate() -> None:
    assert value_by_processor(RATE, FOUND) == 0.8
    assert value_by_processor(COST, FOUND) is None
    assert value_by_processor(JOINED, FOUND) is None


def test_more_is_better_for_rates_and_less_for_costs() -> None:
    assert RATE.is_met(0.94) and not RATE.is_met(0.93)
    assert COST.is_met(0.85) and not COST.is_met(0.86)


def test_a_target_is_written_with_its_rival() -> None:
    assert [str(target) for target in (RATE, COST, PROCESSOR, MEMORY)] == [
        "rate ≥ 0.94 × c-epoll",
        "CPU ≤ 0.85 × picows+uvloop",
        "CPU µs ≤ 60",
        "bytes ≤ 400",
    ]


def test_targets_name_what_there_is() -> None:
    assert {target.scenario for target in TARGETS} <= {scenario.name for scenario in SCENARIOS}
    named = {target.peer for target in TARGETS} | {target.rival for target in TARGETS}
    assert named <= {peer.name for peer in PEERS}
