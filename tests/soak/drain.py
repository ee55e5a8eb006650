"""SIGTERM under load: everybody is asked to leave within the window, and nothing is lost.

`python tests/soak/drain.py` holds 15,000 connections, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.fleet import HANG_SECONDS, Fleet, codes_of, fleet, open_clients, report
from trunkline import CloseCode
from trunkline.protocol.retry_hint import parse_hint

CONNECTIONS = 15_000
TALKERS = 300
WORKERS = 2
WINDOW = 5.0
COME_BACK_WITHIN = 10.0
SLACK = 3.0
"""Seconds beyond the window, for a machine with other things to do."""


def drain(connections: int, talkers: int, window: float) -> dict[str, Any]:
    """Hold connections, end the supervisor, and give what became of them.

    Raises:
        AssertionError: somebody was not asked, or cut, or an acknowledged message is lost.
    """
    with fleet(WORKERS, window, COME_BACK_WITHIN) as ships:
        facts = asyncio.run(terminate(ships, connections, talkers))
        facts["exit_code"] = ships.process.wait(HANG_SECONDS)
        facts["lost"] = len(facts.pop("acknowledged") - ships.written())
    assert facts["codes"] == {CloseCode.SERVICE_RESTART: connections}, facts
    assert facts["hints"] == connections, facts
    assert facts["lost"] == facts["exit_code"] == 0, facts
    return facts


async def terminate(ships: Fleet, connections: int, talkers: int) -> dict[str, Any]:
    """Send SIGTERM, and see everybody leave."""
    clients = [client for _, client in await open_clients(ships.uri, connections, talkers)]
    ships.process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    endings = await asyncio.wait_for(
        asyncio.gather(*(client.ending for client in clients)), HANG_SECONDS
    )
    return {
        "connections": connections,
        "workers": len({client.worker for client in clients}),
        "seconds": round(time.monotonic() - begun, 2),
        "codes": codes_of(clients),
        "hints": sum(parse_hint(reason) is not None for _, reason in endings),
        "acknowledged": set().union(*(client.acknowledged for client in clients)),
        "messages": sum(len(client.acknowledged) for client in clients),
    }


def main() -> None:
    """Drain, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--window", type=float, default=WINDOW)
    arguments = parser.parse_args()
    facts = drain(arguments.connections, TALKERS, arguments.window)
    assert facts["seconds"] <= arguments.window + SLACK, facts
    report(proof="drain", window=arguments.window, **facts)


if __name__ == "__main__":
    main()
