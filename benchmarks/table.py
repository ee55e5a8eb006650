"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.figures import Figures
from benchmarks.results import Outcome, Results
from benchmarks.scenarios import Kind
from benchmarks.targets import TARGETS, value_by_processor, value_of

RATE_HEAD = (
    "server",
    "rate /s",
    "CPU µs",
    "core %",
    "others %",
    "p50 µs",
    "p99 µs",
    "rate × c-epoll",
    "CPU × c-epoll",
)
MEMORY_HEAD = ("server", "bytes / connection")
TARGET_HEAD = ("scenario", "server", "target", "measured", "by CPU", "")
PERCENT = 100
SMALL = 100
"""Below it a number is written with two decimals."""


def number(value: float | None) -> str:
    """Write a number as exactly as it deserves."""
    if value is None:
        return ""
    return f"{value:,.2f}" if value < SMALL else f"{value:,.0f}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, the columns but the first to the right."""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'--:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def rate_row(figures: Figures) -> list[str]:
    found = figures.median
    return [
        figures.peer,
        f"{found.rate:,.0f}",
        number(found.cpu_us),
        f"{(found.busy or 0) * PERCENT:.0f}",
        f"{(found.disturbed or 0) * PERCENT:.0f}",
        number(found.p50_us),
        number(found.p99_us),
        number(figures.rate_ratio),
        number(figures.cpu_ratio),
    ]


def memory_row(figures: Figures) -> list[str]:
    return [figures.peer, f"{figures.median.connection_bytes:,.0f}"]


def scenario_section(outcome: Outcome) -> Iterator[str]:
    """Yield the lines of one scenario."""
    is_memory = outcome.scenario.kind is Kind.IDLE
    head, row = (MEMORY_HEAD, memory_row) if is_memory else (RATE_HEAD, rate_row)
    yield f"## {outcome.scenario.title} (`{outcome.scenario.name}`)"
    yield ""
    yield from markdown_table(head, map(row, outcome.figures))
    for peer, reason in outcome.failures.items():
        yield ""
        yield f"Failed: {peer}: {reason}"
    yield ""


def target_rows(outcomes: Iterable[Outcome]) -> Iterator[list[str]]:
    """Yield a row for each target that this run can judge."""
    by_name = {outcome.scenario.name: outcome for outcome in outcomes}
    for target in TARGETS:
        outcome = by_name.get(target.scenario)
        value = None if outcome is None else value_of(target, outcome.figures)
        if outcome is not None and value is not None:
            verdict = "met" if target.is_met(value) else "**missed**"
            title = outcome.scenario.title
            by_cpu = number(value_by_processor(target, outcome.figures))
            yield [title, target.peer, str(target), number(value), by_cpu, verdict]


def as_markdown(results: Results) -> str:
    """Write the whole run."""
    machine, effort = results.machine, results.effort
    lines = [
        f"# Benchmarks, {results.when:%Y-%m-%d %H:%M} UTC",
        "",
        f"{machine.processor}, {machine.cores} cores, Linux {machine.kernel}, "
        f"Python {machine.python}. Rounds: {effort.rounds}, of {effort.seconds:g} s each. "
        f"Load average when it began: {machine.load_average:.2f}.",
        "",
        "How to read this: [docs/benchmarks.md](../../docs/benchmarks.md).",
        "",
    ]
    if rows := list(target_rows(results.outcomes)):
        lines += ["## Targets", "", *markdown_table(TARGET_HEAD, rows), ""]
    for outcome in results.outcomes:
        lines += scenario_section(outcome)
    lines += ["## Versions", ""]
    lines += [f"- {peer}: {about}" for peer, about in results.about.items()]
    return "\n".join(lines) + "\n"
