"""All workers of a supervisor: how they come, stay and go."""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence

from trunkline.app.listening.sockets import close_all
from trunkline.app.running.workers.assignment import Assignment
from trunkline.app.running.workers.channel import Channel
from trunkline.app.running.workers.member import Member, Stage, describe_exit
from trunkline.app.running.workers.message import Message, Say
from trunkline.app.running.workers.slot import NOT_PLANNED, Slot
from trunkline.app.running.workers.starter import Starter
from trunkline.limits import START_ATTEMPTS

KEY_BYTES = 32


class Crew:
    """Starts a worker for each slot, another one when it dies, and lets them go one by one.

    Args:
        slots: the places.
        starter: starts processes.
        logger: is told of everything.
        waits_for_change: whether a worker that cannot be started waits for a change of its files.
        now: gives seconds on a clock that never jumps.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        starter: Starter,
        logger: logging.Logger,
        *,
        waits_for_change: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = slots
        self._starter = starter
        self._logger = logger
        self._waits_for_change = waits_for_change
        self._now = now
        self._key = secrets.token_bytes(KEY_BYTES)
        self._to_roll: deque[Slot] = deque()
        self.members: list[Member] = []
        self.let_go: Callable[[], None] = self.let_go_of_members
        """Closes, in a fork, what belongs to the supervisor."""
        self.is_rolling = False
        self.is_stopping = False
        self.has_been_ready = False
        self.failure: str | None = None
        """Why everything has ended, where that was not wished."""

    # What is known

    @property
    def is_over(self) -> bool:
        """Whether nobody is there any more, and nobody will come."""
        return self.is_stopping and not self.members

    @property
    def is_ready(self) -> bool:
        """Whether every slot has a worker that serves."""
        return all(self._at(slot, Stage.READY) for slot in self._slots)

    def next_due(self) -> float:
        """Give the time at which there is something to do."""
        starts = [slot.start_at for slot in self._slots]
        return min([*starts, *(member.kill_at for member in self.members)])

    def _at(self, slot: Slot, stage: Stage) -> list[Member]:
        return [each for each in self.members if each.slot is slot and each.stage is stage]

    # Coming

    def start_all(self) -> None:
        """Start a worker for each slot."""
        for slot in self._slots:
            self._start(slot)

    def _start(self, slot: Slot) -> None:
        slot.start_at = NOT_PLANNED
        ours, theirs = socket.socketpair()
        with theirs:
            listening = [sock.fileno() for sock in slot.sockets]
            assignment = Assignment(slot.number, theirs.fileno(), listening)
            channel = Channel(ours)
            # A fork lets go of this one, too, though it belongs to nobody yet.
            process = self._starter.start(assignment, lambda: self._let_go_in_fork(slot, channel))
        member = Member(slot, process, channel)
        self.members.append(member)
        channel.tell(Say.WELCOME, key=self._key.hex())
        self._logger.debug("%s starts", member)

    def _let_go_in_fork(self, slot: Slot, channel: Channel) -> None:
        channel.close()
        for other in self._slots:
            if other is not slot and not other.shares_sockets:
                close_all(other.sockets)
        self.let_go()

    def let_go_of_members(self) -> None:
        """Close every connection with a worker: each ends when nobody has the other end."""
        for member in self.members:
            member.channel.close()

    def take(self, member: Member, message: Message) -> None:
        """Hear what a worker says of itself."""
        if message["say"] == Say.FAILED:
            member.why = message["why"]
        elif member.stage is Stage.STARTING:
            self._became_ready(member, message["patience"])

    def _became_ready(self, member: Member, patience: float) -> None:
        now = self._now()
        for predecessor in self._at(member.slot, Stage.READY):
            predecessor.ask_to_leave(Say.ROLL, now)
        member.became_ready(now, patience)
        member.slot.failed_starts = 0
        self.has_been_ready = self.has_been_ready or self.is_ready
        self._logger.info("%s is ready", member)

    # Dying

    def reap(self) -> None:
        """Look who has ended."""
        for member in tuple(self.members):
            exit_code = member.process.poll()
            if exit_code is not None:
                for message in member.channel.receive():
                    if message["say"] in (Say.FAILED, Say.READY):
                        self.take(member, message)
                self._ended(member, exit_code)

    def _ended(self, member: Member, exit_code: int) -> None:
        self.members.remove(member)
        member.channel.close()
        ending = f"{member} {describe_exit(exit_code)}"
        if member.stage is Stage.LEAVING or self.is_stopping:
            self._logger.log(self._weight_of(member, exit_code), "%s", ending)
        elif member.stage is Stage.READY:
            self._crashed(member, ending)
        elif self._at(member.slot, Stage.READY):
            self._to_roll.clear()
            self._logger.error("%s: %s; the old one stays", ending, member.why or "not ready")
        else:
            self._failed_to_start(member, ending)

    def _weight_of(self, member: Member, exit_code: int) -> int:
        """Say how much the end of a worker matters that was to end."""
        if member.why is not None and member.why == self.failure:
            return logging.DEBUG  # said once, for all of them
        return logging.WARNING if exit_code else logging.INFO

    def _crashed(self, member: Member, ending: str) -> None:
        now = self._now()
        pause = member.slot.pause_after_crash(now - member.ready_at)
        member.slot.plan(now, pause)
        self._logger.error("%s; the next one starts in %g s", ending, pause)

    def _failed_to_start(self, member: Member, ending: str) -> None:
        slot = member.slot
        pause = slot.pause_after_failed_start()
        why = f"{ending}: {member.why or 'before it was ready'}"
        if self._waits_for_change:
            self._logger.error("%s; waiting for a change of a file", why)
        elif member.why is not None and not self.has_been_ready:
            self._give_up(member.why)
        elif slot.failed_starts >= START_ATTEMPTS:
            self._give_up(f"{why}; that was attempt {slot.failed_starts}, limit {START_ATTEMPTS}")
        else:
            slot.plan(self._now(), pause)
            self._logger.error("%s; the next one starts in %g s", why, pause)

    def _give_up(self, failure: str) -> None:
        self.failure = failure
        self.drain()

    # What is due

    def tend(self) -> None:
        """Do what is due: starts, kills, the next step of a rolling restart."""
        now = self._now()
        for slot in self._slots:
            if slot.start_at <= now and not self.is_stopping:
                self._start(slot)
        for member in self.members:
            if member.kill_at <= now:
                self._logger.error("%s does not end, and is killed", member)
                member.kill()
        self._roll_on()

    # Rolling restart

    def roll(self) -> None:
        """Start a new worker for each old one, one after the other; each old one drains then."""
        if not self.is_stopping:
            self._to_roll = deque(self._slots)
            self.is_rolling = True

    def _roll_on(self) -> None:
        if not self.is_rolling or any(each.stage is not Stage.READY for each in self.members):
            return
        if self._to_roll:
            self._start(self._to_roll.popleft())
        else:
            self.is_rolling = False

    # Going

    def drain(self) -> None:
        """Have all workers drain, and start no other."""
        self._stop(Say.DRAIN, [each for each in self.members if each.stage is not Stage.LEAVING])

    def cut(self) -> None:
        """Have all workers end at once."""
        self._stop(Say.CUT, self.members)

    def _stop(self, say: Say, members: Sequence[Member]) -> None:
        self.is_stopping = True
        self.is_rolling = False
        for slot in self._slots:
            slot.start_at = NOT_PLANNED
        for member in members:
            member.ask_to_leave(say, self._now())

    def kill(self) -> None:
        """End all workers without asking."""
        for member in self.members:
            member.kill()
