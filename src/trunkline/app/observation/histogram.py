"""Durations, counted by how long they are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Any


class Histogram:
    """Counts values by bounds, each of which belongs to what is below it.

    Args:
        bounds: in ascending order; what is above the last one is counted, too.
    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def describe(self) -> dict[str, Any]:
        """Give it in numbers that JSON knows: how many are at most so large, and their sum."""
        bounds = [*map(str, self._bounds), "+Inf"]
        at_most = accumulate(self._counts)
        return {"buckets": [*map(list, zip(bounds, at_most, strict=True))], "sum": self._sum}
