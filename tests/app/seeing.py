"""Applications that are watched, and who comes to them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.app import premises
from tests.server.wire import HANG_SECONDS
from trunkline import Headers, Response
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.app.observation.observer import Observer
from trunkline.errors import Closer, ConnectionClosedError, ConnectionClosedOK
from trunkline.protocol.http1 import Request


def new_app(**options: Any) -> App:
    """Make an application that echoes in rooms."""
    app = premises.new_app(**options)
    app.websocket("/rooms/{room}")(premises.echo)
    return app


async def get(server: AppServer, path: str, **headers: str) -> Response:
    """Ask over HTTP; an underscore stands for a hyphen."""
    return await premises.ask_from(server, premises.get(path, **headers))


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
