"""An application in a process of its own, with its default limits, that tells how it is doing.

It answers each line on its standard input with one line of JSON, and ends with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.served import HOST, Served
from trunkline import Connection, Events, Topic
from trunkline.app.app import App
from trunkline.app.connection import AppConnection
from trunkline.app.observation.observer import Observer
from trunkline.app.visit import Visit
from trunkline.engines.choose import VARIABLE
from trunkline.errors import RequestRefused
from trunkline.limits import APP_LIMITS, Drain, Limits, Rate

BACKLOG_BYTES = 64 * 1024
"""That wait for each subscriber, beside what its stream holds: `write_limit`."""

MANY = 16_000
"""Connections, of one process: descriptors are limited."""

PAGE_BYTES = 1024 * 1024
"""Of a page that takes a slow reader long."""

LIMITS = replace(APP_LIMITS, max_connections=MANY)
FROM_ONE_ADDRESS = replace(
    LIMITS, max_connections_per_address=MANY, handshake_rate=Rate(MANY, burst=MANY)
)
"""For a tool that can only come from one address: a defence would be in the way of the proof."""

LIMITS_BY_NAME: dict[str, Limits] = {"usual": LIMITS, "one-address": FROM_ONE_ADDRESS}


class Tally(Observer):
    """Counts by which codes WebSockets end, and by which statuses requests are refused."""

    def __init__(self) -> None:
        self.codes: Counter[int | None] = Counter()
        self.statuses: Counter[int] = Counter()
        self.arrivals = self.present = self.most_present = 0
        self.published = 0
        self.last_closed_at = 0
        """How many messages had been published when the last WebSocket ended."""

    def arrived(self, visit: Visit) -> None:
        self.arrivals += 1
        self.present += 1
        self.most_present = max(self.most_present, self.present)

    def left(self, visit: Visit) -> None:
        self.present -= 1

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        self.statuses[refused.status] += 1

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        self.codes[connection.close_code] += 1
        self.last_closed_at = self.published


class Subscriber(Events):
    """Gets what is published."""

    def on_open(self, ws: Connection) -> None:
        topic.subscribe(ws)


class Publisher(Events):
    """Publishes what it sends."""

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        tally.published += 1
        topic.publish(data)


class Echo(Events):
    """Sends everything back."""

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        ws.send_soon(data)


topic = Topic(max_backlog=BACKLOG_BYTES)
tally = Tally()


def make_app(limits: Limits) -> App:
    """Make the application: a topic, an echo, a page and a form."""
    app = App(limits=limits, drain=Drain(window=0, come_back_within=0, patience=1))
    app.observe(tally)
    app.add_websocket("/topic", Subscriber)
    app.add_websocket("/publish", Publisher)
    app.add_websocket("/", Echo)
    app.get("/page")(lambda _: "x" * PAGE_BYTES)
    app.post("/form")(lambda request: str(len(request.body)))
    return app


def report() -> dict[str, Any]:
    """Tell how many are there, how others ended, and what it all took."""
    return {
        "subscribers": len(topic),
        "codes": {str(code): count for code, count in tally.codes.items()},
        "statuses": {str(status): count for status, count in tally.statuses.items()},
        "arrivals": tally.arrivals,
        "most_present": tally.most_present,
        "last_closed_at": tally.last_closed_at,
    }


async def main(limits: Limits) -> None:
    """Serve until stdin ends."""
    async with make_app(limits).serve(HOST, 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(report()), flush=True)


# From outside


@dataclass(frozen=True)
class Application(Served):
    """The process, as others see it."""

    process: subprocess.Popen[str]

    def report(self) -> dict[str, Any]:
        """Ask how it is doing."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("how are you?\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def forget_peak(self) -> None:
        """Let the peak of its memory be what it has now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int:
        """Give the most memory that it has had since."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


@contextmanager
def application(engine: str, limits: str) -> Iterator[Application]:
    """Start the process, and stop it at the end."""
    command = [sys.executable, __file__, limits]
    environment = os.environ | {VARIABLE: engine}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Application(process.pid, int(process.stdout.readline()), process)
        process.stdin.close()
    assert process.returncode == 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("limits", choices=LIMITS_BY_NAME)
    asyncio.run(main(LIMITS_BY_NAME[parser.parse_args().limits]))
