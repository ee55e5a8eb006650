"""The results of a run: kept as dated JSON, from which tables and charts can be made again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figures, make_figures
from benchmarks.machine import Machine
from benchmarks.rounds import Effort, Found
from benchmarks.scenarios import Scenario

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario: the figures of all who took part, and why others have none."""

    scenario: Scenario
    figures: list[Figures]
    failures: dict[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """One run."""

    when: datetime
    machine: Machine
    effort: Effort
    about: dict[str, str]
    """What each server said that it is, with its version."""

    outcomes: list[Outcome]

    @property
    def stem(self) -> str:
        """The name of its files, without an ending."""
        return self.when.strftime("%Y-%m-%d-%H%M%S")


def make_results(machine: Machine, effort: Effort, found: list[Found]) -> Results:
    """Make the results of a run that is over."""
    about: dict[str, str] = {}
    for of_scenario in found:
        about |= of_scenario.about
    outcomes = [
        Outcome(of_scenario.scenario, make_figures(of_scenario.samples), of_scenario.failures)
        for of_scenario in found
    ]
    return Results(datetime.now(UTC), machine, effort, about, outcomes)


def as_json(results: Results, found: list[Found]) -> dict[str, object]:
    """Give everything as an object of JSON, the single samples as well."""
    return {
        "when": results.when.isoformat(timespec="seconds"),
        "machine": results.machine.as_json(),
        "effort": asdict(results.effort),
        "about": results.about,
        "scenarios": {
            outcome.scenario.name: {
                "figures": [figures.as_json() for figures in outcome.figures],
                "failures": outcome.failures,
                "samples": {
                    peer: [sample and sample.as_json() for sample in samples]
                    for peer, samples in of_scenario.samples.items()
                },
            }
            for outcome, of_scenario in zip(results.outcomes, found, strict=True)
        },
    }


def write_json(results: Results, found: list[Found], folder: Path) -> Path:
    """Write the JSON into a folder; give its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results.stem}.json"
    text = json.dumps(as_json(results, found), indent=1, ensure_ascii=False)
    path.write_text(text + "\n")
    return path
