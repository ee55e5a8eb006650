"""A bucket of tokens: how much of one rate is used up."""

from __future__ import annotations

import math

from trunkline.limits import TOKEN_ROUNDING, Rate


class Bucket:
    """One rate of one connection, by the generic cell rate algorithm (ITU-T I.371).

    The state is one number: the moment in which everything that was taken will be paid for. It is
    counted in tokens, because whole numbers of them add up exactly, and fractions of a second not.

    Args:
        rate: how fast the bucket fills up, and how much it holds; `None` for no limit.
        what: is counted, in the plural.
    """

    __slots__ = ("_most", "_speed", "due", "rate", "what")

    def __init__(self, rate: Rate | None, what: str) -> None:
        self.rate = rate
        self.what = what
        self._speed = 1.0 if rate is None else rate.count / rate.per
        self._most = math.inf if rate is None else float(rate.most)
        self.due = 0.0
        """When everything is paid for, in tokens since the clock began."""

    def take(self, now: float, tokens: int) -> bool:
        """Take tokens if there are so many; say whether there were.

        Args:
            now: seconds, on a clock that never goes back.
            tokens: how many.
        """
        here = now * self._speed
        due = max(self.due, here) + tokens
        if due - here - self._most > TOKEN_ROUNDING:
            return False
        self.due = due
        return True

    def borrow(self, now: float, tokens: int) -> float:
        """Take tokens in any case; give the seconds until those are paid for that were not there.

        Args:
            now: seconds, on a clock that never goes back.
            tokens: how many.
        """
        here = now * self._speed
        self.due = max(self.due, here) + tokens
        missing = self.due - here - self._most
        return missing / self._speed if missing > TOKEN_ROUNDING else 0.0
