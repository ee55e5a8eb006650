"""A refusal with 403: whether the Origin is the reason."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from trunkline.cli.doctor.facts import Trial
from trunkline.cli.doctor.findings.statuses import CREDENTIALS
from trunkline.cli.doctor.step import Problem
from trunkline.protocol.uri import WebSocketURI

PAGE_SCHEMES = {"ws": "http", "wss": "https"}


def origins_to_try(uri: WebSocketURI, refused: str | None) -> list[str | None]:
    """Give the values of Origin that may pass where one did not; `None` stands for no Origin."""
    own = f"{PAGE_SCHEMES[uri.scheme]}://{uri.host_header}"
    return [origin for origin in (own, None) if origin != refused]


def has_passed(trial: Trial) -> bool:
    """Whether this Origin is let in."""
    return trial.status == HTTPStatus.SWITCHING_PROTOCOLS


def explain_refused_origin(refused: str | None, trials: Sequence[Trial]) -> Problem:
    """Explain a 403 by what happens with other values of Origin."""
    tried = ", ".join(map(trial_words, trials))
    passing = [trial.origin for trial in trials if has_passed(trial)]
    if not passing:
        what = f"no Origin is let in ({tried}), so it is about something else"
        return Problem(what, f"{CREDENTIALS}; or the server takes other addresses than yours")
    what = f"the server goes by the Origin: {how(refused)} it is refused, {tried}"
    if refused is None:
        return Problem(what, f"send --origin {passing[0]}, as a page of that host would")
    return Problem(what, f"let the server's list of origins have {refused}, if it is yours")


def trial_words(trial: Trial) -> str:
    """Say what became of a trial."""
    if has_passed(trial):
        return f"{how(trial.origin)} it passes"
    got = trial.status or "no answer"
    return f"{how(trial.origin)} it gets {got}"


def how(origin: str | None) -> str:
    """Name a way to ask."""
    return f"with Origin {origin}" if origin else "without Origin"
