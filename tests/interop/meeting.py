"""Our end and the peer's end of one connection, whichever of them is the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trunkline
from tests.interop.peers import Conversation, Peer, Settings
from tests.interop.tap import Tap
from trunkline.protocol.role import Role

HOST = "127.0.0.1"
HANG_GUARD = 30
"""Seconds after which a test that waits for what never comes is ended."""


def our(role: Role) -> Role:
    """Give the role that is left for us when the peer plays `role`."""
    return Role.SERVER if role is Role.CLIENT else Role.CLIENT


@dataclass(frozen=True)
class Meeting:
    """Both ends of one connection."""

    ours: trunkline.Connection
    theirs: Conversation


@asynccontextmanager
async def meet(
    peer: Peer,
    role: Role,
    theirs: Settings | None = None,
    *,
    tap: Tap | None = None,
    **ours: Any,
) -> AsyncIterator[Meeting]:
    """Connect us and `peer`.

    Args:
        peer: the other implementation.
        role: that of the peer.
        theirs: how the peer is set up.
        tap: to go through.
        ours: options of our `connect()` or `serve()`.
    """
    settings = theirs or Settings()
    side = meet_server if role is Role.SERVER else meet_client
    async with asyncio.timeout(HANG_GUARD), side(peer, settings, tap, ours) as meeting:
        yield meeting


@asynccontextmanager
async def meet_server(
    peer: Peer, settings: Settings, tap: Tap | None, options: dict[str, Any]
) -> AsyncIterator[Meeting]:
    """Connect to the peer."""
    certificate = settings.certificate
    if certificate is not None:
        options["ssl"] = certificate.client_context
    async with peer.serve(settings) as place:
        uri = address(place.port, tap, is_secure=certificate is not None)
        async with trunkline.connect(uri, proxy=None, **options) as ours:
            yield Meeting(ours, await place.accept())


@asynccontextmanager
async def meet_client(
    peer: Peer, settings: Settings, tap: Tap | None, options: dict[str, Any]
) -> AsyncIterator[Meeting]:
    """Let the peer connect to us."""
    accepted: asyncio.Queue[trunkline.Connection] = asyncio.Queue()

    async def hold(ws: trunkline.Connection) -> None:
        accepted.put_nowait(ws)
        await ws.wait_closed()

    certificate = settings.certificate
    if certificate is not None:
        options["ssl"] = certificate.server_context
    async with trunkline.serve(hold, HOST, 0, **options) as server:
        uri = address(port_of(server), tap, is_secure=certificate is not None)
        async with peer.connect(uri, settings) as theirs:
            yield Meeting(await accepted.get(), theirs)


def port_of(server: trunkline.Server) -> int:
    """Give the port that our server listens at."""
    port: int = server.sockets[0].getsockname()[1]
    return port


def address(port: int, tap: Tap | None, *, is_secure: bool = False) -> str:
    """Give the address of a server, or of the tap before it."""
    if tap is not None:
        tap.target, port = port, tap.port
    return f"{'wss' if is_secure else 'ws'}://{HOST}:{port}/"
