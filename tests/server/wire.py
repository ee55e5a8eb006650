"""Speak to a server in raw bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trunkline import Headers, Limits, Response, Server
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.http1 import parse_response
from trunkline.protocol.role import Role

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANG_SECONDS = 20.0


def port_of(server: Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def uri_of(server: Server, path: str = "/", scheme: str = "ws") -> str:
    return f"{scheme}://localhost:{port_of(server)}{path}"


def request(path: str = "/", **changes: str | None) -> bytes:
    """Make an opening request; `None` leaves a header out, an underscore stands for a hyphen."""
    headers = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}  # type: ignore[misc]
    lines = Headers({name: value for name, value in headers.items() if value is not None})
    return f"GET {path} HTTP/1.1\r\n".encode() + lines.serialize() + b"\r\n"


def client_endpoint() -> Endpoint:
    return Endpoint(Role.CLIENT, Limits(), [], lambda: b"mask")


@asynccontextmanager
async def visit(
    server: Server, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a server with a bare stream."""
    name = None if context is None else "localhost"
    async with asyncio.timeout(HANG_SECONDS):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port_of(server), ssl=context, server_hostname=name
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def read_answer(reader: asyncio.StreamReader) -> Response:
    """Read a response; its body ends where the stream ends, or there is none."""
    head = await reader.readuntil(b"\r\n\r\n")
    response = parse_response(head.removesuffix(b"\r\n\r\n"), Limits())
    if response.status_code != 101:
        response.body = await reader.read()
    return response


async def ask(server: Server, data: bytes, context: ssl.SSLContext | None = None) -> Response:
    """Send bytes, and read the answer to them."""
    async with visit(server, context) as (reader, writer):
        writer.write(data)
        return await read_answer(reader)
