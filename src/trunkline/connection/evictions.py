"""Connections that wait to be given up: some in each round of the loop, so that it goes on."""

from __future__ import annotations

import asyncio
from itertools import islice

from trunkline.connection.link import Link
from trunkline.limits import EVICTIONS_A_ROUND


class Evictions:
    """Gives up connections for which too much waits, in their order, all of one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Link, str] = {}
        self._is_called = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, link: Link, why: str) -> None:
        """Give a connection up soon.

        Args:
            link: its own.
            why: how much waits for it.
        """
        self._waiting[link] = why
        if not self._is_called:
            link.engine.call_soon(self._begin_round)
            self._is_called = True

    def hasten(self, link: Link) -> None:
        """Give a connection up now, if it waits for that."""
        why = self._waiting.pop(link, None)
        # Meanwhile it may have ended by itself, or said goodbye.
        if why is not None and link.can_send:
            link.give_up_slow(why)

    def _begin_round(self) -> None:
        try:
            for link in tuple(islice(self._waiting, EVICTIONS_A_ROUND)):
                self.hasten(link)
        finally:
            self._is_called = False
            if self._waiting:
                # Not by the engine, for which a round ends when nobody wants to be called any more.
                asyncio.get_running_loop().call_soon(self._begin_round)
                self._is_called = True
