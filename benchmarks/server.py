"""A server that is measured: a child process on a core of its own."""

from __future__ import annotations

import select
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.certificate import Certificate
from benchmarks.lineup import BENCHMARKS, Peer
from benchmarks.machine import pinned
from benchmarks.scenarios import Kind, Scenario

START_SECONDS = 20.0
"""For a server to listen."""

KIB = 1024


class NotStarted(Exception):
    """The server did not come up; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    port: int
    process: int
    about: str

    def memory(self) -> int:
        """Give its bytes of anonymous memory: heap and stacks, not program text."""
        return anonymous_bytes(Path(f"/proc/{self.process}/smaps_rollup").read_text())


def anonymous_bytes(smaps_rollup: str) -> int:
    """Read the bytes of anonymous memory from the text of /proc/PID/smaps_rollup."""
    for line in smaps_rollup.splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * KIB
    raise ValueError("smaps_rollup names no anonymous memory")


def command_line(peer: Peer, scenario: Scenario, certificate: Certificate) -> list[str]:
    """Give the command that starts a peer for a scenario."""
    tls = ["--tls", str(certificate.server)] if scenario.is_tls else []
    deflate = ["--deflate"] if scenario.is_compressed else []
    fanout = peer.for_fanout if scenario.kind is Kind.FANOUT else ()
    handler = ("--handler", scenario.interface.value) if peer.is_asgi else ()
    return [*peer.command, *fanout, *handler, *tls, *deflate]


@contextmanager
def running(command: list[str], core: int) -> Iterator[Server]:
    """Start a server on a core, and kill it at the end.

    Raises:
        NotStarted: it ended, or did not listen in time.
    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            pinned(command, core),
            cwd=BENCHMARKS.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield await_port(process, errors)
        finally:
            process.kill()


def await_port(process: subprocess.Popen[str], errors: IO[str]) -> Server:
    """Wait for the line in which a server names its port."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if readable else ""
    if not line:
        errors.seek(0)
        raise NotStarted(last_line(errors.read()) or f"did not listen within {START_SECONDS} s")
    port, _, about = line.strip().partition(" ")
    return Server(int(port), process.pid, about)


def last_line(text: str) -> str:
    """Give the last line that is not blank: of a traceback, the exception."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
