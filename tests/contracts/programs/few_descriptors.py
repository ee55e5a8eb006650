"""Accepts with hardly any file descriptors; prints how far it came."""

import asyncio
import logging
import os
import resource
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.contracts.engines import make_engine
from tests.engines.ear import Harbour
from trunkline.engines.engine import Address
from trunkline.limits import LISTEN_BACKLOG

SPARE = 20
"""Descriptors that are left when accepting begins."""
ATTEMPTS = LISTEN_BACKLOG
"""Failures to accept that are no spin: asyncio asks so often before it pauses for a second."""


class Failures(logging.Handler):
    """Counts the failures to accept: every engine reports them to some log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0
        self.happened = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a message."""
        self.count += 1
        self.happened.set()


def limit_descriptors() -> None:
    """Allow this process few more than it has."""
    used = max(int(name) for name in os.listdir("/proc/self/fd"))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + SPARE, hard))


def take_all(harbour: Harbour) -> list[socket.socket]:
    """Connect until there is no descriptor left; the last ones wait to be accepted."""
    taken: list[socket.socket] = []
    try:
        while True:
            taken.append(socket.create_connection((harbour.address.host, harbour.address.port)))
    except OSError:
        return taken


async def main(engine_name: str) -> None:
    """Run out of descriptors, and come back."""
    failures = Failures()
    logging.getLogger().addHandler(failures)
    harbour = Harbour(make_engine(engine_name))
    await harbour.open(Address(host="127.0.0.1", port=0))
    client, server = await harbour.pair()
    limit_descriptors()
    begun = time.monotonic()
    taken = take_all(harbour)
    await failures.happened.wait()
    print("exhausted")
    for number in range(1, 101):
        client.stream.write(b"x")
        await server.ear.until_data(b"x" * number)
    print("alive")
    pauses = 1 + int(time.monotonic() - begun)
    assert failures.count <= pauses * ATTEMPTS, (failures.count, pauses)
    print("calm")
    for sock in taken:
        sock.close()
    another, _ = await harbour.pair()
    while not harbour.is_idle():
        (await harbour.accepted()).stream.abort()
    print("accepted")
    for end in (client, server, another):
        end.stream.abort()
    harbour.listener.close()
    await asyncio.sleep(0)


asyncio.run(main(sys.argv[1]))
