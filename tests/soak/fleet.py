"""Workers under a supervisor, as the command line starts them, and clients for them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from trunkline import Connection, Events, connect

REPOSITORY = Path(__file__).parents[2]
JOURNAL = "FLEET_JOURNAL"
"""Names the file of all workers."""
WINDOW = "FLEET_WINDOW"
COME_BACK_WITHIN = "FLEET_COME_BACK_WITHIN"

AT_ONCE = 200
"""Connections that are opened at the same time."""
HANG_SECONDS = 60.0
OPTIONS: dict[str, Any] = {"compression": None, "ping_interval": None, "open_timeout": HANG_SECONDS}


@dataclass(frozen=True)
class Fleet:
    """A supervisor with its workers."""

    process: subprocess.Popen[str]
    uri: str
    journal: Path

    def written(self) -> set[str]:
        """Give every message that was written down."""
        return set(self.journal.read_text().split())


@contextmanager
def fleet(workers: int, window: float, come_back_within: float) -> Iterator[Fleet]:
    """Start workers; kill them where they have not ended at the end."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "journal")
        environ = {
            **os.environ,
            JOURNAL: str(journal),
            WINDOW: str(window),
            COME_BACK_WITHIN: str(come_back_within),
        }
        command = [sys.executable, "-m", "trunkline", "serve", "tests.soak.fleet_app:app"]
        options = ["--port", "0", "--workers", str(workers)]
        with subprocess.Popen(
            [*command, *options], cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            try:
                place = process.stdout.readline().split()[-1]
                yield Fleet(process, f"{place.replace('http', 'ws')}/journal", journal)
            finally:
                process.kill()


class Client(Events):
    """Talks without a pause, or says nothing; knows what was acknowledged, and how it ended."""

    def __init__(self, name: str, talks: bool) -> None:
        self.name = name
        self.talks = talks
        self.worker: int | None = None
        self.sent = 0
        self.acknowledged: set[str] = set()
        self.is_known = asyncio.Event()
        self.ending: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        """Take note of the worker, or of an acknowledgement; send the next message."""
        if self.worker is None:
            self.worker = int(data)
            self.is_known.set()
        else:
            self.acknowledged.add(str(data))
        if self.talks:
            self.talk(ws)

    def talk(self, ws: Connection) -> None:
        """Send the next message."""
        self.sent += 1
        ws.send_soon(f"{self.name}-{self.sent}")

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        """Take note of the end."""
        self.ending.set_result((code, reason))


async def open_client(uri: str, name: str, *, talks: bool) -> tuple[Connection, Client]:
    """Open a connection, and learn which worker has it."""
    client = Client(name, talks)
    ws = await connect(uri, events=lambda: client, **OPTIONS)
    await client.is_known.wait()
    return ws, client


async def open_clients(uri: str, count: int, talkers: int) -> list[tuple[Connection, Client]]:
    """Open many connections, some of which talk."""
    found: list[tuple[Connection, Client]] = []
    for begin in range(0, count, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, count))
        opening = (open_client(uri, str(number), talks=number < talkers) for number in numbers)
        found += await asyncio.gather(*opening)
    return found


def codes_of(clients: list[Client]) -> dict[int, int]:
    """Count how connections have ended."""
    return dict(Counter(client.ending.result()[0] for client in clients))


def report(**facts: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(facts), flush=True)
