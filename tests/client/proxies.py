"""Small proxies: HTTP CONNECT, SOCKS4 and SOCKS5."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.client.scripted import Script, read_head

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    """Carry bytes both ways, until either side ends."""
    far_reader, far_writer = await asyncio.open_connection(host, port)
    ways = [
        asyncio.ensure_future(pump(reader, far_writer)),
        asyncio.ensure_future(pump(far_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        far_writer.transport.abort()
        for way in ways:
            way.cancel()


def connect_proxy(seen: list[dict[str, str]], port: Callable[[], int]) -> Script:
    """Make an HTTP proxy whose every tunnel leads to a port of this machine."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_head(reader))
        writer.write(ESTABLISHED)
        await tunnel(reader, writer, "127.0.0.1", port())

    return script


@dataclass
class SocksProxy:
    """A SOCKS proxy whose every tunnel leads to `port`; it notes what was asked for.

    Args:
        port: of this machine.
        accepts: whether it lets anybody through.
    """

    port: int
    accepts: bool = True
    asked: list[tuple[int, str, int]] = field(default_factory=list)
    credentials: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version = (await reader.readexactly(1))[0]
        if version == 4:
            await self._socks4(reader, writer)
        else:
            await self._socks5(reader, writer)
        if self.accepts:
            await tunnel(reader, writer, "127.0.0.1", self.port)

    async def _socks4(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(7)
        port, address = int.from_bytes(head[1:3], "big"), head[3:]
        await reader.readuntil(b"\0")
        if address[:3] == bytes(3):
            host = (await reader.readuntil(b"\0"))[:-1].decode()
        else:
            host = str(ipaddress.IPv4Address(address))
        self.asked.append((4, host, port))
        writer.write(b"\0" + (b"\x5a" if self.accepts else b"\x5b") + bytes(6))

    async def _socks5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x02" if 2 in methods else b"\x05\x00")
        if 2 in methods:
            await self._authenticate(reader, writer)
        _, _, _, kind = await reader.readexactly(4)
        host = await self._read_host(reader, kind)
        self.asked.append((5, host, int.from_bytes(await reader.readexactly(2), "big")))
        writer.write(b"\x05" + (b"\0" if self.accepts else b"\x02") + b"\0\x01" + bytes(6))

    async def _authenticate(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readexactly(1)
        words = [
            (await reader.readexactly((await reader.readexactly(1))[0])).decode() for _ in range(2)
        ]
        self.credentials.append((words[0], words[1]))
        writer.write(b"\x01\x00")

    async def _read_host(self, reader: asyncio.StreamReader, kind: int) -> str:
        if kind == 3:
            return (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
        return socket.inet_ntop(family, await reader.readexactly(size))
