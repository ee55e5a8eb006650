"""Play every case in both roles, plain and over TLS: what `make conformance` does.

Prints the table, then what is not as expected; the exit status says whether there is any of it.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.conformance.echo import Style
from tests.conformance.outcomes import Outcome
from tests.conformance.rounds import LARGE, RULES, RULES_CONCURRENCY, Round, play
from tests.conformance.table import Played, flaws, table
from trunkline.engines.choose import ASYNCIO, NATIVE, VARIABLE, engine_info
from trunkline.protocol.role import Role

# One round for each group, because what our client must offer depends on the group.
COMPRESSED = (
    *((f"12.{group}.*",) for group in range(1, 6)),
    *((f"13.{group}.*",) for group in range(1, 8)),
)

CASES_OF_BOTH_STYLES = 247 + 54
CASES_OF_ONE_STYLE = 90 + 126
OUTCOMES = len(Role) * 2 * (len(Style) * CASES_OF_BOTH_STYLES + CASES_OF_ONE_STYLE)
"""A run that was cut short must not look like a success."""


def rounds() -> Iterator[Round]:
    """Give every round; the compressed cases, long ones, are played in one way of writing each."""
    for role in Role:
        for is_tls in (False, True):
            long_style = Style.EVENTS if is_tls else Style.COROUTINE
            for cases in COMPRESSED:
                yield Round(role, is_tls, long_style, cases)
            for style in Style:
                yield Round(role, is_tls, style, LARGE)
                yield Round(role, is_tls, style, RULES, RULES_CONCURRENCY)


def play_alone(round: Round) -> list[Outcome]:
    """Play a round on a loop of its own, in whatever process this is."""
    begun = time.monotonic()
    outcomes = asyncio.run(play(round))
    print(f"{round}: {len(outcomes)} cases, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return outcomes


def play_all(processes: int) -> list[Played]:
    """Play every round, several at a time."""
    chosen = list(rounds())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return list(zip(chosen, pool.map(play_alone, chosen), strict=True))


def complaints(played: Sequence[Played]) -> list[str]:
    """Say what is not as it must be."""
    count = sum(len(outcomes) for _, outcomes in played)
    missing = [] if count == OUTCOMES else [f"{count} cases were played, not {OUTCOMES}"]
    return missing + flaws(played)


def main() -> int:
    """Play, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--engine", choices=(ASYNCIO, NATIVE), help="by default the usual one")
    arguments = parser.parse_args()
    if arguments.engine is not None:
        os.environ[VARIABLE] = arguments.engine  # the processes that play inherit it
    print(f"{engine_info()}\n")
    begun = time.monotonic()
    played = play_all(arguments.processes)
    print(table(played))
    print(f"\n{time.monotonic() - begun:.0f} s by the clock, {arguments.processes} processes")
    wrong = complaints(played)
    print("\n".join(wrong) or "everything is as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
