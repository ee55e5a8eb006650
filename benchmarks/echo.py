"""Echo throughput against a peer, in one run: `make bench`."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from load import Figures, Scenario, run

PEERS = Path(__file__).parent / "peers"
SERVERS = {
    "websockets": ["websockets_echo.py", "async"],
    "trunkline async": ["trunkline_echo.py", "async"],
    "trunkline events": ["trunkline_echo.py", "events"],
    "websockets+uvloop": ["websockets_echo.py", "async", "uvloop"],
    "trunkline async+uvloop": ["trunkline_echo.py", "async", "uvloop"],
}
BASELINE = "websockets"
SCENARIOS = [
    Scenario(connections=64, depth=1, size=64),
    Scenario(connections=64, depth=16, size=64),
    Scenario(connections=64, depth=1, size=1024),
    Scenario(connections=8, depth=1, size=256 * 1024),
]


@contextmanager
def server(command: list[str], core: int) -> Iterator[tuple[int, int]]:
    """Start a server on a core; give its port and its process."""
    script, *arguments = command
    process = subprocess.Popen(
        [sys.executable, str(PEERS / script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def measure(rounds: int, seconds: float) -> dict[Scenario, dict[str, list[Figures]]]:
    """Run all servers in turn, scenario after scenario, round after round."""
    first, *_, last = (cores := sorted(os.sched_getaffinity(0))) * 2
    os.sched_setaffinity(0, {last})
    found: dict[Scenario, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(server(command, first)) for name, command in SERVERS.items()
        }
        for _ in range(rounds):
            for scenario in SCENARIOS:
                for name, (port, pid) in running.items():
                    found[scenario][name].append(run(port, pid, scenario, seconds))
    os.sched_setaffinity(0, cores)
    return found


def report(found: dict[Scenario, dict[str, list[Figures]]]) -> None:
    """Print a table for each scenario."""
    for scenario, by_server in found.items():
        print(f"\n{scenario}\n{'server':<24}{'messages/s':>12}{'CPU µs':>10}{'ratio':>8}")
        rates = {name: statistics.median(f.rate for f in rows) for name, rows in by_server.items()}
        for name, rows in by_server.items():
            cpu = statistics.median(figures.cpu for figures in rows)
            ratio = rates[name] / rates[BASELINE]
            print(f"{name:<24}{rates[name]:>12,.0f}{cpu:>10.2f}{ratio:>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    arguments = parser.parse_args()
    print(
        f"Python {platform.python_version()}, {arguments.rounds} rounds of {arguments.seconds} s,"
        f" server and load on a core each, medians"
    )
    report(measure(arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    main()
