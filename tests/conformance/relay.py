"""A relay that lays TLS on, or takes it off: kosoku itself speaks ws:// only."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

HOST = "127.0.0.1"
CHUNK_BYTES = 256 * 1024


@asynccontextmanager
async def relay_to(
    port: int, *, accept: ssl.SSLContext | None = None, dial: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Relay every connection to `port`, and give the port to connect to instead.

    Args:
        port: where the other side listens.
        accept: TLS context for the connections that come in.
        dial: TLS context for those that go out.
    """
    open_relays: set[asyncio.Task[None]] = set()

    def accepted(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(relay(reader, writer, port, dial))
        open_relays.add(task)
        task.add_done_callback(open_relays.discard)
        # A task that is cancelled before its first step closes nothing itself.
        task.add_done_callback(lambda _: writer.transport.abort())

    server = await asyncio.start_server(accepted, HOST, 0, ssl=accept)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in open_relays:
            task.cancel()
        await asyncio.gather(*open_relays, return_exceptions=True)


async def relay(
    reader: StreamReader, writer: StreamWriter, port: int, tls: ssl.SSLContext | None
) -> None:
    """Join a stream with one to `port`, until both sides have ended."""
    try:
        far_reader, far_writer = await asyncio.open_connection(HOST, port, ssl=tls)
    except OSError:
        writer.transport.abort()
        return
    try:
        async with asyncio.TaskGroup() as directions:
            directions.create_task(carry(reader, far_writer))
            directions.create_task(carry(far_reader, writer))
    except* OSError:
        # Who cuts the line on one side cuts it on the other.
        writer.transport.abort()
        far_writer.transport.abort()
    finally:
        await asyncio.gather(let_go(writer), let_go(far_writer))


async def carry(reader: StreamReader, writer: StreamWriter) -> None:
    """Carry bytes one way, and the end behind them."""
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


async def let_go(writer: StreamWriter) -> None:
    """Close a stream, in whatever state it is."""
    # A second close() parts asyncio's TLS transport from its connection
    if not writer.is_closing():
        writer.close()
    with suppress(OSError):
        await writer.wait_closed()
