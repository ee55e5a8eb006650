"""Lets the k-th allocation of the engine's life fail, for one k after the other, each in a child.

Preload scarce_memory.c. With memory back, everything there is has to come to its end, and a new
connection has to work. Prints a line for each k for which this is not so, and at last how many
children there were and how many of them have seen an allocation fail.

Arguments: the number of the first k, the distance to the next, how many, and how many allocations
fail in a row.
"""

import asyncio
import ctypes
import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import trunkline
from trunkline.server.serve import Server

HANG = 20
"""Seconds until a child is taken to hang."""

STALL = 8
"""Seconds until what a failure has stopped is cut."""

UNHARMED, HARMED, STALLED, DEAF = 0, 3, 4, 5
SMALL_BUFFER = 4096
FLOOD = 8
UNBOUNDED = trunkline.Limits(max_unsent=None)
LARGE = "Grüße, " * 40_000
RANDOM = os.urandom(300_000)

memory = ctypes.CDLL(None)
calls_left = ctypes.c_long.in_dll(memory, "scarce_after")
calls_refused = ctypes.c_long.in_dll(memory, "scarce_for")
has_failed = ctypes.c_long.in_dll(memory, "scarce_failed")


def flood(ws: trunkline.Connection, message: str | bytes) -> None:
    """Send more than there is room for, where the message asks for it."""
    if message == "flood":
        for _ in range(FLOOD):
            ws.send_soon(RANDOM[:50_000], compress=False)


class Mirror(trunkline.Events):
    """Answers from on_message."""

    def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
        """Send it back."""
        flood(ws, data)
        ws.send_soon(data)


async def echo(ws: trunkline.Connection) -> None:
    """Send back what comes, on a socket with little room."""
    sock = ws.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
    async for message in ws:
        flood(ws, message)
        await ws.send(message)


async def pieces() -> AsyncIterator[str]:
    """Give a message in fragments."""
    for piece in ("Grüße", " ", LARGE[:20_000]):
        yield piece


async def converse(server: Server, **options: object) -> None:
    """Say everything there is to say."""
    port = server.sockets[0].getsockname()[1]
    async with trunkline.connect(f"ws://127.0.0.1:{port}", **options) as ws:
        for message in ("Hello", b"x" * 300, LARGE, RANDOM):
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(pieces())
        await ws.recv()
        await (await ws.ping())
        await ws.send("flood")
        for _ in range(FLOOD + 1):
            await ws.recv()


async def converse_at_once(servers: list[Server]) -> None:
    """Two at a time: events, and a task; with compression, and without."""
    await asyncio.gather(
        converse(servers[0], max_queue=2),
        converse(servers[1], compression=None),
        return_exceptions=True,
    )


async def starve(k: int, width: int) -> int:
    """Go through it with the k-th allocation failing; say what has become of it."""
    servers = [
        await trunkline.serve(echo, "127.0.0.1", 0, limits=UNBOUNDED),
        await trunkline.serve(Mirror, "127.0.0.1", 0, limits=UNBOUNDED),
    ]
    talk = asyncio.ensure_future(converse_at_once(servers))
    calls_refused.value = width
    calls_left.value = k
    done, _ = await asyncio.wait([talk], timeout=STALL)
    calls_left.value = -1
    if not done:
        talk.cancel()
        stalled = True
    else:
        stalled = False
    failed = has_failed.value
    for server in servers:
        for connection in server.connections:
            connection.abort()
    for server in servers:
        if not server.is_serving():
            return DEAF
        await converse(server)
        server.close()
        await server.wait_closed()
    if stalled:
        return STALLED
    return HARMED if failed else UNHARMED


def live(k: int, width: int) -> int:
    """Be the child."""
    faulthandler.dump_traceback_later(HANG, exit=True)
    logging.disable()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    task = loop.create_task(starve(k, width))
    while not task.done():
        with suppress(MemoryError):
            loop.run_until_complete(task)
    loop.close()
    gc.collect()
    return task.result()


def outcome_of(k: int, width: int) -> int:
    """Give the exit code of a child, or the signal that killed it, negative."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(live(k, width))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main(first: int, step: int, count: int, width: int) -> None:
    """Go through the k."""
    tried = harmed = 0
    for k in range(first, first + step * count, step):
        outcome = outcome_of(k, width)
        tried += 1
        harmed += outcome != UNHARMED
        if outcome not in (UNHARMED, HARMED):
            name = signal.Signals(-outcome).name if outcome < 0 else outcome
            print(f"allocation {k}: {name}", flush=True)
    print(tried, harmed)


faulthandler.enable()
main(*map(int, sys.argv[1:]))
