"""Outcomes of cases, compared with what is expected of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kosoku._kosoku import CaseResult

from trunkline.protocol.extensions import NAME
from trunkline.protocol.role import Role

OK = "OK"
INFORMATIONAL = "INFORMATIONAL"
NON_STRICT = "NON-STRICT"

EXTENSIONS_FIELD = "sec-websocket-extensions"
SHORTEST_TIMER_SECONDS = 0.5
"""The shortest time after which a case stops waiting; most wait for one second."""

COMPRESSION_CATEGORIES = ("12", "13")
# What the suite asks for in each group of cases, for what we send: `server_` or `client_` before.
ASKED = {
    "13.2": {"no_context_takeover"},
    "13.3": {"max_window_bits=9"},
    "13.4": {"max_window_bits=15"},
    "13.5": {"no_context_takeover", "max_window_bits=9"},
    "13.6": {"no_context_takeover", "max_window_bits=15"},
    "13.7": {"no_context_takeover", "max_window_bits=9"},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case ended, in the suite's words.

    `agreed` are the words of the answer's Sec-WebSocket-Extensions.
    """

    role: Role
    case: str
    behavior: str
    closing: str
    explanation: str
    seconds: float
    agreed: frozenset[str]

    @property
    def category(self) -> str:
        """The first number of the case."""
        return self.case.partition(".")[0]


def outcome_of(role: Role, result: CaseResult) -> Outcome:
    """Take out of a result what is judged."""
    return Outcome(
        role=role,
        case=result.case_id,
        behavior=result.behavior.value,
        closing=result.behavior_close.value,
        explanation=f"{result.result} {result.result_close}",
        seconds=result.duration / 1000,
        agreed=agreed_in(result.http_response),
    )


def agreed_in(response: str) -> frozenset[str]:
    """Give the words of Sec-WebSocket-Extensions, with their values."""
    for line in response.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == EXTENSIONS_FIELD:
            return frozenset(word.strip() for word in value.split(";"))
    return frozenset()


# Judging


@cache
def exceptions() -> dict[str, dict[str, str]]:
    """Read `expected.toml`: by kind and case, the reason."""
    return tomllib.loads(Path(__file__).with_name("expected.toml").read_text())


def flaw_of(outcome: Outcome) -> str | None:
    """Say what is not as expected."""
    verdict = f"{outcome.behavior}, closing {outcome.closing}"
    if not is_expected(outcome):
        return f"{outcome.case}: {verdict}: {outcome.explanation}"
    missing = asked_of(outcome) - outcome.agreed
    if missing:
        return f"{outcome.case}: {verdict}, but not agreed on: {', '.join(sorted(missing))}"
    return None


def is_late(outcome: Outcome) -> bool:
    """Whether the case may be flawed only because it had stopped waiting."""
    return flaw_of(outcome) is not None and outcome.seconds >= SHORTEST_TIMER_SECONDS


def is_expected(outcome: Outcome) -> bool:
    """Whether the verdict is the one that `expected.toml` has for the case, or else OK."""
    if outcome.case in exceptions()["informational"]:
        return outcome.behavior == INFORMATIONAL
    if outcome.case in exceptions()["races"] and outcome.behavior == NON_STRICT:
        return outcome.closing == OK
    return (outcome.behavior, outcome.closing) == (OK, OK)


def asked_of(outcome: Outcome) -> set[str]:
    """Give what must have been agreed on for the case to mean anything."""
    if outcome.category not in COMPRESSION_CATEGORIES:
        return set()
    group = outcome.case.rpartition(".")[0]
    return {NAME, *(f"{outcome.role.value}_{word}" for word in ASKED.get(group, ()))}
