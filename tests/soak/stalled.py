"""Subscribers who never read beside those who do: memory stays within its bound, nobody waits.

`python tests/soak/stalled.py` has 10,000 of the ones beside 1,000 of the others on one topic of an
application with its default limits, and prints a line of JSON. Only the number of connections is
raised: 11,001 are more than the 10,000 of one process.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.application import BACKLOG_BYTES, LIMITS, Application, application
from trunkline.close_codes import CloseCode

STALLED, READING = 10_000, 1_000
MESSAGES, MESSAGE_BYTES = 1_500, 8 * 1024
ROUNDS = 3
CLIENTS_PER_PROCESS = 5_000
ALLOWED_PART = 1.1
"""Of the bound: what else a process needs in the meantime."""

AUDIENCE = str(Path(__file__).with_name("audience.py"))


@dataclass(frozen=True)
class Load:
    """What is asked of the application."""

    stalled: int = STALLED
    reading: int = READING
    messages: int = MESSAGES
    size: int = MESSAGE_BYTES

    @property
    def bound_bytes(self) -> int:
        """The memory that may be taken: what streams and topic may hold for each who is slow."""
        for_each = LIMITS.write_limit + BACKLOG_BYTES
        return int((self.stalled + self.reading) * for_each * ALLOWED_PART)


@dataclass(frozen=True)
class Outcome:
    """What a run has shown.

    Args:
        took: seconds until each reader had each message.
        took_while_stalled: the same, of the messages until the last one was cut off.
        seconds: of the whole.
        growth_bytes: of the memory, at its peak.
        codes: how many were closed with which.
        closed_by: after how many messages the last one was.
    """

    took: list[float]
    took_while_stalled: list[float]
    seconds: float
    growth_bytes: int
    codes: dict[str, int]
    closed_by: int


@contextmanager
def audience(port: int, count: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Have subscribers in another process, once all of them are there."""
    pipe = subprocess.PIPE
    command = [sys.executable, AUDIENCE, str(port), str(count), *options]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def play(engine: str, load: Load) -> Outcome:
    """Publish to all of them.

    Raises:
        AssertionError: one who reads was cut off, one who does not was not, or with another code,
            or memory has grown beyond the bound.
    """
    with application(engine, "usual") as served, ExitStack() as stack:
        for begin in range(0, load.stalled, CLIENTS_PER_PROCESS):
            count = min(CLIENTS_PER_PROCESS, load.stalled - begin)
            stack.enter_context(audience(served.port, count))
        options = ("--messages", str(load.messages), "--size", str(load.size))
        readers = stack.enter_context(audience(served.port, load.reading, *options))
        outcome = publish(served, readers)
        check(served.report(), load, outcome)
    return outcome


def publish(served: Application, readers: subprocess.Popen[str]) -> Outcome:
    """Let the readers publish and read, and look at the application."""
    assert readers.stdin is not None and readers.stdout is not None
    served.forget_peak()
    before = served.resident_bytes()
    readers.stdin.write("go\n")
    readers.stdin.flush()
    told = json.loads(readers.stdout.readline())
    growth, report = served.peak_bytes() - before, served.report()
    by_message, closed_by = told["by_message"], report["last_closed_at"]
    return Outcome(
        took=sorted(chain(*by_message)),
        took_while_stalled=sorted(chain(*by_message[:closed_by])),
        seconds=told["seconds"],
        growth_bytes=growth,
        codes=report["codes"],
        closed_by=closed_by,
    )


def check(report: dict[str, Any], load: Load, outcome: Outcome) -> None:
    """Hold what was seen against what was promised."""
    expected = {str(int(CloseCode.TRY_AGAIN_LATER)): load.stalled} if load.stalled else {}
    assert outcome.codes == expected, f"closed with {outcome.codes}, expected {expected}"
    assert report["subscribers"] == load.reading
    allowed = load.bound_bytes
    assert outcome.growth_bytes <= allowed, f"{outcome.growth_bytes:,} bytes, allowed {allowed:,}"


def percentile(values: Sequence[float], percent: int) -> float:
    """Give a percentile of sorted values; of none it is 0."""
    if not values:
        return 0.0
    return values[min(len(values) - 1, math.ceil(len(values) * percent / 100) - 1)]


def milliseconds(outcomes: Sequence[Outcome], percent: int) -> float:
    """Give the median of a percentile over the rounds."""
    return round(statistics.median(percentile(each.took, percent) * 1000 for each in outcomes), 2)


def summary(engine: str, load: Load, with_them: list[Outcome], without: list[Outcome]) -> str:
    """Write a line of JSON."""
    ratios = [
        percentile(one.took, 99) / percentile(other.took, 99)
        for one, other in zip(with_them, without, strict=True)
    ]
    return json.dumps(
        {
            "engine": engine,
            "stalled": load.stalled,
            "reading": load.reading,
            "messages": load.messages,
            "size": load.size,
            "rounds": len(with_them),
            "messages_per_s": [
                round(load.messages / statistics.median(each.seconds for each in outcomes))
                for outcomes in (with_them, without)
            ],
            "p50_ms": [milliseconds(with_them, 50), milliseconds(without, 50)],
            "p99_ms": [milliseconds(with_them, 99), milliseconds(without, 99)],
            "p99_ratio": round(statistics.median(ratios), 3),
            "closed_by_message": max(each.closed_by for each in with_them),
            "p99_ms_until_then": round(
                statistics.median(
                    percentile(each.took_while_stalled, 99) * 1000 for each in with_them
                ),
                2,
            ),
            "codes": with_them[0].codes,
            "memory_bytes": max(each.growth_bytes for each in with_them),
            "memory_bound_bytes": load.bound_bytes,
        }
    )


def main() -> None:
    """Run with them and without them in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("asyncio", "native"), default="native")
    parser.add_argument("--stalled", type=int, default=STALLED)
    parser.add_argument("--reading", type=int, default=READING)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--size", type=int, default=MESSAGE_BYTES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    load = Load(given.stalled, given.reading, given.messages, given.size)
    alone = Load(0, given.reading, given.messages, given.size)
    with_them, without = [], []
    for _ in range(given.rounds):
        without.append(play(given.engine, alone))
        with_them.append(play(given.engine, load))
    print(summary(given.engine, load, with_them, without), flush=True)


if __name__ == "__main__":
    main()
