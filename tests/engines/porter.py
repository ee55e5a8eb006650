"""Both sides of TLS that begins behind something else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.engines.ear import HANG, WRITE_LIMIT, Ear, End, Harbour, client_context, server_tls
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Address, Tls

HEADER = b"header\n"


class Caller:
    """The client's side of TLS, record by record, over a stream in the clear."""

    def __init__(self, end: End) -> None:
        self.stream, self.ear = end.stream, end.ear
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context().wrap_bio(
            self._incoming, self._outgoing, server_hostname="localhost"
        )
        self._read = 0

    def hello(self) -> bytes:
        """Give the first flight."""
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._outgoing.read()

    async def last_flight(self, *messages: bytes) -> bytes:
        """Wait for the server's flight, and give what completes the handshake, and messages."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._fetch()
        for message in messages:
            self.tls.write(message)
        return self._outgoing.read()

    async def read(self, size: int) -> bytes:
        """Read so much, or less where TLS ends before."""
        data, piece = b"", b"x"
        while len(data) < size and piece:
            try:
                piece = self.tls.read(size - len(data))
                data += piece
            except ssl.SSLWantReadError:
                await self._fetch()
        return data

    def send(self, message: bytes) -> None:
        self.tls.write(message)
        self.stream.write(self._outgoing.read())

    async def until_end(self) -> None:
        """Wait until nothing more can come."""
        await self.ear.until(lambda: self.ear.has_ended or bool(self.ear.losses))

    async def let_go(self) -> None:
        self.stream.abort()
        await self.ear.until(lambda: bool(self.ear.losses))

    async def _fetch(self) -> None:
        ear = self.ear
        await ear.until(lambda: len(ear.data) > self._read or ear.has_ended or bool(ear.losses))
        if len(ear.data) == self._read:
            self._incoming.write_eof()
        self._incoming.write(ear.data[self._read :])
        self._read = len(ear.data)


class Porter:
    """The server's side: reads a header in the clear, and then answers TLS.

    Args:
        server: has been accepted.
        harbour: knows its engine.
        tls: by default that of every server.
    """

    def __init__(self, server: End, harbour: Harbour, tls: Tls | None = None) -> None:
        self.stream, self.ear = server.stream, server.ear
        self._engine = harbour.engine
        self._tls = tls or server_tls()
        self._has_secured = asyncio.Event()
        self.seen: list[str] = []
        self.when_begun: Callable[[], None] = lambda: None
        self.when_secure: Callable[[], None] = lambda: None
        server.ear.when_received = self._read

    def _read(self, data: bytes) -> None:
        _, found, behind = bytes(self.ear.data).partition(HEADER)
        if found:
            self.ear.data.clear()
            self.ear.when_received = lambda data: self.seen.append("received")
            self._engine.answer_tls(self.stream, self._tls, behind, self._secured)
            self.when_begun()

    def _secured(self) -> None:
        self.seen.append("secure")
        self.when_secure()
        self._has_secured.set()

    async def until_secure(self) -> None:
        async with asyncio.timeout(HANG):
            await self._has_secured.wait()

    async def let_go(self, caller: Caller) -> None:
        """Cut what is left of a test."""
        self.stream.abort()
        await self.ear.until_lost()
        await caller.until_end()
        await caller.let_go()


@asynccontextmanager
async def calling(port: int, source: str = "127.0.0.1") -> AsyncIterator[Caller]:
    """Connect from an address of this machine."""
    ear, address = Ear(), Address(host="127.0.0.1", port=port, local_addr=(source, 0))
    async with asyncio.timeout(HANG):
        stream = await current_engine().connect(address, ear, tls=None, write_limit=WRITE_LIMIT)
        caller = Caller(End(stream, ear))
        try:
            yield caller
        finally:
            await caller.let_go()


async def meet(harbour: Harbour, tls: Tls | None = None) -> tuple[Caller, Porter]:
    client, server = await harbour.pair()
    return Caller(client), Porter(server, harbour, tls)
