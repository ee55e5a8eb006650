"""A relay between two peers that keeps what went each way, and reads the frames in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Self

from trunkline.protocol.role import Role

HOST = "127.0.0.1"
CHUNK_BYTES = 65536
END_OF_HEAD = b"\r\n\r\n"

FIN = 0x80
RSV1 = 0x40
OPCODE = 0x0F
MASKED = 0x80
LENGTH = 0x7F
EXTENDED_BYTES = {126: 2, 127: 8}
MASK_KEY_BYTES = 4


@dataclass(frozen=True)
class Frame:
    """A frame as it went over the wire, unmasked."""

    fin: bool
    rsv1: bool
    opcode: int
    payload: bytes


class Tap:
    """Relays connections to the port that is its target."""

    def __init__(self) -> None:
        self.target = 0
        self.port = 0
        self._sent = {role: bytearray() for role in Role}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        await asyncio.gather(*self._tasks)

    def head(self, sender: Role) -> str:
        """Give the head of the opening handshake that `sender` sent."""
        return bytes(self._sent[sender]).partition(END_OF_HEAD)[0].decode()

    def frames(self, sender: Role) -> list[Frame]:
        """Give the whole frames that `sender` has sent."""
        return list(parse_frames(bytes(self._sent[sender]).partition(END_OF_HEAD)[2]))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._relay(reader, far_writer, Role.CLIENT))
                group.create_task(self._relay(far_reader, writer, Role.SERVER))
        finally:
            for end in (writer, far_writer):
                end.transport.abort()

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: Role
    ) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                self._sent[sender] += data
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()


def parse_frames(data: bytes) -> Iterator[Frame]:
    """Read the frames in `data`, written without the product so that both cannot err alike."""
    position = 0
    while position < len(data):
        first, second = data[position : position + 2]
        position += 2
        length = second & LENGTH
        extended = EXTENDED_BYTES.get(length, 0)
        if extended:
            length = int.from_bytes(data[position : position + extended])
            position += extended
        key = b"\0"
        if second & MASKED:
            key = data[position : position + MASK_KEY_BYTES]
            position += MASK_KEY_BYTES
        payload = bytes(a ^ b for a, b in zip(data[position : position + length], cycle(key)))
        position += length
        yield Frame(bool(first & FIN), bool(first & RSV1), first & OPCODE, payload)
