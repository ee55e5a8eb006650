"""Measure Trunkline beside its peers: what `make bench` does.

benchmarks/run.py                       everything, about half an hour
benchmarks/run.py --quick               the rows that matter, in three minutes
benchmarks/run.py --only echo-64 --peers trunkline-events --rounds 3 --seconds 1
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import lineup, scale, scenarios
from benchmarks.certificate import Certificate, make_certificate
from benchmarks.lineup import BENCHMARKS
from benchmarks.machine import choose_cores, this_machine
from benchmarks.results import RESULTS, Results, make_results, write_json
from benchmarks.rounds import Bench, Effort, Found
from benchmarks.table import as_markdown

MANY = 100_000
THOROUGH = Effort(rounds=3, seconds=1.0, tries=3)
QUICK = Effort(rounds=1, seconds=0.3)


def say(line: str) -> None:
    """Tell how it goes, beside the output."""
    print(line, file=sys.stderr, flush=True)


def build() -> None:
    """Build what is of C, and the peer of Go where Go is."""
    subprocess.run(["make", "--silent", "-C", str(BENCHMARKS)], check=True)
    if shutil.which("go"):
        subprocess.run(["make", "--silent", "-C", str(BENCHMARKS), "gorilla"])


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the rows that matter, once")
    parser.add_argument("--only", action="append", metavar="SCENARIO", help="repeat, or a,b,c")
    parser.add_argument("--peers", action="append", metavar="PEER", help="repeat, or a,b,c")
    parser.add_argument(
        "--scale", type=int, nargs="?", const=MANY, metavar="CONNECTIONS", help=f"{MANY:,}"
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--list", action="store_true", help="say what there is, and stop")
    return parser.parse_args(arguments)


def split(given: list[str] | None, otherwise: tuple[str, ...]) -> list[str]:
    """Give the names of an option that can be repeated, and can hold several."""
    return [name for part in given or otherwise for name in part.split(",")]


def print_names() -> None:
    """Print the names that --only and --peers understand."""
    for scenario in scenarios.SCENARIOS:
        print(f"{scenario.name:<24}{scenario.title}")
    print(*(peer.name for peer in lineup.PEERS), sep="\n")


def choose_effort(given: argparse.Namespace) -> Effort:
    """Give the effort that is usual, or asked for."""
    usual = QUICK if given.quick else THOROUGH
    return Effort(given.rounds or usual.rounds, given.seconds or usual.seconds, usual.tries)


def play(given: argparse.Namespace, effort: Effort, certificate: Certificate) -> list[Found]:
    """Play scenario after scenario."""
    chosen = scenarios.choose(split(given.only, scenarios.QUICK if given.quick else ()))
    peers = lineup.choose(split(given.peers, lineup.QUICK if given.quick else ()))
    bench = Bench(effort, choose_cores(), certificate, say)
    found = []
    for number, scenario in enumerate(chosen, start=1):
        say(f"{number}/{len(chosen)} {scenario.title}")
        found.append(bench.play(scenario, peers))
    return found


def write(results: Results, found: list[Found], folder: Path) -> None:
    """Write JSON, table and charts, and print the table."""
    path = write_json(results, found, folder)
    table = as_markdown(results)
    path.with_suffix(".md").write_text(table)
    print(table)
    try:
        from benchmarks.charts import draw_charts
    except ImportError as missing:
        say(f"no charts: {missing}")
    else:
        draw_charts(results, folder)
    say(f"written: {path.with_suffix('')}.*")


def main() -> None:
    given = parse()
    if given.list:
        print_names()
        return
    machine, effort = this_machine(), choose_effort(given)
    build()
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder))
        if given.scale:
            peers = lineup.choose(split(given.peers, scale.PEERS))
            found = scale.play(given.scale, peers, certificate, choose_cores(), say)
        else:
            found = play(given, effort, certificate)
    write(make_results(machine, effort, found), found, given.output)


if __name__ == "__main__":
    main()
