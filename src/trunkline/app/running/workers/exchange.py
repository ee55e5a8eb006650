"""What workers ask of their supervisor, and of each other through it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trunkline.app.observation.snapshot import Snapshot
from trunkline.app.running.workers.member import Member, Stage
from trunkline.app.running.workers.message import Message, Say
from trunkline.auth.ledger import MemoryLedger
from trunkline.errors import RequestRefused
from trunkline.limits import SNAPSHOT_TIMEOUT

T = TypeVar("T")


@dataclass
class Gathering:
    """Snapshots that are on their way to who has asked.

    Args:
        asker: the worker.
        number: of its question.
        awaited: workers that have not answered.
        ends_at: when nobody waits for them any more.
    """

    asker: Member
    number: int
    awaited: set[int]
    ends_at: float
    snapshots: list[Snapshot] = field(default_factory=list)


class Exchange:
    """Keeps the ledger of tickets, and passes messages on.

    Args:
        members: the workers, as they are at each moment.
        ledger: of tickets, for all of them.
        now: gives seconds on a clock that never jumps.
    """

    def __init__(
        self,
        members: Sequence[Member],
        ledger: MemoryLedger | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._members = members
        self._ledger = MemoryLedger() if ledger is None else ledger
        self._now = now
        self._numbers = itertools.count(1)
        self._gatherings: dict[int, Gathering] = {}

    def take(self, member: Member, message: Message) -> None:
        """Do what a worker asks for."""
        match message["say"]:
            case Say.SPEND:
                self._spend(member, message)
            case Say.DISCONNECT:
                self._pass_on(member, message)
            case Say.SNAPSHOTS:
                self._gather(member, message["id"])
            case Say.SNAPSHOT:
                self._gathered(member, message)

    def _spend(self, member: Member, message: Message) -> None:
        spending = self._ledger.spend(message["ticket_id"], message["expires_at"])
        try:
            answer: dict[str, Any] = {"is_first": at_once(spending)}
        except RequestRefused as refused:
            answer = {"refused": refused.reason, "status": refused.status}
            answer["headers"] = refused.headers
        member.channel.tell(Say.ANSWER, id=message["id"], **answer)

    def _pass_on(self, sender: Member, message: Message) -> None:
        what = {name: value for name, value in message.items() if name != "say"}
        for member in self._members:
            if member is not sender:
                member.channel.tell(Say.DISCONNECT, **what)

    # Snapshots

    def _gather(self, asker: Member, number: int) -> None:
        asked = [each for each in self._members if each.stage is not Stage.STARTING]
        key = next(self._numbers)
        pids = {each.process.pid for each in asked}
        ends_at = self._now() + SNAPSHOT_TIMEOUT
        self._gatherings[key] = Gathering(asker, number, pids, ends_at)
        for member in asked:
            member.channel.tell(Say.TAKE_SNAPSHOT, id=key)

    def _gathered(self, member: Member, message: Message) -> None:
        gathering = self._gatherings.get(message["id"])
        if gathering is not None:
            gathering.awaited.discard(member.process.pid)
            gathering.snapshots.append(message["snapshot"])
            self.tend()

    def tend(self) -> None:
        """Answer what is complete, and what is late."""
        for key, gathering in tuple(self._gatherings.items()):
            if not gathering.awaited or gathering.ends_at <= self._now():
                del self._gatherings[key]
                gathering.asker.channel.tell(
                    Say.ANSWER, id=gathering.number, snapshots=gathering.snapshots
                )


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Give the result of what never waits: there is no loop here."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("the ledger waits, and there is nothing to wait for")
