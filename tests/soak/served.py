"""A server in a process of its own, whose memory and descriptors are looked at from outside."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.conformance.certificate import contexts
from trunkline import Connection, Events, ServerConnection, serve
from trunkline.engines.choose import VARIABLE

HOST = "127.0.0.1"
FORBIDDEN = 403
OPEN_TIMEOUT = 1.0
"""Seconds after which whoever has not opened a connection is cut."""


class Echo(Events):
    """Sends everything back."""

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        ws.send_soon(data)


async def echo(ws: ServerConnection) -> None:
    """Do the same as a coroutine."""
    async for message in ws:
        await ws.send(message)


HANDLERS: dict[str, Any] = {"events": Echo, "coroutine": echo}


def doorman(ws: ServerConnection, request: Any) -> Any:
    """Refuse whoever asks for it."""
    return ws.respond(FORBIDDEN, "no\n") if request.path == "/refused" else None


async def main(arguments: argparse.Namespace) -> None:
    """Serve until stdin ends."""
    async with serve(
        HANDLERS[arguments.handler],
        HOST,
        0,
        ssl=contexts().server if arguments.tls else None,
        process_request=doorman,
        open_timeout=arguments.open_timeout,
        compression=None,
        ping_interval=None,
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


@dataclass(frozen=True)
class Served:
    """A server process."""

    pid: int
    port: int

    def resident_bytes(self) -> int:
        """Give its memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """Count what it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


@contextmanager
def served(engine: str, handler: str, *options: str) -> Iterator[Served]:
    """Start a server, and stop it at the end."""
    command = [sys.executable, __file__, handler, *options]
    environment = os.environ | {VARIABLE: engine}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Served(process.pid, int(process.stdout.readline()))
        process.stdin.close()
    assert process.returncode == 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("handler", choices=HANDLERS)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--open-timeout", type=float, default=OPEN_TIMEOUT)
    asyncio.run(main(parser.parse_args()))
