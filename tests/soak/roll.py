"""Rolling restarts under load: no acknowledged message is lost, and no connection refused.

`python tests/soak/roll.py` restarts two workers five times under 200 clients that come back, and
prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.fleet import HANG_SECONDS, OPTIONS, Fleet, fleet, report
from trunkline import Connection, ConnectionClosed, Decision, connect
from trunkline.limits import Backoff

CLIENTS = 200
ROLLS = 5
WORKERS = 2
WINDOW = 1.0
COME_BACK_WITHIN = 0.5
PROMPTLY = Backoff(first=0.1, stable_after=0.1)


class Talker:
    """Sends numbered messages, each until it was acknowledged, over any number of connections."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.acknowledged: list[str] = []
        self.workers: list[int] = []
        self.failures: list[str] = []

    def decided(self, decision: Decision) -> None:
        """Take note of every attempt that has failed: there should be none."""
        if not isinstance(decision.cause, ConnectionClosed):
            self.failures.append(str(decision.cause))

    async def run(self, uri: str) -> None:
        """Talk until cancelled."""
        coming = connect(uri, on_reconnect=self.decided, backoff=PROMPTLY, **OPTIONS)
        async for ws in coming:
            try:
                self.workers.append(int(await ws.recv()))
                await self.talk(ws)
            except ConnectionClosed:
                continue
            finally:
                ws.abort()  # who is cancelled leaves nothing open
                await ws.wait_closed()

    async def talk(self, ws: Connection) -> None:
        """Send one message after the other."""
        while True:
            message = f"{self.name}-{len(self.acknowledged)}"
            await ws.send(message)
            while await ws.recv() != message:
                """An answer to the same message, sent over an earlier connection."""
            self.acknowledged.append(message)


def roll(clients: int, rolls: int, window: float) -> dict[str, Any]:
    """Restart workers under load, and give what became of the messages.

    Raises:
        AssertionError: an acknowledged message is lost, or an attempt to connect failed.
    """
    with fleet(WORKERS, window, COME_BACK_WITHIN) as ships:
        talkers = [Talker(name) for name in range(clients)]
        begun = time.monotonic()
        asyncio.run(restart(ships, talkers, rolls))
        ships.process.terminate()
        exit_code = ships.process.wait(HANG_SECONDS)
        seconds = round(time.monotonic() - begun, 2)
        acknowledged = {each for talker in talkers for each in talker.acknowledged}
        lost = acknowledged - ships.written()
    facts = {
        "clients": clients,
        "rolls": rolls,
        "seconds": seconds,
        "workers": len({pid for talker in talkers for pid in talker.workers}),
        "connections": sum(len(talker.workers) for talker in talkers),
        "acknowledged": len(acknowledged),
        "lost": len(lost),
        "failures": dict(Counter(each for talker in talkers for each in talker.failures)),
        "exit_code": exit_code,
    }
    assert facts["lost"] == exit_code == 0, facts
    assert facts["failures"] == {}, facts
    assert facts["workers"] == WORKERS * (rolls + 1), facts
    return facts


async def restart(ships: Fleet, talkers: list[Talker], rolls: int) -> None:
    """Send SIGHUP, and wait each time until everybody is with a new worker."""
    tasks = [asyncio.create_task(talker.run(ships.uri)) for talker in talkers]
    try:
        await until_moved(talkers, tasks, set())
        for _ in range(rolls):
            old = {talker.workers[-1] for talker in talkers}
            ships.process.send_signal(signal.SIGHUP)
            await until_moved(talkers, tasks, old)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_moved(
    talkers: list[Talker], tasks: list[asyncio.Task[None]], old: set[int]
) -> None:
    """Wait until nobody is with an old worker, and everybody was answered by a new one."""
    counts = [len(talker.acknowledged) for talker in talkers]
    async with asyncio.timeout(HANG_SECONDS):
        while not all(
            talker.workers and talker.workers[-1] not in old and len(talker.acknowledged) > count
            for talker, count in zip(talkers, counts, strict=True)
        ):
            assert not any(task.done() for task in tasks), "a client has given up"
            await asyncio.sleep(0.01)


def main() -> None:
    """Restart, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--rolls", type=int, default=ROLLS)
    arguments = parser.parse_args()
    # `nohup` would have the workers ignore what asks them to restart.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    report(proof="roll", window=WINDOW, **roll(arguments.clients, arguments.rolls, WINDOW))


if __name__ == "__main__":
    main()
