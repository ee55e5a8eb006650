"""A line in memory between a client and a server, and what can befall it."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from trunkline.errors import UsageError
from trunkline.testing.course import Course
from trunkline.testing.memory_transport import MemoryTransport, reset_error


class Toward(Enum):
    """Which direction of a line is meant."""

    SERVER = "server"
    CLIENT = "client"


BOTH = (Toward.SERVER, Toward.CLIENT)


class Line:
    """What lies between the two ends of a stream.

    As a real line, it loses no single byte, and does not change their order: it is late, it goes
    dead, or it is cut.

    Args:
        loop: keeps the time.
        client: address of the client.
        server: address of the server.
        when_lost: called with the line when both of its ends are gone.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: Any,
        server: Any,
        when_lost: Callable[[Line], None],
    ) -> None:
        self._when_lost = when_lost
        up, down = Course(loop, self.cut), Course(loop, self.cut)
        self._courses = {Toward.SERVER: up, Toward.CLIENT: down}
        names = {"peername": server, "sockname": client, "line": self}
        self.client = MemoryTransport(loop, up, down, names, self._lost)
        names = {"peername": client, "sockname": server, "line": self}
        self.server = MemoryTransport(loop, down, up, names, self._lost)

    def _lost(self) -> None:
        if self.client.is_lost and self.server.is_lost:
            for course in self._courses.values():
                course.clear()
            self._when_lost(self)

    def passed(self, toward: Toward) -> int:
        """Give how many bytes were sent in one direction so far."""
        return self._courses[toward].passed

    def cut(self) -> None:
        """Lose the line: both ends see a reset, and what is under way is gone."""
        for course in self._courses.values():
            course.clear()
        for end in (self.client, self.server):
            end.reset(reset_error("the line was cut"))

    def cut_after(self, size: int, *, toward: Toward) -> None:
        """Lose the line when `size` more bytes have arrived in one direction."""
        if size < 0:
            raise UsageError(f"a line cannot be cut after {size} bytes")
        self._courses[toward].cut_after(size)

    def stall(self, *toward: Toward) -> None:
        """Let nothing arrive any more, and nobody be told: a half-open line.

        Args:
            toward: one direction; both by default.
        """
        for course in self._chosen(toward):
            course.stall()

    def flow(self, *toward: Toward) -> None:
        """Let everything arrive again, as TCP does when a line comes back.

        Args:
            toward: one direction; both by default.
        """
        for course in self._chosen(toward):
            course.flow()

    def delay(self, seconds: float, *toward: Toward) -> None:
        """Let whatever is sent from now on arrive so much later.

        Args:
            seconds: on the test's clock.
            toward: one direction; both by default.
        """
        check_delay(seconds)
        for course in self._chosen(toward):
            course.delay = seconds

    def lose(self, probability: float, seed: int | str) -> None:
        """Let each byte from now on be the last with some probability, in both directions.

        TCP delivers all bytes before the last one; so what a line with losses does to a connection
        is to end it, somewhere.

        Args:
            probability: from 0, never, to 1, before the next byte.
            seed: the same one cuts at the same byte.
        """
        check_loss(probability)
        dice = random.Random(seed)
        for toward in BOTH:
            # Both are drawn in any case, so that one does not depend on the other.
            size = bytes_before_loss(probability, dice.random())
            if size is not None:
                self.cut_after(size, toward=toward)

    def _chosen(self, toward: Sequence[Toward]) -> list[Course]:
        return [self._courses[direction] for direction in toward or BOTH]


def bytes_before_loss(probability: float, drawn: float) -> int | None:
    """Give how many bytes pass where each is lost with `probability`; `None` for all.

    Args:
        probability: from 0 to 1.
        drawn: evenly from 0 to below 1.
    """
    if probability == 0:
        return None
    if probability == 1:
        return 0
    return int(math.log(1 - drawn) / math.log(1 - probability))


def check_delay(seconds: float) -> None:
    """Refuse a delay that is none."""
    if not seconds >= 0:
        raise UsageError(f"a delay is 0 or more seconds, not {seconds}")


def check_loss(probability: float) -> None:
    """Refuse a probability that is none."""
    if not 0 <= probability <= 1:
        raise UsageError(f"a probability is from 0 to 1, not {probability}")
