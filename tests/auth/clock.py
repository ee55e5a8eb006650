"""A clock that goes when a test says so."""

from tests.auth.openings import NOW


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        return self.time
