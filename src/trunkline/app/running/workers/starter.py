"""How a worker's process comes to be."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, Self

from trunkline.app.listening.systemd import NOTIFY_NAMES
from trunkline.app.running.signals import held_back
from trunkline.app.running.workers.assignment import VARIABLE, Assignment

EXIT_FAILURE = 1

logger = logging.getLogger("trunkline.app")


class Process(Protocol):
    """A child of this process."""

    pid: int

    def poll(self) -> int | None:
        """Give the exit code once it has ended, below zero for a signal; `None` until then."""

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""


class Starter(Protocol):
    """Starts the process of a worker."""

    def start(self, assignment: Assignment, let_go: Callable[[], None]) -> Process:
        """Start it.

        Args:
            assignment: for the worker.
            let_go: closes, in a fork, what belongs to the supervisor.
        """


class Spawn:
    """Workers are a program that is started anew: what it imports is as it is now.

    Args:
        command: program and arguments.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    @classmethod
    def of_this_program(cls) -> Self:
        """Give what starts once more what runs here, with the same arguments."""
        return cls([sys.executable, *sys.orig_argv[1:]])

    def start(self, assignment: Assignment, let_go: Callable[[], None]) -> Process:
        """Start it."""
        with held_back():
            return subprocess.Popen(
                self._command,
                env=environment_for(assignment, os.environ),
                pass_fds=assignment.descriptors,
            )


def environment_for(assignment: Assignment, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a worker, which does not speak for the service."""
    passed = {name: value for name, value in environ.items() if name not in NOTIFY_NAMES}
    return passed | {VARIABLE: str(assignment)}


class Fork:
    """Workers are copies of this process, with the objects that are in it.

    There must be no event loop in it, and should be no thread: neither works in a copy.

    Args:
        work: is called in the copy, and gives the exit code.
    """

    def __init__(self, work: Callable[[Assignment], int]) -> None:
        self._work = work

    def start(self, assignment: Assignment, let_go: Callable[[], None]) -> Process:
        """Start it."""
        warn_of_threads()
        with held_back():
            pid = os.fork()
            if pid:
                return Forked(pid)
            self._live(assignment, let_go)
            raise AssertionError("a copy has gone on as if it were the original")

    def _live(self, assignment: Assignment, let_go: Callable[[], None]) -> None:
        """Live the life of a copy: it must not go back to whoever has called `start()`."""
        exit_code = EXIT_FAILURE
        try:
            let_go()
            exit_code = self._work(assignment)
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(exit_code)


def warn_of_threads() -> None:
    """Say that threads are left behind, where there are any."""
    others = threading.active_count() - 1
    if others:
        logger.warning(
            "threads of this process that are not in its workers: %d; start them in lifespan=, "
            "or run it by the command: trunkline serve module:app",
            others,
        )


class Forked:
    """A copy of this process.

    Args:
        pid: of the copy.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._exit_code: int | None = None

    def poll(self) -> int | None:
        """Give the exit code once it has ended."""
        if self._exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._exit_code = os.waitstatus_to_exitcode(status)
        return self._exit_code

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)
