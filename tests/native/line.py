"""A native stream whose peer is a plain socket that a test reads and writes."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from dataclasses import dataclass
from typing import Any

from tests.engines.ear import WRITE_LIMIT, Ear
from trunkline import native
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.lane import connection_type
from trunkline.connection.setting import Setting
from trunkline.limits import Limits
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role

if native.AVAILABLE:
    from trunkline.engines.native_engine import NativeEngine
    from trunkline.native.stream import Stream

SMALL_BUFFER = 4096
"""Bytes: little enough that a peer that reads nothing is felt at once."""


@dataclass
class Line:
    """A stream, and the socket of its peer."""

    stream: Any
    peer: socket.socket
    ear: Any

    def reset(self) -> None:
        """Let the peer break the connection."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def peer_takes(self) -> bytes:
        """Let the peer read what is there."""
        try:
            return self.peer.recv(1 << 20)
        except BlockingIOError:
            return b""

    async def peer_reads(self, size: int) -> bytes:
        """Let the peer read so many bytes, or up to the end."""
        data = bytearray()
        loop = asyncio.get_running_loop()
        while len(data) < size and (piece := await loop.sock_recv(self.peer, size - len(data))):
            data += piece
        return bytes(data)

    async def end(self) -> None:
        """Abort, and wait until that was told."""
        self.peer.close()
        self.stream.abort()
        await self.ear.until_lost()


def unix_pair() -> tuple[socket.socket, socket.socket]:
    """Connect two Unix sockets."""
    mine, peer = socket.socketpair()
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
    return mine, peer


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Connect two sockets on loopback, which know resets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        mine, _ = listener.accept()
    return mine, peer


def make_line(
    poller: Any, *, tcp: bool = False, write_limit: int = WRITE_LIMIT, ear: Any = None
) -> Line:
    """Make an open stream."""
    mine, peer = tcp_pair() if tcp else unix_pair()
    mine.setblocking(False)
    peer.setblocking(False)
    ear = ear or Ear()
    stream = Stream(poller, mine.detach(), ear, write_limit)
    stream.open()
    return Line(stream, peer, ear)


@dataclass
class Talk:
    """A connection with a fast lane, and the socket of its peer."""

    ws: Any
    line: Line

    def say(self, *frames: bytes) -> None:
        """Let frames arrive, together."""
        self.line.peer.sendall(b"".join(frames))

    async def end(self) -> None:
        self.line.peer.close()
        self.ws.abort()
        await self.ws.wait_closed()


def text(data: str) -> bytes:
    """Make a short frame as a server sends it."""
    payload = data.encode()
    assert len(payload) < 126
    return bytes([0x81, len(payload)]) + payload


def binary(payload: bytes) -> bytes:
    """Make a frame as a server sends it."""
    return b"\x82\x7f" + struct.pack("!Q", len(payload)) + payload


def talk(
    engine: Any, role: Role = Role.CLIENT, events: Events | None = None, **limits: Any
) -> Talk:
    """Open a connection, by default as a client: its peer need not mask."""
    chosen = Limits(**({"ping_interval": None, "close_timeout": 1.0} | limits))
    line = make_line(engine.poller, write_limit=chosen.write_limit)
    kind = connection_type(Connection, line.stream)
    setting = Setting(engine, role, chosen, logging.getLogger("trunkline.test"))
    ws = kind(setting, line.stream)
    ws.open(Agreement(), events, b"")
    return Talk(ws, line)


def new_engine() -> Any:
    """Make an engine for the running loop."""
    return NativeEngine(asyncio.get_running_loop())
