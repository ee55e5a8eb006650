"""Rounds: all servers of a scenario in turn, again and again, so that drift meets all alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.certificate import Certificate
from benchmarks.held_load import LoadFailed
from benchmarks.lineup import Peer
from benchmarks.machine import Cores
from benchmarks.sample import Sample, take_sample
from benchmarks.scenarios import Kind, Scenario
from benchmarks.server import NotStarted, Server, command_line, running

Say = Callable[[str], None]


DISTURBED_SHARE = 0.08
"""Above it a measurement is repeated, if there are tries left."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How often and how long each scenario is asked of each server."""

    rounds: int
    seconds: float
    tries: int = 1
    """For a measurement that somebody disturbs; the least disturbed is kept."""


@dataclass(slots=True)
class Found:
    """What one scenario gave: the samples of each server, by round; `None` where it failed."""

    scenario: Scenario
    samples: dict[str, list[Sample | None]] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class Bench:
    """Plays scenarios on peers."""

    def __init__(self, effort: Effort, cores: Cores, certificate: Certificate, say: Say) -> None:
        self._effort = effort
        self._cores = cores
        self._certificate = certificate
        self._say = say
        self._absent: set[str] = set()

    def play(self, scenario: Scenario, peers: list[Peer]) -> Found:
        """Play one scenario on all who can."""
        found = Found(scenario)
        able = [p for p in peers if p.can(scenario) and p.name not in self._absent]
        # An idle server weighs what it weighs only once.
        again = scenario.kind is Kind.IDLE
        if again:
            self._play_anew(found, able)
        else:
            self._play_rounds(found, able)
        return found

    def _play_rounds(self, found: Found, peers: list[Peer]) -> None:
        with ExitStack() as stack:
            servers = {peer.name: self._start(stack, peer, found) for peer in peers}
            for _ in range(self._effort.rounds):
                for name, server in servers.items():
                    if server is not None:
                        self._measure(found, name, server)

    def _play_anew(self, found: Found, peers: list[Peer]) -> None:
        for _ in range(self._effort.rounds):
            for peer in peers:
                with ExitStack() as stack:
                    server = self._start(stack, peer, found)
                    if server is not None:
                        self._measure(found, peer.name, server)

    def _start(self, stack: ExitStack, peer: Peer, found: Found) -> Server | None:
        if peer.name in self._absent:
            return None
        command = command_line(peer, found.scenario, self._certificate)
        try:
            server = stack.enter_context(running(command, self._cores.server))
        except NotStarted as reason:
            self._absent.add(peer.name)
            self._say(f"skipped: {peer.name}: {reason}")
            return None
        found.about[peer.name] = server.about
        return server

    def _measure(self, found: Found, name: str, server: Server) -> None:
        samples = found.samples.setdefault(name, [])
        try:
            samples.append(self._least_disturbed(found.scenario, server))
        except LoadFailed as reason:
            samples.append(None)
            found.failures[name] = str(reason)
            self._say(f"failed: {found.scenario.name} on {name}: {reason}")

    def _least_disturbed(self, scenario: Scenario, server: Server) -> Sample:
        """Measure until nobody disturbs, a few times at most; chosen by that, not by the result."""
        taken: list[Sample] = []
        for _ in range(self._effort.tries):
            taken.append(
                take_sample(
                    scenario,
                    server,
                    self._certificate,
                    self._effort.seconds,
                    self._cores.load,
                )
            )
            if disturbance(taken[-1]) <= DISTURBED_SHARE:
                break
        return min(taken, key=disturbance)


def disturbance(sample: Sample) -> float:
    """Give the share of the time that others took; memory is not disturbed."""
    return sample.disturbed or 0.0
