"""Slow clients by the thousand: `slowhttptest` (Debian) against an application.

`python tests/soak/slow_http.py` has 1,000 connections send the head of a request slowly, then its
body, then read an answer slowly, and prints a line of JSON for each. Meanwhile a healthy client
comes again and again, connects, has a message sent back and fetches a page. The tool comes from one
address, so the limits for one address are raised to the number of its connections: otherwise they
would turn most of it away, and prove nothing about the rest.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.application import Application, application
from tests.soak.churn import connected, leave_cleanly
from tests.soak.served import HOST

TOOL = "slowhttptest"
CONNECTIONS, SECONDS = 1_000, 30
ARRIVAL_SECONDS = 1
"""In which the tool makes its connections, if the machine is not busy."""
PAUSE_SECONDS = 0.01
"""Between two visits of the healthy client, which is not to be who keeps the machine busy."""
PRESENT_PART = 0.8
"""Of the connections that have to be there at once; the tool replaces those that are cut off."""

MODES: dict[str, tuple[str, ...]] = {
    # A header line every two seconds, and never the last one.
    "header": ("-H", "-i", "2", "-u", "/page"),
    # A body that is announced and comes byte by byte, every two seconds.
    "body": ("-B", "-i", "2", "-s", "8192", "-u", "/form"),
    # A page read a few bytes at a time, through a window of a few bytes.
    "read": ("-X", "-w", "8", "-y", "16", "-n", "2", "-z", "8", "-k", "1", "-u", "/page"),
}
OWN_ADDRESS = 199
"""Which local address the healthy client has, by its number."""


@dataclass
class Health:
    """How somebody is served who does nothing wrong."""

    conversations: list[float] = field(default_factory=list)
    """Seconds that it took to connect, have a message sent back, and leave."""

    pages: list[float] = field(default_factory=list)
    """Seconds that a whole page took."""

    failures: list[str] = field(default_factory=list)

    def visit(self, port: int) -> None:
        """Come once, and take note."""
        try:
            self.conversations.append(timed(converse, port))
            self.pages.append(timed(fetch, port))
        except (OSError, AssertionError, http.client.HTTPException) as error:
            self.failures.append(repr(error))


def timed(act: Callable[[int], None], port: int) -> float:
    """Do something, and give the seconds that it took."""
    begun = time.monotonic()
    act(port)
    return time.monotonic() - begun


def converse(port: int) -> None:
    """Be a WebSocket for a moment."""
    with connected(port, OWN_ADDRESS) as sock:
        leave_cleanly(sock)


def fetch(port: int) -> None:
    """Read a small page."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.request("GET", "/health")
    answer = connection.getresponse()
    assert answer.status == 200 and b"ok" in answer.read()
    connection.close()


def attack(port: int, mode: str, connections: int, seconds: int) -> subprocess.Popen[str]:
    """Start the tool."""
    *options, path = MODES[mode]
    rate = str(max(1, connections // ARRIVAL_SECONDS))
    shared = ["-c", str(connections), "-r", rate, "-l", str(seconds), "-p", "10"]
    command = [TOOL, *options, f"http://{HOST}:{port}{path}", *shared]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="latin-1"
    )


def slow_down(engine: str, mode: str, connections: int, seconds: int) -> dict[str, object]:
    """Attack, be healthy meanwhile, and tell how it was.

    Raises:
        AssertionError: the healthy client was not served once, or the slow ones were not there.
    """
    with application(engine, "one-address") as served:
        health, tool = Health(), attack(served.port, mode, connections, seconds)
        while tool.poll() is None:
            health.visit(served.port)
            time.sleep(PAUSE_SECONDS)
        health.visit(served.port)
        told = tool.communicate()[0]
        return judge(served, mode, connections, health, told)


def judge(
    served: Application, mode: str, connections: int, health: Health, told: str
) -> dict[str, object]:
    """Hold what was seen against what is promised."""
    report = served.report()
    assert not health.failures, health.failures
    assert report["most_present"] >= connections * PRESENT_PART, (report, told[-2000:])
    return {
        "mode": mode,
        "connections": connections,
        "most_at_once": report["most_present"],
        "refused": report["statuses"],
        "healthy_visits": len(health.pages),
        "failed_visits": len(health.failures),
        "conversation_ms": in_milliseconds(health.conversations),
        "page_ms": in_milliseconds(health.pages),
    }


def in_milliseconds(seconds: list[float]) -> dict[str, float]:
    """Give median, 99th percentile and maximum."""
    ordered = sorted(seconds)
    figures = {
        "p50": statistics.median(ordered),
        "p99": ordered[int(len(ordered) * 0.99)],
        "max": ordered[-1],
    }
    return {name: round(value * 1000, 1) for name, value in figures.items()}


def is_installed() -> bool:
    """Whether the tool is there."""
    return shutil.which(TOOL) is not None


def main() -> None:
    """Attack in every way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("asyncio", "native"), default="native")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each attack")
    parser.add_argument("--mode", choices=MODES, action="append")
    given = parser.parse_args()
    for mode in given.mode or MODES:
        found = slow_down(given.engine, mode, given.connections, given.seconds)
        print(json.dumps({"engine": given.engine, **found}), flush=True)


if __name__ == "__main__":
    main()
