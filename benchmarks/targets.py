"""What Trunkline holds itself to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from benchmarks.figures import Figures
from benchmarks.lineup import LIMIT, LIMIT_APART

EVENTS = "trunkline-events"
ASYNC = "trunkline-async"
SPIN = "trunkline-events-spin"
KEPT = "trunkline-events-kept"
APP_EVENTS = "trunkline-app-events"
APP_ASYNC = "trunkline-app-async"


class Measure(Enum):
    """Which figure is judged; the value is how it is written."""

    RATE_RATIO = "rate"
    CPU_RATIO = "CPU"
    CPU_US = "CPU µs"
    CONNECTION_BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Target:
    """One figure of one peer: at least so much for a rate, at most so much for a cost."""

    scenario: str
    peer: str
    measure: Measure
    bound: float
    rival: str = LIMIT
    """Whom a ratio is to."""

    def __str__(self) -> str:
        sign = "≥" if self.measure is Measure.RATE_RATIO else "≤"
        is_ratio = self.measure in {Measure.RATE_RATIO, Measure.CPU_RATIO}
        of = f" × {self.rival}" if is_ratio else ""
        return f"{self.measure.value} {sign} {self.bound:,g}{of}"

    def is_met(self, value: float) -> bool:
        """Whether a value is good enough."""
        is_rate = self.measure is Measure.RATE_RATIO
        return value >= self.bound if is_rate else value <= self.bound


TARGETS = (
    Target("echo-64", EVENTS, Measure.RATE_RATIO, 0.94),
    Target("echo-64", ASYNC, Measure.RATE_RATIO, 0.85),
    Target("echo-64", APP_EVENTS, Measure.RATE_RATIO, 0.90, rival=EVENTS),
    Target("echo-64", APP_ASYNC, Measure.RATE_RATIO, 0.90, rival=ASYNC),
    Target("echo-64-d16", EVENTS, Measure.RATE_RATIO, 0.75),
    Target("echo-64-d16", ASYNC, Measure.RATE_RATIO, 0.60),
    Target("echo-64-c1", SPIN, Measure.RATE_RATIO, 2.2),
    Target("echo-1k", EVENTS, Measure.RATE_RATIO, 0.93),
    Target("echo-16k", EVENTS, Measure.RATE_RATIO, 0.92),
    Target("echo-1m", KEPT, Measure.RATE_RATIO, 0.90),
    Target("fanout-1000", EVENTS, Measure.RATE_RATIO, 0.95),
    Target("fanout-1000-d8", EVENTS, Measure.RATE_RATIO, 0.95),
    Target("fanout-1000-d8", EVENTS, Measure.RATE_RATIO, 2.0, rival=LIMIT_APART),
    Target("tls-64", EVENTS, Measure.CPU_RATIO, 0.85, rival="picows+uvloop"),
    Target("deflate-1k", EVENTS, Measure.CPU_RATIO, 0.8, rival="socketify"),
    Target("connect", EVENTS, Measure.CPU_US, 60),
    Target("idle", EVENTS, Measure.CONNECTION_BYTES, 400),
    Target("idle", ASYNC, Measure.CONNECTION_BYTES, 2_048),
    Target("idle-tls", EVENTS, Measure.CONNECTION_BYTES, 16_384),
)


def value_of(target: Target, figures: Sequence[Figures]) -> float | None:
    """Find what a target judges, `None` when it was not measured."""
    by_peer = {found.peer: found for found in figures}
    ours, rival = by_peer.get(target.peer), by_peer.get(target.rival)
    if ours is None:
        return None
    match target.measure:
        case Measure.RATE_RATIO:
            if target.rival == LIMIT:
                return ours.rate_ratio
            return quotient(ours.median.rate, rival and rival.median.rate)
        case Measure.CPU_US:
            return ours.median.cpu_us
        case Measure.CONNECTION_BYTES:
            return ours.median.connection_bytes
        case Measure.CPU_RATIO:
            return quotient(ours.median.cpu_us, rival and rival.median.cpu_us)


def quotient(above: float | None, below: float | None) -> float | None:
    """Divide, where both are known."""
    return above / below if above and below else None


def value_by_processor(target: Target, figures: Sequence[Figures]) -> float | None:
    """Give the ratio of rates that the processor times promise: steadier on a busy machine."""
    ours = next((found for found in figures if found.peer == target.peer), None)
    if (target.measure, target.rival) != (Measure.RATE_RATIO, LIMIT):
        return None
    if ours is None or not ours.cpu_ratio:
        return None
    return 1 / ours.cpu_ratio
