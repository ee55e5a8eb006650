"""Serves with hardly any file descriptors; prints how far it came."""

import asyncio
import logging
import os
import resource
import socket

from trunkline import ServerConnection, connect, serve

SPARE = 20
"""Descriptors that are left when serving begins."""
HOST = "127.0.0.1"
COMPLAINTS = ("out of system resource", "cannot accept a connection")
"""What asyncio says, and what the native engine says."""


async def echo(ws: ServerConnection) -> None:
    """Send everything back."""
    async for message in ws:
        await ws.send(message)


class Exhaustion(logging.Handler):
    """Tells when accepting failed: every engine reports that to some log."""

    def __init__(self) -> None:
        super().__init__()
        self.happened = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a message."""
        if any(words in record.getMessage() for words in COMPLAINTS):
            self.happened.set()


def limit_descriptors() -> None:
    """Allow this process few more than it has."""
    used = max(int(name) for name in os.listdir("/proc/self/fd"))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + SPARE, hard))


def take_all(port: int) -> list[socket.socket]:
    """Connect until there is no descriptor left; the last ones wait to be accepted."""
    taken: list[socket.socket] = []
    try:
        while True:
            taken.append(socket.create_connection((HOST, port)))
    except OSError:
        return taken


async def main() -> None:
    """Run out of descriptors, and come back."""
    exhaustion = Exhaustion()
    logging.getLogger().addHandler(exhaustion)
    async with serve(echo, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        uri = f"ws://{HOST}:{port}"
        ws = await connect(uri, proxy=None)
        limit_descriptors()
        taken = take_all(port)
        await exhaustion.happened.wait()
        print("exhausted")
        await ws.send("still there?")
        assert await ws.recv() == "still there?"
        print("alive")
        for sock in taken:
            sock.close()
        async with connect(uri, proxy=None) as another:
            await another.send("back again")
            assert await another.recv() == "back again"
            print("accepted")
        await ws.close()


asyncio.run(main())
