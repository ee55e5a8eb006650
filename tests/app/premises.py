"""Applications under test, who watches them, and who comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.server.wire import HANG_SECONDS, KEY, client_endpoint, read_answer
from trunkline import Headers, RequestRefused, Response
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.app.connection import AppConnection
from trunkline.app.observation.observer import Observer
from trunkline.app.visit import Visit
from trunkline.limits import Drain
from trunkline.protocol.events import Binary, Text

AT_ONCE = Drain(window=0.0, come_back_within=0.0, patience=HANG_SECONDS)
"""A drain that nobody waits for."""

SHORT_SECONDS = 0.05
"""A deadline that is meant to pass."""


class Order(msgspec.Struct):
    """A message of a certain type."""

    item: str


def new_app(**options: Any) -> App:
    return App(**{"drain": AT_ONCE} | options)


def echoing(**options: Any) -> App:
    """Make an application that echoes at `/echo`."""
    app = new_app(**options)
    app.websocket("/echo")(echo)
    return app


async def echo(ws: AppConnection) -> None:
    async for message in ws:
        await ws.send(message)


def serving(app: App) -> AppServer:
    return app.serve("127.0.0.1", 0)


class Witness(Observer):
    """Takes note of everything that an application does."""

    def __init__(self, app: App) -> None:
        self.seen: list[str] = []
        self.refusals: list[tuple[Step, int, str]] = []
        self.visits: list[Visit] = []
        self._changed = asyncio.Event()
        app.observe(self)

    def _note(self, what: str) -> None:
        self.seen.append(what)
        self._changed.set()

    def arrived(self, visit: Visit) -> None:
        self.visits.append(visit)
        self._note("arrived")

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        self.refusals.append((visit.step, refused.status, refused.reason))
        self._note("refused")

    def answered(self, visit: Visit, response: Response) -> None:
        self._note("answered")

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        self._note("opened")

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        self._note("closed")

    def left(self, visit: Visit) -> None:
        self._note("left")

    async def sees(self, what: str, count: int = 1) -> None:
        """Wait until something has happened so often."""
        async with asyncio.timeout(HANG_SECONDS):
            while self.seen.count(what) < count:
                self._changed.clear()
                await self._changed.wait()


def uri_of(server: AppServer, path: str = "/", scheme: str = "ws") -> str:
    return f"{scheme}://localhost:{port_of(server)}{path}"


def port_of(server: AppServer) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def get(path: str, method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
    """Make a request over HTTP; an underscore stands for a hyphen."""
    fields = {"Host": "localhost"} | {k.replace("_", "-"): v for k, v in headers.items()}
    if body:
        fields["Content-Length"] = str(len(body))
    head = f"{method} {path} HTTP/1.1\r\n".encode() + Headers(fields).serialize()
    return head + b"\r\n" + body


def opening(path: str, *lines: tuple[str, str], host: str = "localhost") -> bytes:
    """Make an opening request with further header lines, which may be repeated."""
    fields = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
        *lines,
    ]
    return f"GET {path} HTTP/1.1\r\n".encode() + Headers(fields).serialize() + b"\r\n"


def texts(*messages: str) -> bytes:
    """Give the frames of messages from a client."""
    endpoint = client_endpoint()
    return b"".join(endpoint.send_text(message) for message in messages)


@asynccontextmanager
async def caller(
    server: AppServer, data: bytes = b"", *, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect from an address of this machine, and send bytes."""
    async with asyncio.timeout(HANG_SECONDS):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port_of(server), local_addr=(source, 0)
        )
        try:
            writer.write(data)
            yield reader, writer
        finally:
            writer.transport.abort()


async def ask_from(server: AppServer, data: bytes, source: str = "127.0.0.1") -> Response:
    """Send bytes from an address of this machine, and read the answer to them."""
    async with caller(server, data, source=source) as (reader, _):
        return await read_answer(reader)


async def status_of(app: App, data: bytes) -> int:
    """Serve for as long as it takes to answer, and give the status of the answer."""
    async with serving(app) as server:
        return (await ask_from(server, data)).status_code


async def read_texts(reader: asyncio.StreamReader, count: int) -> list[str]:
    """Read so many messages behind an upgrade."""
    endpoint, found = client_endpoint(), list[str]()
    while len(found) < count:
        data = await reader.read(65_536)
        assert data, f"the stream ended after {found}"
        for event in endpoint.receive_bytes(data):
            if isinstance(event, Text | Binary):
                found.append(str(event.data))
    return found
