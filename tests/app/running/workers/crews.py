"""Workers without processes: the test says what each of them does."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

from trunkline.app.running.workers.assignment import Assignment
from trunkline.app.running.workers.channel import Channel
from trunkline.app.running.workers.crew import Crew
from trunkline.app.running.workers.member import Member
from trunkline.app.running.workers.message import Lines, Message, Say, encode
from trunkline.app.running.workers.slot import Slot

logger = logging.getLogger("trunkline.app")


class Puppet:
    """A process that does nothing by itself."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self.exit_code: int | None = None
        self._control = control
        self._lines = Lines()

    def poll(self) -> int | None:
        return self.exit_code

    def send_signal(self, sig: int) -> None:
        self.end(-sig)

    def end(self, exit_code: int) -> None:
        """End as a process does."""
        self.exit_code = exit_code
        self._control.close()

    def tell(self, say: Say, **what: Any) -> None:
        """Say something to the supervisor."""
        self._control.sendall(encode(say, **what))

    def heard(self) -> list[Message]:
        """Give what the supervisor has said since the last time."""
        self._control.setblocking(False)
        messages: list[Message] = []
        try:
            while data := self._control.recv(65536):
                messages += self._lines.feed(data)
        except BlockingIOError:
            pass
        self._control.setblocking(True)
        return messages

    def close(self) -> None:
        """Let go of everything."""
        self._control.close()


class Puppets:
    """Starts processes that do nothing."""

    def __init__(self) -> None:
        self.started: list[Puppet] = []
        self.assignments: list[Assignment] = []

    def start(self, assignment: Assignment, let_go: Callable[[], None]) -> Puppet:
        self.assignments.append(assignment)
        puppet = Puppet(100 + len(self.started), assignment.control_socket())
        self.started.append(puppet)
        return puppet

    def close(self) -> None:
        """Let go of everything."""
        for puppet in self.started:
            puppet.close()


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_slots(count: int) -> list[Slot]:
    """Make places with a bound socket each."""
    slots = []
    for number in range(1, count + 1):
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        slots.append(Slot(number, [sock], shares_sockets=True))
    return slots


class Rehearsal:
    """A crew of puppets, and its clock."""

    def __init__(self, count: int, **options: Any) -> None:
        self.slots = make_slots(count)
        self.puppets = Puppets()
        self.clock = Clock()
        self.crew = Crew(self.slots, self.puppets, logger, now=self.clock, **options)

    def turn(self) -> None:
        """Do what a supervisor does."""
        for member in tuple(self.crew.members):
            for message in member.channel.receive():
                self.crew.take(member, message)
        self.crew.reap()
        self.crew.tend()

    def ready(self, *numbers: int) -> None:
        """Have puppets say that they are ready, by the order in which they were started."""
        for number in numbers:
            self.puppets.started[number].tell(Say.READY, patience=5.0, files=[])
        self.turn()

    def says(self, number: int) -> list[str]:
        """Give what a puppet has been told since the last time."""
        return [each["say"] for each in self.puppets.started[number].heard()]

    def pids(self) -> list[int]:
        """Give who is there."""
        return [member.process.pid for member in self.crew.members]

    def close(self) -> None:
        """Let go of everything."""
        self.crew.let_go_of_members()
        self.puppets.close()
        for slot in self.slots:
            for sock in slot.sockets:
                sock.close()


def make_member(slot: Slot, pid: int = 1) -> tuple[Member, Puppet]:
    """Make a worker of its own."""
    ours, theirs = socket.socketpair()
    puppet = Puppet(pid, theirs)
    return Member(slot, puppet, Channel(ours)), puppet


def told(puppets: Sequence[Puppet]) -> list[list[Message]]:
    """Give what each has been told."""
    return [puppet.heard() for puppet in puppets]


KILLED = -signal.SIGKILL
