"""The figures of a run: medians over the rounds, and ratios to the limit of the same round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from benchmarks.lineup import LIMIT
from benchmarks.sample import Sample

Samples = Sequence[Sample | None]


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of one server in one scenario."""

    peer: str
    median: Sample
    rate_ratio: float | None
    """Its rate, divided by that of the limit in the same round; the median of the rounds."""

    cpu_ratio: float | None
    """Its processor time for a message, likewise."""

    def as_json(self) -> dict[str, object]:
        """Give it as an object of JSON."""
        ratios = {"rate_ratio": self.rate_ratio, "cpu_ratio": self.cpu_ratio}
        known = {name: value for name, value in ratios.items() if value is not None}
        return {"peer": self.peer, **self.median.as_json(), **known}


def median_sample(samples: Samples) -> Sample:
    """Give the median of each figure over the rounds that did not fail."""
    rows = [asdict(sample) for sample in samples if sample is not None]
    return Sample(**{name: median([row[name] for row in rows]) for name in asdict(Sample())})


def median(values: Sequence[float | None]) -> float | None:
    """Give the median of what is there, `None` of nothing."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratio(
    samples: Samples, limits: Samples, figure: Callable[[Sample], float | None]
) -> float | None:
    """Divide a figure by that of the limit, round by round, and give the median."""
    return median(
        [
            above / below
            for sample, limit in zip(samples, limits, strict=False)
            if sample and limit and (above := figure(sample)) and (below := figure(limit))
        ]
    )


def make_figures(samples: dict[str, Samples]) -> list[Figures]:
    """Make the figures of one scenario, the fastest first and those without any left out."""
    limits = samples.get(LIMIT, ())
    figures = [
        Figures(
            peer=peer,
            median=median_sample(taken),
            rate_ratio=ratio(taken, limits, lambda sample: sample.rate),
            cpu_ratio=ratio(taken, limits, lambda sample: sample.cpu_us),
        )
        for peer, taken in samples.items()
        if any(taken)
    ]
    return sorted(figures, key=place)


def place(figures: Figures) -> float:
    """Order by rate, or by memory where nothing is sent."""
    if figures.median.rate is not None:
        return -figures.median.rate
    return figures.median.connection_bytes or 0.0
