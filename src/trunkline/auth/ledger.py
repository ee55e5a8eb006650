"""Which tickets were used already."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable
from typing import Protocol

from trunkline.errors import RequestRefused
from trunkline.limits import MOST_TICKETS
from trunkline.protocol.retry_hint import refused_for_now


class Ledger(Protocol):
    """Takes each ticket once; one for all processes that take the same tickets."""

    async def spend(self, ticket_id: str, expires_at: float) -> bool:
        """Write down that a ticket is used, unless it was: that is what `False` says.

        Args:
            ticket_id: which one; it must be remembered until it has expired.
            expires_at: seconds since the epoch from which on nobody takes it any more.

        Raises:
            RequestRefused: 503 where this cannot be said now.
        """


class MemoryLedger:
    """A ledger in the memory of one process, with a limit.

    Where it is full it refuses: to forget a ticket would be to take it again.

    Args:
        most: tickets that it remembers.
        now: gives seconds since the epoch.

    Raises:
        ValueError: there is no room for a ticket.
    """

    def __init__(self, most: int = MOST_TICKETS, *, now: Callable[[], float] = time.time) -> None:
        if most < 1:
            raise ValueError(f"a ledger for {most:,} tickets cannot take any, it needs at least 1")
        self._most = most
        self._now = now
        self._latest = -math.inf
        self._spent: set[str] = set()
        self._expiries: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._spent)

    async def spend(self, ticket_id: str, expires_at: float) -> bool:
        """Write down that a ticket is used, unless it was, or may have been forgotten."""
        # What was forgotten stays so, even when the clock is set back.
        self._latest = max(self._latest, self._now())
        self._forget_expired()
        if ticket_id in self._spent or expires_at <= self._latest:
            return False
        if len(self._spent) >= self._most:
            raise self._full()
        self._spent.add(ticket_id)
        heapq.heappush(self._expiries, (expires_at, ticket_id))
        return True

    def _forget_expired(self) -> None:
        while self._expiries and self._expiries[0][0] <= self._latest:
            _, ticket_id = heapq.heappop(self._expiries)
            self._spent.discard(ticket_id)

    def _full(self) -> RequestRefused:
        reason = f"{len(self._spent):,} tickets were used lately, limit {self._most:,}: come back"
        return refused_for_now(reason, self._expiries[0][0] - self._latest)
