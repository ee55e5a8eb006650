"""kill -9 of one worker: the connections of all others stay, and another one takes its place.

`python tests/soak/kill.py` holds 4,000 connections, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.fleet import (
    HANG_SECONDS,
    Client,
    Fleet,
    codes_of,
    fleet,
    open_client,
    open_clients,
    report,
)
from trunkline import CloseCode, Connection

CONNECTIONS = 4_000
WORKERS = 4
NEWCOMERS = 50


def kill(connections: int, workers: int) -> dict[str, Any]:
    """Hold connections, kill a worker, and give what became of them.

    Raises:
        AssertionError: a connection of another worker was touched, or nobody took the place.
    """
    with fleet(workers, 0.0, 0.0) as ships:
        facts = asyncio.run(kill_one(ships, connections))
        ships.process.terminate()
        assert ships.process.wait(HANG_SECONDS) == 0
    return facts


async def kill_one(ships: Fleet, connections: int) -> dict[str, Any]:
    """Kill the worker of the first connection."""
    opened = await open_clients(ships.uri, connections, 0)
    victim = opened[0][1].worker
    assert victim is not None
    theirs = [client for _, client in opened if client.worker == victim]
    others = [(ws, client) for ws, client in opened if client.worker != victim]
    os.kill(victim, signal.SIGKILL)
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.gather(*(client.ending for client in theirs))
        await asyncio.gather(*(answered(ws, client) for ws, client in others))
        newcomers = await open_clients(ships.uri, NEWCOMERS, 0)
        while not {client.worker for _, client in newcomers} - {c.worker for _, c in opened}:
            newcomers.append(await open_client(ships.uri, "late", talks=False))
    facts = {
        "connections": connections,
        "workers": len({client.worker for _, client in opened}),
        "cut": len(theirs),
        "untouched": sum(not client.ending.done() for _, client in others),
        "codes": codes_of(theirs),
    }
    assert facts["codes"] == {CloseCode.ABNORMAL_CLOSURE: len(theirs)}, facts
    assert facts["untouched"] == connections - len(theirs), facts
    await asyncio.gather(*(ws.close() for ws, _ in (*others, *newcomers)))
    return facts


async def answered(ws: Connection, client: Client) -> None:
    """Send a message, and wait until it was acknowledged."""
    client.talk(ws)
    while not client.acknowledged:
        await asyncio.sleep(0)


def main() -> None:
    """Kill, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    report(proof="kill", **kill(parser.parse_args().connections, WORKERS))


if __name__ == "__main__":
    main()
