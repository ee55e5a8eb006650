"""Imports the package from the wheel that is its argument, echoes, and prints what it found."""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])

import trunkline
from trunkline import native


async def echo(ws: trunkline.ServerConnection) -> None:
    """Send everything back."""
    async for message in ws:
        await ws.send(message)


async def ask(text: str) -> str | bytes:
    """Send a text through a server and a client of our own."""
    async with trunkline.serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with trunkline.connect(f"ws://127.0.0.1:{port}", proxy=None) as ws:
            await ws.send(text)
            return await ws.recv()


found = {
    "from": trunkline.__file__,
    "echo": asyncio.run(ask("hello")),
    "available": native.AVAILABLE,
    "why_not": native.WHY_NOT,
    "modules": sorted(native.MODULES),
}
print(json.dumps(found))
