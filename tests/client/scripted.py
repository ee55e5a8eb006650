"""Servers that do as they are told, right or wrong."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from trunkline.protocol.handshake import accept_key

HANG_SECONDS = 20.0

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REFUSAL = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\ngone\n"


@asynccontextmanager
async def scripted(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run `script` for every client; give the port."""
    running: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if server.is_serving():
                await script(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        async with asyncio.timeout(HANG_SECONDS):
            yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running - {None}:
            assert task is not None
            task.cancel()


async def read_head(reader: asyncio.StreamReader) -> dict[str, str]:
    """Read a request; give its headers, and its first line under an empty name."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").removesuffix("\r\n\r\n")
    first_line, *lines = head.split("\r\n")
    return {"": first_line} | dict(line.split(": ", 1) for line in lines)


def switching(headers: dict[str, str], **changes: str | None) -> bytes:
    """Make the right answer to a request, changed; `None` leaves a header out."""
    answer = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_key(headers["Sec-WebSocket-Key"]),
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in answer.items() if value is not None)
    return f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode()


def answering(
    *answers: bytes, seen: list[dict[str, str]] | None = None, stay: bool = False
) -> Script:
    """Make a script that reads a request and sends each answer, then ends, or stays."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = await read_head(reader)
        if seen is not None:
            seen.append(headers)
        for answer in answers:
            writer.write(answer)
            await writer.drain()
        if stay:
            await reader.read()
        else:
            writer.close()
            await writer.wait_closed()

    return script


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the client in and say nothing."""
    await reader.read()
    await asyncio.Event().wait()
