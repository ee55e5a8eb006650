"""The table of a run, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.conformance.outcomes import Outcome, flaw_of
from tests.conformance.rounds import Round

VERDICTS = ("OK", "INFORMATIONAL", "NON-STRICT", "FAILED", "UNIMPLEMENTED", "ERROR")
COLUMNS = ("role", "address", "written as", "category", "cases", *VERDICTS, "seconds")

Played = tuple[Round, Sequence[Outcome]]
Key = tuple[str, str, str, int]


def table(played: Iterable[Played]) -> str:
    """Give a line for each role, transport, way of writing and category."""
    groups: dict[Key, list[Outcome]] = {}
    for round, outcomes in played:
        for outcome in outcomes:
            place = (round.role.value, round.scheme, round.style.value, int(outcome.category))
            groups.setdefault(place, []).append(outcome)
    rows = [[*map(str, place), *figures(groups[place])] for place in sorted(groups)]
    outcomes = [outcome for group in groups.values() for outcome in group]
    rows.append(["all", "", "", "", *figures(outcomes)])
    return "\n".join(map(line, [COLUMNS, ["---"] * len(COLUMNS), *rows]))


def figures(outcomes: Sequence[Outcome]) -> list[str]:
    """Count the cases and each verdict, and add up the time that the suite took for them."""
    counts = Counter(outcome.behavior for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    return [f"{len(outcomes)}", *(f"{counts[name]}" for name in VERDICTS), f"{seconds:.1f}"]


def line(cells: Iterable[str]) -> str:
    """Give one line of the table."""
    return f"| {' | '.join(cells)} |"


def flaws(played: Iterable[Played]) -> list[str]:
    """Say of every case that is not as expected what it is, and where."""
    return [
        f"{round}: {flaw}"
        for round, outcomes in played
        for outcome in outcomes
        if (flaw := flaw_of(outcome)) is not None
    ]
