"""The verdict: one sentence about all steps."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.cli.doctor.step import Mark, Step, milliseconds

PING = "ping"


def works(steps: Sequence[Step]) -> bool:
    """Whether no step has failed."""
    return all(step.mark is not Mark.FAILED for step in steps)


def verdict(steps: Sequence[Step]) -> str:
    """Say in a sentence whether the connection works, and where it fails."""
    if not works(steps):
        return failure_words([step for step in steps if step.mark is Mark.FAILED])
    warnings = [step.name for step in steps if step.mark is Mark.WARNING]
    trips = [step.seconds for step in steps if step.name == PING and step.seconds is not None]
    took = "".join(f"; a round trip takes {milliseconds(trip)}" for trip in trips)
    doubts = f", with a warning about {', '.join(dict.fromkeys(warnings))}" if warnings else ""
    return f"the connection works{took}{doubts}"


def failure_words(failures: Sequence[Step]) -> str:
    """Say where a connection fails; what was found first is what it fails for."""
    first = failures[0]
    others = len(failures) - 1
    more = f" (and {others:,} more like this)" if others else ""
    return f"the connection fails at {first.name}: {first.text}{more}"
