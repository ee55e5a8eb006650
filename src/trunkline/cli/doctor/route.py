"""The way to the server: straight to one of its addresses, or through a proxy."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from trunkline.client.opening import default_context
from trunkline.client.proxy import Proxy, open_socks, open_tunnel
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Address, Receiver, Stream
from trunkline.engines.happy_eyeballs import Place, connect
from trunkline.limits import Limits
from trunkline.protocol.uri import WebSocketURI


class Route(Protocol):
    """Leads to the server, as often as it is asked to."""

    async def open(self, receiver: Receiver) -> Stream:
        """Open a stream without TLS; raise `OSError` or `InvalidHandshake` where that fails."""


class DirectRoute:
    """Straight to an address.

    Args:
        place: the address.
        sock: connected to it already, for the first stream: a server may take one client only.
        write_limit: of the streams, in bytes.
    """

    def __init__(self, place: Place, sock: socket.socket, write_limit: int) -> None:
        self._place = place
        self._sock: socket.socket | None = sock
        self._write_limit = write_limit

    async def open(self, receiver: Receiver) -> Stream:
        """Open a stream."""
        sock, self._sock = self._sock, None
        if sock is None:
            sock = await connect(asyncio.get_running_loop(), self._place, ())
        return await open_on(sock, receiver, self._write_limit)

    def close(self) -> None:
        """Give the way up."""
        if self._sock is not None:
            self._sock.close()


class ProxyRoute:
    """Through a proxy.

    Args:
        proxy: of any kind.
        uri: says where the tunnel leads.
        limits: of the proxy's answer.
        user_agent: value of User-Agent.
    """

    def __init__(self, proxy: Proxy, uri: WebSocketURI, limits: Limits, user_agent: str) -> None:
        self._proxy = proxy
        self._uri = uri
        self._limits = limits
        self._user_agent = user_agent

    async def open(self, receiver: Receiver) -> Stream:
        """Open a tunnel."""
        if self._proxy.is_socks:
            sock = await open_socks(self._proxy, self._uri)
            return await open_on(sock, receiver, self._limits.write_limit)
        stream = await open_tunnel(
            current_engine(),
            self._proxy,
            self._uri,
            context=default_context() if self._proxy.scheme == "https" else None,
            limits=self._limits,
            user_agent=self._user_agent,
        )
        stream.receiver = receiver
        return stream


async def open_on(sock: socket.socket, receiver: Receiver, write_limit: int) -> Stream:
    """Open a stream on a connected socket."""
    address = Address(sock=sock)
    return await current_engine().connect(address, receiver, tls=None, write_limit=write_limit)
