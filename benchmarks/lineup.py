"""Who takes part, and how each is started."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scenarios import Interface, Kind, Scenario

BENCHMARKS = Path(__file__).parent
BUILD = BENCHMARKS.parent / "build" / "benchmarks"
LIMIT = "c-epoll"
"""What everything is compared with: a server in C that does the least possible work."""

LIMIT_APART = "c-epoll-apart"
"""The same, but what is published together leaves message by message."""

SPIN_SECONDS = "0.00005"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server: the command that starts it, and what it can do."""

    name: str
    command: tuple[str, ...]
    can_tls: bool = True
    can_compress: bool = True
    only: Kind | None = None
    """The only kind of scenario in which it differs from another."""

    for_fanout: tuple[str, ...] = ()
    """Options for a fan-out; without them it only echoes."""

    within: tuple[str, ...] = ()
    """The only scenarios that ask for no more than its limits allow; empty: all of them."""

    is_asgi: bool = False
    """Whether it takes part where applications speak ASGI, and only there."""

    def can(self, scenario: Scenario) -> bool:
        """Whether the scenario can be asked of it."""
        return (
            (self.can_tls or not scenario.is_tls)
            and (self.can_compress or not scenario.is_compressed)
            and self.only in {None, scenario.kind}
            and (not self.within or scenario.name in self.within)
            and (self.name == LIMIT or self.is_asgi == (scenario.interface is not Interface.OWN))
        )


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benchmarks.peers.{module}", *arguments)


UVLOOP = ("--loop", "uvloop")
EVENTS = ("--handler", "events")
TOPIC = ("--handler", "topic")
APP_EVENTS = ("--handler", "app-events")
APP_ASYNC = ("--handler", "app-async")
MODEST = ("echo-64",)
"""What one client may do to an application by default: a few thousand messages a second on each
connection, a few hundred connections."""


def on_uvicorn(protocol: str) -> Peer:
    """Give uvicorn with one of the WebSocket protocols that it can be told to use."""
    command = python("uvicorn", *UVLOOP, "--ws", protocol)
    return Peer(f"uvicorn+{protocol}", command, is_asgi=True)


PEERS = (
    Peer(LIMIT, (str(BUILD / "limit"),), can_tls=False, can_compress=False),
    Peer(LIMIT_APART, (str(BUILD / "limit"), "--apart"), False, False, Kind.FANOUT),
    Peer("trunkline-events", python("trunkline", *EVENTS), for_fanout=TOPIC),
    Peer("trunkline-events+uvloop", python("trunkline", *EVENTS, *UVLOOP), for_fanout=TOPIC),
    Peer(
        "trunkline-events-spin",
        python("trunkline", *EVENTS, "--spin", SPIN_SECONDS),
        for_fanout=TOPIC,
    ),
    Peer("trunkline-events-kept", python("trunkline", *EVENTS, "--keep-memory"), for_fanout=TOPIC),
    Peer(
        "trunkline-events-metered",
        python("trunkline", "--handler", "events-metered"),
        only=Kind.ECHO,
    ),
    Peer("trunkline-async", python("trunkline")),
    Peer("trunkline-async+uvloop", python("trunkline", *UVLOOP)),
    Peer("trunkline-app-events", python("trunkline", *APP_EVENTS), within=MODEST),
    Peer("trunkline-app-async", python("trunkline", *APP_ASYNC), within=MODEST),
    Peer("picows", python("picows"), can_compress=False),
    Peer("picows+uvloop", python("picows", *UVLOOP), can_compress=False),
    Peer("picows-drop-in+uvloop", python("picows_drop_in", *UVLOOP)),
    Peer("websockets", python("websockets")),
    Peer("websockets+uvloop", python("websockets", *UVLOOP)),
    Peer("aiohttp", python("aiohttp")),
    Peer("aiohttp+uvloop", python("aiohttp", *UVLOOP)),
    Peer("uvicorn", python("uvicorn", *UVLOOP)),
    Peer("tornado", python("tornado")),
    Peer("socketify", python("socketify")),
    Peer("node-ws", ("node", str(BENCHMARKS / "peers" / "node_ws.js"))),
    Peer("gorilla", (str(BUILD / "gorilla"),), can_compress=False),
    *map(on_uvicorn, ("trunkline", "websockets", "websockets-sansio", "wsproto")),
)

QUICK = (
    LIMIT,
    LIMIT_APART,
    "trunkline-events",
    "trunkline-async",
    "trunkline-events-spin",
    "trunkline-events-kept",
    "trunkline-app-events",
    "trunkline-app-async",
    "picows+uvloop",
    "aiohttp+uvloop",
    "websockets",
    "socketify",
)
"""Who takes part in a quick run: ourselves, and the best of the others."""


def choose(names: list[str]) -> list[Peer]:
    """Give the peers with these names, the limit first; all of them when there are none.

    Raises:
        ValueError: there is no peer of that name.
    """
    known = [peer.name for peer in PEERS]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no peer is called {', '.join(unknown)}: {', '.join(known)}")
    return [peer for peer in PEERS if not names or peer.name in {LIMIT, *names}]
