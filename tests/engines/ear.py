"""Receivers that remember, and streams between them on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import trustme

from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Address, Engine, Listener, Stream, Tls

HANG = 120.0
"""Seconds after which a test is given up: never reached unless something hangs."""
WRITE_LIMIT = 64 * 1024
KINDS = ["tcp", "tcp+tls", "unix", "unix+tls"]


class Ear:
    """Takes what happens on a stream, and lets a test wait for it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.reads = 0
        self.has_ended = False
        self.resumed = 0
        self.losses: list[Exception | None] = []
        self.when_received: Callable[[bytes], None] | None = None
        self._changed = asyncio.Event()

    def bytes_received(self, data: bytes) -> None:
        assert data and not self.has_ended and not self.losses
        self.data += data
        self.reads += 1
        if self.when_received is not None:
            self.when_received(data)
        self._changed.set()

    def end_received(self) -> None:
        assert not self.has_ended and not self.losses
        self.has_ended = True
        self._changed.set()

    def writing_resumed(self) -> None:
        assert not self.losses
        self.resumed += 1
        self._changed.set()

    def stream_lost(self, error: Exception | None) -> None:
        assert self.losses == []
        self.losses.append(error)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something has happened that makes `condition` true."""
        async with asyncio.timeout(HANG):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_data(self, data: bytes) -> None:
        await self.until(lambda: len(self.data) >= len(data))
        assert bytes(self.data) == data

    async def until_end(self) -> None:
        await self.until(lambda: self.has_ended)

    async def until_lost(self) -> Exception | None:
        await self.until(lambda: bool(self.losses))
        return self.losses[0]


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@cache
def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


def server_tls() -> Tls:
    return Tls(context=server_context(), handshake_timeout=HANG)


def client_tls() -> Tls:
    return Tls(context=client_context(), server_hostname="localhost", handshake_timeout=HANG)


@dataclass
class End:
    """One end of a connection of bytes."""

    stream: Stream
    ear: Ear


class Harbour:
    """A listener whose streams a test asks for one by one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.listener: Listener
        self.address: Address
        self.is_secure = False
        self._arrivals: asyncio.Queue[End] = asyncio.Queue()

    def accept(self, stream: Stream) -> Ear:
        ear = Ear()
        self._arrivals.put_nowait(End(stream, ear))
        return ear

    async def open(self, address: Address, tls: Tls | None = None) -> None:
        self.is_secure = tls is not None
        self.listener = await self.engine.listen(
            address, self.accept, tls=tls, write_limit=WRITE_LIMIT
        )
        await self.listener.start()
        if address.path is not None:
            self.address = Address(path=address.path)
        else:
            host, port, *_ = self.listener.sockets[0].getsockname()
            self.address = Address(host=host, port=port)

    async def connect(self, **options: Any) -> End:
        """Open a stream to the listener."""
        ear = Ear()
        tls = client_tls() if self.is_secure else None
        options = {"tls": tls, "write_limit": WRITE_LIMIT} | options
        return End(await self.engine.connect(self.address, ear, **options), ear)

    async def accepted(self) -> End:
        async with asyncio.timeout(HANG):
            return await self._arrivals.get()

    def is_idle(self) -> bool:
        """Whether every stream that was accepted has been asked for."""
        return self._arrivals.empty()

    async def pair(self) -> tuple[End, End]:
        """Open a stream, and give both of its ends: the client's, the server's."""
        client = await self.connect()
        return client, await self.accepted()


async def open_harbour(kind: str, folder: Path, engine: Engine | None = None) -> Harbour:
    """Listen at a place of one of the four `KINDS`, by default with the engine of the loop."""
    harbour = Harbour(engine or current_engine())
    place = Address(host="127.0.0.1", port=0)
    if kind.startswith("unix"):
        place = Address(path=str(folder / "socket"))
    await harbour.open(place, server_tls() if kind.endswith("tls") else None)
    return harbour
