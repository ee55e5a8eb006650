"""A stopwatch for the probes."""

from __future__ import annotations

import time


class Stopwatch:
    """Counts the seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def seconds(self) -> float:
        """Give the seconds so far."""
        return time.perf_counter() - self._started
