"""What a worker is given at its start."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from trunkline.app.running.workers.message import Say, encode

VARIABLE = "TRUNKLINE_WORKER"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Number and descriptors; nothing that is secret, since others may read it.

    Args:
        number: of the worker, from 1.
        control: descriptor of the worker's end of the connection with the supervisor.
        listening: descriptors of the sockets to listen at.
    """

    number: int
    control: int
    listening: Sequence[int]

    @classmethod
    def taken_from(cls, environ: MutableMapping[str, str]) -> Self | None:
        """Take it from the environment, where a supervisor has left it for this process."""
        text = environ.pop(VARIABLE, None)
        if text is None:
            return None
        assignment = cls(**json.loads(text))
        for fd in assignment.descriptors:
            os.set_inheritable(fd, False)
        return assignment

    def __str__(self) -> str:
        fields = {"number": self.number, "control": self.control, "listening": [*self.listening]}
        return json.dumps(fields)

    @property
    def descriptors(self) -> Sequence[int]:
        """All descriptors that the worker needs."""
        return (self.control, *self.listening)

    def sockets(self) -> list[socket.socket]:
        """Make objects of the sockets to listen at."""
        return [socket.socket(fileno=fd) for fd in self.listening]

    def control_socket(self) -> socket.socket:
        """Make another descriptor of the worker's end: the first one stays for `report()`."""
        return socket.socket(fileno=os.dup(self.control))

    def report(self, why: str) -> None:
        """Tell the supervisor why it cannot be started, whatever state this process is in."""
        with suppress(OSError):
            os.write(self.control, encode(Say.FAILED, why=why))
