"""How often somebody may do something: token buckets as GCRA (ITU-T I.371), a float for each.

A bucket is known by one number: when it will be full again. What is taken from it makes that
later, and there is enough in it as long as that is not too far ahead.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from http import HTTPStatus
from math import ceil

from trunkline.errors import RequestRefused
from trunkline.limits import ALLOWANCES_REVIEWED, MOST_ALLOWANCES, Rate
from trunkline.protocol.retry_hint import refused_for_now

LONG_AGO = float("-inf")


def spend(rate: Rate, full_at: float, now: float, cost: float = 1) -> tuple[float, float]:
    """Take from a bucket.

    Args:
        rate: of the bucket.
        full_at: when it is full, in seconds of any clock that does not go back.
        now: by the same clock.
        cost: how much to take; more than there is room for is given to a full bucket.

    Returns:
        When it is full then, and 0.0; or, if there is not enough in it, when it is full as before,
        and in how many seconds there will be enough.
    """
    for_one = rate.interval
    full_at = max(full_at, now)
    ready_at = full_at - (rate.most - min(cost, rate.most)) * for_one
    if ready_at > now:
        return full_at, ready_at - now
    return full_at + cost * for_one, 0.0


class Allowance:
    """One bucket, such as the messages of one connection.

    Args:
        rate: of the bucket, which is full at the beginning.
    """

    __slots__ = ("_full_at", "rate")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._full_at = LONG_AGO

    def admit(self, now: float, cost: float = 1) -> float:
        """Take from the bucket; give 0.0, or the seconds until there is enough in it.

        Args:
            now: seconds of a clock that does not go back.
            cost: how much to take: 1 for a message, or its bytes.
        """
        self._full_at, wait = spend(self.rate, self._full_at, now, cost)
        return wait


class Allowances:
    """A bucket for each key, such as the handshakes of each address.

    A bucket that is full again is forgotten: each new key has the oldest ones looked at. If there
    are more keys than may be kept all the same, new ones share one bucket until there is room:
    however many an attacker has, memory stays bounded, and whoever took too much stays known.

    Args:
        rate: of each bucket.
        most_keys: that are kept.
    """

    def __init__(self, rate: Rate, most_keys: int = MOST_ALLOWANCES) -> None:
        self.rate = rate
        self._most_keys = most_keys
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()
        self._shared = Allowance(rate)

    def __len__(self) -> int:
        return len(self._full_at)

    def admit(self, key: Hashable, now: float) -> float:
        """Take one from the bucket of `key`; give 0.0, or the seconds until there is one in it.

        Args:
            key: whose bucket.
            now: seconds of a clock that does not go back.
        """
        full_at = self._full_at.get(key)
        if full_at is None:
            self._review(now)
            if len(self._full_at) >= self._most_keys:
                return self._shared.admit(now)
            full_at = LONG_AGO
        self._full_at[key], wait = spend(self.rate, full_at, now)
        return wait

    def _review(self, now: float) -> None:
        """Forget the oldest buckets if they are full again; else they are the newest ones now."""
        for _ in range(min(ALLOWANCES_REVIEWED, len(self._full_at))):
            key, full_at = self._full_at.popitem(last=False)
            if full_at > now:
                self._full_at[key] = full_at


def too_often(what: str, rate: Rate, wait: float) -> RequestRefused:
    """Make the refusal of what comes too often.

    Args:
        what: there is too much of, such as "handshakes from this address".
        rate: that was exceeded.
        wait: seconds until there may be another.
    """
    limit = f"limit {rate.count:,} in {rate.per:g} s, {rate.most:,} at once"
    seconds = max(1, ceil(wait))
    reason = f"too many {what}, {limit}; come back in {seconds} s"
    return refused_for_now(reason, seconds, HTTPStatus.TOO_MANY_REQUESTS)
