"""The report: lines for people while the examination goes on, or one object for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from trunkline.cli.doctor.secrets import Secrets
from trunkline.cli.doctor.step import Mark, Step
from trunkline.cli.doctor.verdict import verdict, works
from trunkline.cli.failures import in_one_line

NAME_COLUMNS = 11
FIGURE_COLUMNS = 10
MICROSECONDS = 6
"""Digits of a second: more say nothing."""


class Halted(Exception):
    """A step has failed that all later ones stand on."""


class Report:
    """Takes the steps, and writes them without secrets and without control characters.

    Args:
        say: takes each line.
        secrets: to be hidden.
        as_json: whether to write one object at the end, instead of lines.
    """

    def __init__(self, say: Callable[[str], None], secrets: Secrets, *, as_json: bool) -> None:
        self._say = say
        self._secrets = secrets
        self._as_json = as_json
        self._steps: list[Step] = []

    def add(self, step: Step) -> None:
        """Take a step."""
        self._steps.append(step)
        if not self._as_json:
            self._say(self._line(step))

    def require(self, step: Step) -> None:
        """Take a step; raise `Halted` where it has failed."""
        self.add(step)
        if step.mark is Mark.FAILED:
            raise Halted

    def finish(self) -> None:
        """Write the verdict."""
        if self._as_json:
            self._say(json.dumps(self._object(), indent=2))
        else:
            self._say(f"\nverdict: {self._clean(verdict(self._steps))}")

    @property
    def is_good(self) -> bool:
        """Whether the connection works."""
        return works(self._steps)

    def _line(self, step: Step) -> str:
        mark = f"{step.mark.value:<5}{step.name:<{NAME_COLUMNS}}"
        return f"{mark} {step.figure:>{FIGURE_COLUMNS}}  {self._clean(step.sentence)}"

    def _object(self) -> dict[str, object]:
        return {
            "works": self.is_good,
            "verdict": self._clean(verdict(self._steps)),
            "steps": [self._step_object(step) for step in self._steps],
        }

    def _step_object(self, step: Step) -> dict[str, object]:
        return {
            "step": step.name,
            "mark": step.mark.value.lower(),
            "seconds": None if step.seconds is None else round(step.seconds, MICROSECONDS),
            "text": self._clean(step.text),
            "advice": self._clean(step.advice),
            "facts": self._clean_value(step.facts),
        }

    def _clean(self, text: str) -> str:
        return in_one_line(self._secrets.hide(text))

    def _clean_value(self, value: Any) -> Any:
        match value:
            case str():
                return self._clean(value)
            case Mapping():
                return {name: self._clean_value(part) for name, part in value.items()}
            case list():
                return [self._clean_value(part) for part in value]
            case _:
                return value
