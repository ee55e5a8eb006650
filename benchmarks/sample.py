"""One measurement: the load is run against a server, and tells what it saw."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.certificate import Certificate
from benchmarks.held_load import HeldLoad, LoadFailed, held_load
from benchmarks.lineup import BUILD
from benchmarks.machine import pinned
from benchmarks.scenarios import Kind, Scenario
from benchmarks.server import Server

LOAD = BUILD / "load"
MICROSECONDS = 1e6
TIMEOUT_SECONDS = 120.0
"""For one measurement beyond its seconds: opening, and closing."""

FIRST_SHARE = 0.1
"""Of the idle connections, open already when memory is first read: by then all is warm."""

SETTLE_SECONDS = 0.5
"""Between the last idle connection and the reading of memory."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one measurement found; the figures that a scenario does not have are `None`."""

    rate: float | None = None
    """Messages per second: deliveries of a fan-out, connections of a churn."""

    cpu_us: float | None = None
    """Microseconds of the server's processor time for each."""

    busy: float | None = None
    """The share of its core that the server used. Well below 1, something else was the limit."""

    disturbed: float | None = None
    """The share of the time in which server or load waited for a core that somebody else had."""

    p50_us: float | None = None
    p99_us: float | None = None
    wire_bytes: float | None = None
    """Bytes received for each message, with TLS and frame heads."""

    connection_bytes: float | None = None
    """Bytes of memory for each idle connection."""

    def as_json(self) -> dict[str, float]:
        """Give what there is as an object of JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def parse_sample(line: str) -> Sample:
    """Make a sample from the line of JSON that the load prints.

    Raises:
        LoadFailed: no message came back while it was measuring.
    """
    found = json.loads(line)
    messages, seconds, cpu = found["messages"], found["seconds"], found["cpu_seconds"]
    if not messages:
        raise LoadFailed("no message came back while it was measuring")
    return Sample(
        rate=messages / seconds,
        cpu_us=cpu / messages * MICROSECONDS,
        busy=cpu / seconds,
        disturbed=found["waited_seconds"] / seconds,
        p50_us=found["p50_us"],
        p99_us=found["p99_us"],
        wire_bytes=found["received_bytes"] / messages,
    )


def load_command(scenario: Scenario, port: int, certificate: Certificate) -> list[str]:
    """Give the command of the load, without process and duration."""
    return [
        str(LOAD),
        scenario.kind.value,
        f"--port={port}",
        f"--connections={scenario.connections}",
        f"--depth={scenario.depth}",
        f"--bytes={scenario.size}",
        *(["--deflate"] if scenario.is_compressed else []),
        *([f"--tls={certificate.authority}"] if scenario.is_tls else []),
    ]


def take_sample(
    scenario: Scenario, server: Server, certificate: Certificate, seconds: float, core: int
) -> Sample:
    """Load a server for some seconds, from a core.

    Raises:
        LoadFailed: one of the replies was wrong, or they stopped.
    """
    command = load_command(scenario, server.port, certificate)
    if scenario.kind is Kind.IDLE:
        return weigh(command, scenario.connections, server, core)
    command += [f"--seconds={seconds}", f"--server={server.process}"]
    try:
        done = subprocess.run(
            pinned(command, core),
            capture_output=True,
            text=True,
            timeout=seconds + TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"not finished after {seconds + TIMEOUT_SECONDS} s") from None
    if done.returncode:
        raise LoadFailed(done.stderr.strip())
    return parse_sample(done.stdout)


# Idle connections


def weigh(command: list[str], connections: int, server: Server, core: int) -> Sample:
    """Open connections and leave them alone; the memory that the later ones take is divided."""
    first = int(connections * FIRST_SHARE)
    with held_load(command, core) as load:
        before = memory_with([load], first, [server])
        after = memory_with([load], connections, [server])
    return Sample(connection_bytes=(after - before) / (connections - first))


def memory_with(loads: Sequence[HeldLoad], connections: int, servers: Sequence[Server]) -> int:
    """Have each load hold so many connections; give the bytes that all servers then use."""
    for load in loads:
        load.tell(str(connections))
    for load in loads:
        load.hear()
    time.sleep(SETTLE_SECONDS)
    return sum(server.memory() for server in servers)
