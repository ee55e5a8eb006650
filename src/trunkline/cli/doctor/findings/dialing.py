"""The addresses: which of them take a connection, and why others do not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from trunkline.app.listening.failure import error_words
from trunkline.cli.doctor.facts import Dial
from trunkline.cli.doctor.step import Mark, Problem, Step
from trunkline.cli.failures import OS_PROBLEMS
from trunkline.engines.happy_eyeballs import Place

NAME = "tcp"
FILTERED = "a firewall on the way, or the server is off; ask whether the port is open to you"
NO_WAY = "check the network of this machine: routes, VPN, firewall"
ADVICE = {
    errno.ECONNREFUSED: "is the server running, and listening at this port and this address?",
    errno.ECONNRESET: "a firewall or a load balancer without a server does this",
    errno.ETIMEDOUT: FILTERED,
    errno.EHOSTUNREACH: NO_WAY,
    errno.ENETUNREACH: NO_WAY,
    errno.EACCES: "a firewall of this machine forbids it",
    errno.EPERM: "a firewall of this machine forbids it",
    errno.EADDRNOTAVAIL: "this machine has no address that could talk to that one",
}
UNKNOWN = "try the same from another network"
NO_IPV6 = Problem(
    "cannot be reached: this machine has no way into IPv6",
    "no harm is done where an IPv4 address answers",
)


def judge_dials(dials: Sequence[Dial]) -> list[Step]:
    """Say of each address how it answered; one that does not is no failure beside one that does."""
    is_reached = any(dial.error is None for dial in dials)
    mark = Mark.WARNING if is_reached else Mark.FAILED
    return [judge_dial(dial, mark) for dial in dials]


def judge_dial(dial: Dial, mark: Mark) -> Step:
    """Say how one address answered; `mark` is for one that does not."""
    where = place_words(dial.place)
    facts = {"address": where}
    if dial.error is None:
        text = f"{where} takes connections"
        return Step(NAME, Mark.OK, text, seconds=dial.seconds, facts=facts)
    problem = explain_dial(dial.place, dial.error)
    text = f"{where} {problem.what}"
    return Step(NAME, mark, text, problem.advice, dial.seconds, facts=facts)


def place_words(place: Place) -> str:
    """Give address and port as they are written."""
    family, (host, port, *_) = place
    return f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"


def explain_dial(place: Place, error: OSError) -> Problem:
    """Explain why an address takes no connection."""
    if error.errno is None and isinstance(error, TimeoutError):
        return Problem("does not answer", FILTERED)
    if place[0] == socket.AF_INET6 and error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
        return NO_IPV6
    advice = UNKNOWN if error.errno is None else ADVICE.get(error.errno, UNKNOWN)
    return Problem(error_words(error, OS_PROBLEMS), advice)
