"""The lines of an input that nobody edits: a pipe, a file, a terminal in its plain mode."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from threading import Thread

CHUNK_BYTES = 64 * 1024


async def read_lines(descriptor: int) -> AsyncGenerator[bytes, None]:
    """Yield each line without its end; the last one may have none."""
    parts: list[bytes] = []
    while chunk := await read_chunk(descriptor):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*parts, line]).removesuffix(b"\r")
            parts.clear()
        parts.append(rest)
    if last := b"".join(parts):
        yield last


async def read_chunk(descriptor: int) -> bytes:
    """Read what is there, and wait for it; nothing means the end.

    Not every input can be watched by a loop, so a thread reads: a new one for each chunk, which
    reads ahead of nobody, and a daemon, which does not keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[bytes] = loop.create_future()

    def deliver(chunk: bytes) -> None:
        loop.call_soon_threadsafe(set_unless_done, future, chunk)

    Thread(target=read_and_deliver, args=(descriptor, deliver), daemon=True).start()
    return await future


def read_and_deliver(descriptor: int, deliver: Callable[[bytes], None]) -> None:
    """Read a chunk; an input that fails has ended, and so has a loop that takes no more."""
    try:
        chunk = os.read(descriptor, CHUNK_BYTES)
    except OSError:
        chunk = b""
    with suppress(RuntimeError):
        deliver(chunk)


def set_unless_done(future: asyncio.Future[bytes], chunk: bytes) -> None:
    """Set the result of a future, unless nobody waits for it any more."""
    if not future.done():
        future.set_result(chunk)
