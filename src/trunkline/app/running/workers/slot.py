"""Places for workers, with the sockets that stay when a worker goes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from trunkline.app.listening.place import Place
from trunkline.app.listening.sockets import (
    Sockets,
    address_of,
    bind_for_each,
    close_all,
    given_sockets,
    renewed,
)
from trunkline.limits import RESTART

NOT_PLANNED = math.inf


@dataclass
class Slot:
    """The place of one worker after the other.

    A socket of its own stays open when its worker dies: who waits in it is taken by the next one.

    Args:
        number: from 1.
        sockets: to listen at.
        shares_sockets: whether other slots have the same.
    """

    number: int
    sockets: Sockets
    shares_sockets: bool
    start_at: float = NOT_PLANNED
    """When the next worker is to be started."""
    failed_starts: int = 0
    """In a row."""
    crashes: int = 0
    """In a row, of workers that had been ready, and not for long."""

    def plan(self, now: float, pause: float) -> None:
        """Plan the next start; during a pause newcomers go to other slots."""
        self.start_at = now + pause
        if pause and not self.shares_sockets:
            self.sockets = renewed(self.sockets)

    def pause_after_failed_start(self) -> float:
        """Count a worker that was never ready; give the pause before the next one."""
        self.failed_starts += 1
        return RESTART.ceiling(self.failed_starts)

    def pause_after_crash(self, lifetime: float) -> float:
        """Count a worker that has died; give the pause before the next one.

        Args:
            lifetime: seconds for which it was ready.
        """
        if lifetime >= RESTART.stable_after:
            self.crashes = 0
        self.crashes += 1
        return RESTART.ceiling(self.crashes - 1) if self.crashes > 1 else 0.0


def addresses_of(slots: Sequence[Slot], scheme: str) -> list[str]:
    """Give the addresses at which all of them listen."""
    return [address_of(sock, scheme) for sock in slots[0].sockets]


@contextmanager
def open_slots(place: Place, count: int, environ: MutableMapping[str, str]) -> Iterator[list[Slot]]:
    """Make places with sockets, and close these at the end.

    Args:
        place: where to listen.
        count: of places.
        environ: may tell of sockets of systemd.

    Raises:
        StartFailure: the address cannot be had.
    """
    given = given_sockets(place, environ)
    sets = [given] * count if given else bind_for_each(place, count)
    shares = len(sets) > 1 and sets[0] is sets[1]
    slots = [Slot(number, each, shares) for number, each in enumerate(sets, 1)]
    try:
        yield slots
    finally:
        for slot in slots:
            close_all(slot.sockets)
        if place.path is not None and not given:
            with suppress(OSError):
                os.remove(place.path)
