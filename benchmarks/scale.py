"""Very many connections, over as many processes as their descriptors need: `--scale`."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from benchmarks.certificate import Certificate
from benchmarks.held_load import HeldLoad, LoadFailed, held_load
from benchmarks.lineup import LIMIT, Peer
from benchmarks.machine import Cores
from benchmarks.rounds import Found
from benchmarks.sample import FIRST_SHARE, Sample, load_command, memory_with, parse_sample
from benchmarks.scenarios import Kind, Scenario
from benchmarks.server import NotStarted, Server, command_line, running

Say = Callable[[str], None]

PEERS = (LIMIT, "trunkline-events", "trunkline-async")
"""Who takes part when nobody is named."""

SPARE_DESCRIPTORS = 1_000
"""Of each process, for all that is not a connection."""

PUBLISH_SECONDS = 5.0


def process_count(connections: int) -> int:
    """Give the number of processes that it takes to hold so many connections."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return -(-connections // (descriptors - SPARE_DESCRIPTORS))


def make_scenarios(connections: int) -> tuple[Scenario, Scenario]:
    """Give what is asked at this scale: to hold the connections, and to broadcast to them."""
    over = f"{connections:,} connections, {process_count(connections)} processes"
    return (
        Scenario("scale-idle", f"idle: {over}", Kind.IDLE, connections),
        Scenario("scale-fanout", f"fan-out: {over}", Kind.FANOUT, connections),
    )


class Fleet:
    """Several servers of one peer on one core, and a load for each on the other."""

    def __init__(self, scenario: Scenario, certificate: Certificate, cores: Cores) -> None:
        self._processes = process_count(scenario.connections)
        self._share = replace(scenario, connections=scenario.connections // self._processes)
        self._certificate = certificate
        self._cores = cores

    def measure(self, peer: Peer, found: Found) -> None:
        """Start the servers, measure them, and note what was found.

        Raises:
            NotStarted: one of them did not come up.
            LoadFailed: one of the replies was wrong, or they stopped.
        """
        command = command_line(peer, self._share, self._certificate)
        with ExitStack() as stack:
            servers = [
                stack.enter_context(running(command, self._cores.server))
                for _ in range(self._processes)
            ]
            loads = [stack.enter_context(self._load(server)) for server in servers]
            is_idle = self._share.kind is Kind.IDLE
            sample = weigh(loads, servers, self._share.connections) if is_idle else publish(loads)
        found.samples[peer.name] = [sample]
        found.about[peer.name] = servers[0].about

    def _load(self, server: Server) -> AbstractContextManager[HeldLoad]:
        command = [
            *load_command(self._share, server.port, self._certificate),
            f"--server={server.process}",
            f"--seconds={PUBLISH_SECONDS}",
            "--patient",
            "--hold",
        ]
        return held_load(command, self._cores.load)


def weigh(loads: Sequence[HeldLoad], servers: Sequence[Server], connections: int) -> Sample:
    """Open so many connections to each server; divide what the later ones take."""
    first = int(connections * FIRST_SHARE)
    before = memory_with(loads, first, servers)
    after = memory_with(loads, connections, servers)
    later = (connections - first) * len(servers)
    return Sample(connection_bytes=(after - before) / later)


def publish(loads: Sequence[HeldLoad]) -> Sample:
    """When everybody is open, have all publishers begin."""
    for load in loads:
        load.hear()
    for load in loads:
        load.tell("go")
    return add_up([parse_sample(load.hear()) for load in loads])


def add_up(samples: Sequence[Sample]) -> Sample:
    """Make one sample of the several of a fleet: all deliveries, and the worst latencies."""
    rate = sum(sample.rate or 0.0 for sample in samples)
    busy = sum(sample.busy or 0.0 for sample in samples)
    return Sample(
        rate=rate,
        cpu_us=sum((s.cpu_us or 0.0) * (s.rate or 0.0) for s in samples) / rate,
        busy=busy,
        disturbed=max(sample.disturbed or 0.0 for sample in samples),
        p50_us=max(sample.p50_us or 0.0 for sample in samples),
        p99_us=max(sample.p99_us or 0.0 for sample in samples),
    )


def play(
    connections: int, peers: list[Peer], certificate: Certificate, cores: Cores, say: Say
) -> list[Found]:
    """Play both scenarios on all peers, once."""
    found = []
    for scenario in make_scenarios(connections):
        say(scenario.title)
        of_scenario = Found(scenario)
        for peer in peers:
            try:
                Fleet(scenario, certificate, cores).measure(peer, of_scenario)
            except (NotStarted, LoadFailed) as reason:
                of_scenario.failures[peer.name] = str(reason)
                say(f"failed: {peer.name}: {reason}")
        found.append(of_scenario)
    return found
