"""Applications that are watched, and who comes to them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.server.wire import HANG_SECONDS, ask, port_of
from trunkline import Headers, Response, ServerConnection
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.app.observer import Observer
from trunkline.app.step import Step
from trunkline.errors import Closer, ConnectionClosedError, ConnectionClosedOK
from trunkline.limits import Drain
from trunkline.protocol.http1 import Request

AT_ONCE = Drain(window=0.0, come_back_within=0.0, patience=HANG_SECONDS)
"""A drain that nobody waits for."""


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def new_app(**options: Any) -> App:
    """Make an application that echoes in rooms."""
    app = App(**{"drain": AT_ONCE} | options)
    app.websocket("/rooms/{room}")(echo)
    return app


def serving(app: App) -> AppServer:
    return app.serve("127.0.0.1", 0)


def address(server: Any, path: str, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{port_of(server)}{path}"


async def get(server: Any, path: str, **headers: str) -> Response:
    """Ask over HTTP; an underscore stands for a hyphen."""
    fields = {"Host": "localhost"} | {k.replace("_", "-"): v for k, v in headers.items()}
    head = f"GET {path} HTTP/1.1\r\n".encode() + Headers(fields).serialize()
    return await ask(server, head + b"\r\n")


class Ends(Observer):
    """Waits until a WebSocket has ended."""

    def __init__(self, app: App) -> None:
        self._count = 0
        self._changed = asyncio.Event()
        app.observe(self)

    def closed(self, visit: Any, connection: Any) -> None:
        self._count += 1
        self._changed.set()

    async def come(self, count: int = 1) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while self._count < count:
                self._changed.clear()
                await self._changed.wait()


# In place of what an application has


def visit(**changes: Any) -> Any:
    """Make a visit as observers see it."""
    facts: dict[str, Any] = {
        "address": "192.0.2.7",
        "peer": "127.0.0.1",
        "identity": None,
        "route": "/rooms/{room}",
        "step": Step.ROUTE,
        "request": Request("/rooms/7?token=secret", Headers({"Host": "localhost"})),
        "connection": None,
        "is_secure": False,
        "seconds": lambda: 1.5,
    }
    return Visit(**facts | changes)


class Visit(SimpleNamespace):
    """What observers see of a visit."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def ended(code: int, reason: str = "", cause: Exception | None = None) -> Any:
    """Make a connection that has ended."""
    kind = ConnectionClosedOK if code == 1000 else ConnectionClosedError
    error = kind(code, reason, Closer.PEER, 0.25)
    error.__cause__ = cause
    request = Request("/rooms/7?token=secret", Headers({"Host": "localhost"}))
    return SimpleNamespace(closed=lambda: error, close_code=code, request=request)
