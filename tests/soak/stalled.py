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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
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
        took_until: the same, of the messages until the last one was cut off.
        took_after: the same, of those that came then.
        seconds: of the whole.
        growth_bytes: of the memory, at its peak.
        codes: how many were closed with which.
        closed_by: after how many messages the last one was.
    """

    took: list[float]
    took_until: list[float]
    took_after: list[float]
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
        took_until=sorted(chain(*by_message[:closed_by])),
        took_after=sorted(chain(*by_message[closed_by:])),
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


def milliseconds(each_took: Iterable[list[float]], percent: int) -> float:
    """Give the median of a percentile over the rounds."""
    return round(statistics.median(percentile(took, percent) * 1000 for took in each_took), 2)


def ratio(ours: Iterable[list[float]], theirs: Iterable[list[float]]) -> float:
    """Give the median of the quotients of the 99th percentiles, round by round."""
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(percentile(a, 99) / percentile(b, 99) for a, b in pairs), 3)


def rate(load: Load, outcomes: Sequence[Outcome]) -> int:
    """Give the messages of a second."""
    return round(load.messages / statistics.median(each.seconds for each in outcomes))


def summary(
    engine: str, load: Load, beside: Sequence[Outcome], alone: Sequence[Outcome]
) -> dict[str, object]:
    """Tell how it was, beside those who never read, and alone."""
    without = [each.took for each in alone]
    with_them = [each.took for each in beside]
    after = [each.took_after for each in beside]
    return {
        "engine": engine,
        **asdict(load),
        "rounds": len(beside),
        "messages_per_s": {"alone": rate(load, alone), "beside": rate(load, beside)},
        "p50_ms": {"alone": milliseconds(without, 50), "beside": milliseconds(with_them, 50)},
        "p99_ms": {
            "alone": milliseconds(without, 99),
            "beside": milliseconds(with_them, 99),
            "until_they_were_cut_off": milliseconds([each.took_until for each in beside], 99),
            "after": milliseconds(after, 99),
        },
        "p99_ratio": ratio(with_them, without),
        "p99_ratio_after": ratio(after, without),
        "cut_off_by_message": max(each.closed_by for each in beside),
        "codes": beside[0].codes,
        "memory_bytes": max(each.growth_bytes for each in beside),
        "memory_bound_bytes": load.bound_bytes,
    }


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
    outcomes = [(play(given.engine, load), play(given.engine, alone)) for _ in range(given.rounds)]
    print(json.dumps(summary(given.engine, load, *zip(*outcomes, strict=True))), flush=True)


if __name__ == "__main__":
    main()
