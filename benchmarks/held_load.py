"""A load that waits to be told, line by line, how to go on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks.machine import pinned


class LoadFailed(Exception):
    """The load ended early: a wrong reply, a lost connection, a server that says nothing."""


class HeldLoad:
    """A load that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, line: str) -> None:
        """Send it a line; when it is gone, `hear()` says why."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def hear(self) -> str:
        """Wait for its next line.

        Raises:
            LoadFailed: it is gone.
        """
        assert self._process.stdout and self._process.stderr
        line = self._process.stdout.readline()
        if not line:
            raise LoadFailed(self._process.stderr.read().strip())
        return line.strip()


@contextmanager
def held_load(command: list[str], core: int) -> Iterator[HeldLoad]:
    """Start a load on a core; at the end it closes its connections, or is killed after an error."""
    process = subprocess.Popen(
        pinned(command, core),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield HeldLoad(process)
    except BaseException:
        process.kill()
        raise
    finally:
        process.communicate()
