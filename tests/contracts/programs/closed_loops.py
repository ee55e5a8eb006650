"""Closes loops under open connections; prints how far it came."""

import asyncio
import gc
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.contracts.engines import make_engine
from tests.engines.ear import Harbour
from trunkline.engines.engine import Address

LOOPS = 20


async def leave_open(name: str) -> Harbour:
    """Connect, and end without closing anything."""
    harbour = Harbour(make_engine(name))
    await harbour.open(Address(host="127.0.0.1", port=0))
    for _ in range(3):
        client, server = await harbour.pair()
        client.stream.write(b"hello")
        await server.ear.until_data(b"hello")
        client.stream.gather()
        client.stream.write(b"never")
    return harbour


def descriptors() -> int:
    """Count what is open."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def main(name: str) -> None:
    """Use loop after loop."""
    before = descriptors()
    for _ in range(LOOPS):
        asyncio.run(leave_open(name)).engine.close()
    print("closed")
    assert descriptors() == before, (descriptors(), before)
    print("clean")


main(sys.argv[1])
