"""A step of an examination: what was looked at, how it is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Mark(Enum):
    """How a step went; the value is what is printed."""

    OK = "ok"
    WARNING = "warn"
    """It works, and may not for everybody or for ever."""
    FAILED = "FAIL"
    SKIPPED = "skip"
    """There is nothing to do here."""


class Problem(NamedTuple):
    """What is wrong, and what to try, each without a full stop."""

    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the report.

    Args:
        name: one word.
        mark: how it went.
        text: what was found.
        advice: what to try.
        seconds: how long it took; `None` where nothing was waited for.
        number: shown instead of that time, where it says more.
        facts: the same for programs.
    """

    name: str
    mark: Mark
    text: str
    advice: str = ""
    seconds: float | None = None
    number: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def figure(self) -> str:
        """The number that goes with the step."""
        return self.number or ("" if self.seconds is None else milliseconds(self.seconds))

    @property
    def sentence(self) -> str:
        """What was found, and what to try."""
        return "; ".join(filter(None, (self.text, self.advice)))


def failed(
    name: str,
    problem: Problem,
    seconds: float | None = None,
    facts: Mapping[str, object] | None = None,
) -> Step:
    """Make the step for a problem that ends the examination."""
    return Step(name, Mark.FAILED, problem.what, problem.advice, seconds, facts=facts or {})


def milliseconds(seconds: float) -> str:
    """Give a time as it is shown."""
    return f"{seconds * 1000:,.2f} ms"
