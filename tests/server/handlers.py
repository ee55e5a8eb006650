"""Handlers for servers under test."""

from __future__ import annotations

from typing import Any

from trunkline import ServerConnection, serve


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


class Recorder:
    """A handler that must not be reached."""

    def __init__(self) -> None:
        self.was_reached = False

    async def __call__(self, ws: ServerConnection) -> None:
        self.was_reached = True


def server_for(handler: Any = echo, **options: Any) -> Any:
    return serve(handler, "127.0.0.1", 0, **options)
