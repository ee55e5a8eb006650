"""What is measured: the scenarios, and how long each is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

KIB = 1024
MIB = 1024 * KIB


class Kind(Enum):
    """What the load does; the value is the name it knows."""

    ECHO = "echo"
    FANOUT = "fanout"
    CHURN = "churn"
    IDLE = "idle"


class Interface(Enum):
    """How an application speaks to its server; the value is the handler that a peer is given."""

    OWN = "async"
    ASGI = "asgi"
    FASTAPI = "fastapi"


@dataclass(frozen=True, slots=True)
class Scenario:
    """How much is asked of a server: messages of `size` bytes, `depth` of them under way.

    Under way on each connection, or, in a fan-out, from the one publisher.
    """

    name: str
    title: str
    kind: Kind
    connections: int
    size: int = 64
    depth: int = 1
    is_tls: bool = False
    is_compressed: bool = False
    interface: Interface = Interface.OWN
    """Of the applications that take part: each server's own, or the one that all here have."""


ASGI = tuple(
    Scenario(
        f"{interface.value}-64{name}",
        f"{title}: echo 64 B, 64 {connections}",
        Kind.ECHO,
        64,
        depth=depth,
        interface=interface,
    )
    for interface, title in ((Interface.ASGI, "ASGI"), (Interface.FASTAPI, "ASGI, FastAPI"))
    for name, depth, connections in (("", 1, "connections"), ("-d16", 16, "× 16 outstanding"))
)
"""What a server and its WebSocket protocol take, below one and the same application."""

SCENARIOS = (
    Scenario("echo-64", "echo 64 B, 64 connections", Kind.ECHO, 64),
    Scenario("echo-64-d16", "echo 64 B, 64 × 16 outstanding", Kind.ECHO, 64, depth=16),
    Scenario("echo-64-c1", "echo 64 B, one connection", Kind.ECHO, 1),
    Scenario("echo-64-c512", "echo 64 B, 512 connections", Kind.ECHO, 512),
    Scenario("echo-1k", "echo 1 KiB, 64 connections", Kind.ECHO, 64, size=1 * KIB),
    Scenario("echo-16k", "echo 16 KiB, 64 connections", Kind.ECHO, 64, size=16 * KIB),
    Scenario("echo-1m", "echo 1 MiB, 8 connections", Kind.ECHO, 8, size=1 * MIB),
    Scenario("fanout-1000", "fan-out to 1000, one under way", Kind.FANOUT, 1000),
    Scenario("fanout-1000-d8", "fan-out to 1000, eight under way", Kind.FANOUT, 1000, depth=8),
    Scenario("tls-64", "TLS echo 64 B, 64 connections", Kind.ECHO, 64, is_tls=True),
    Scenario(
        "tls-16k", "TLS echo 16 KiB, 64 connections", Kind.ECHO, 64, size=16 * KIB, is_tls=True
    ),
    Scenario(
        "deflate-1k",
        "deflate 1 KiB text, 64 connections",
        Kind.ECHO,
        64,
        size=1 * KIB,
        is_compressed=True,
    ),
    Scenario("connect", "connect + echo + close, 64 at a time", Kind.CHURN, 64),
    Scenario("idle", "10,000 idle connections", Kind.IDLE, 10_000),
    Scenario("idle-tls", "2,000 idle connections, TLS", Kind.IDLE, 2_000, is_tls=True),
    *ASGI,
)

QUICK = (
    "echo-64",
    "echo-64-d16",
    "echo-64-c1",
    "echo-1k",
    "echo-16k",
    "echo-1m",
    "fanout-1000",
    "fanout-1000-d8",
    "tls-64",
    "deflate-1k",
    "connect",
    "idle",
)
"""The scenarios of a quick run."""


def choose(names: list[str]) -> list[Scenario]:
    """Give the scenarios with these names; all of them when there are none.

    Raises:
        ValueError: there is no scenario of that name.
    """
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    if unknown := [name for name in names if name not in by_name]:
        raise ValueError(f"no scenario is called {', '.join(unknown)}: {', '.join(by_name)}")
    return [by_name[name] for name in names] or list(SCENARIOS)
