"""The endpoints under test: they send back what they receive, in each of the two ways."""

from __future__ import annotations

import ssl
from contextlib import suppress
from enum import Enum

from trunkline import (
    Connection,
    ConnectionClosed,
    Deflate,
    Events,
    Limits,
    Server,
    connect,
    serve,
)
from trunkline.limits import MIB

HOST = "127.0.0.1"

LIMITS = Limits(
    max_size=64 * MIB,  # 9.1.6 and 9.2.6 send 16 MiB
    max_fragments=1_000_000,  # 9.3.1 and 9.4.1 send 65,536
    min_compress=0,
    ping_interval=None,  # the suite counts pings as events
)

KEEPING_CONTEXT = Deflate(
    server_no_context_takeover=False,
    client_no_context_takeover=False,
    server_max_window_bits=15,
    client_max_window_bits=15,
)
FORGETTING_CONTEXT = Deflate(
    server_no_context_takeover=False,
    client_no_context_takeover=True,
    server_max_window_bits=15,
    client_max_window_bits=15,
)


class Style(Enum):
    """How an endpoint is written."""

    COROUTINE = "async for"
    EVENTS = "Events"


async def echo(ws: Connection) -> None:
    """Send back every message of `ws`."""
    async for message in ws:
        await ws.send(message)


class Echo(Events):
    """Sends back every message."""

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        ws.send_soon(data)


def echo_server(style: Style, tls: ssl.SSLContext | None) -> Server:
    """Make the server under test, at a free port."""
    handler = echo if style is Style.COROUTINE else Echo
    return serve(handler, HOST, 0, ssl=tls, limits=LIMITS, compression=KEEPING_CONTEXT)


async def echo_client(
    uri: str, style: Style, tls: ssl.SSLContext | None, compression: Deflate
) -> None:
    """Be the client under test for one connection, until that is over."""
    events = Echo if style is Style.EVENTS else None
    ws = await connect(uri, events=events, ssl=tls, limits=LIMITS, compression=compression)
    if style is Style.COROUTINE:
        with suppress(ConnectionClosed):
            await echo(ws)
    await ws.wait_closed()
