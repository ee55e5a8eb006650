"""Samples and figures as a run would have found them."""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks.figures import Samples, make_figures
from benchmarks.machine import Machine
from benchmarks.results import Outcome, Results
from benchmarks.rounds import Effort
from benchmarks.sample import Sample
from benchmarks.scenarios import choose

MACHINE = Machine(
    processor="a processor", cores=2, kernel="6.18", python="3.11.7", load_average=0.25
)


def sample(rate: float, cpu_us: float) -> Sample:
    return Sample(rate=rate, cpu_us=cpu_us, busy=0.98, disturbed=0.02, p50_us=300.0, p99_us=500.0)


def outcome(name: str, samples: dict[str, Samples]) -> Outcome:
    [scenario] = choose([name])
    return Outcome(scenario, make_figures(samples), failures={})


def results(*outcomes: Outcome) -> Results:
    return Results(
        when=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        machine=MACHINE,
        effort=Effort(rounds=3, seconds=1.0),
        about={"c-epoll": "c-epoll, in C"},
        outcomes=list(outcomes),
    )
