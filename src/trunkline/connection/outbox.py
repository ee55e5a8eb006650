"""What a connection sends, in order: messages never get between the fragments of another."""

from __future__ import annotations

import asyncio

from trunkline.connection.consumer import Data
from trunkline.connection.fragments import (
    DataLike,
    Fragments,
    Message,
    is_data,
    send_fragments,
    to_data,
    to_fragments,
)
from trunkline.connection.link import Link


class Outbox:
    """Sends messages on a link, at once or with back-pressure."""

    __slots__ = ("_fragmenting", "_held", "_held_bytes", "_link")

    def __init__(self, link: Link) -> None:
        self._link = link
        self._fragmenting: asyncio.Lock | None = None
        self._held: list[tuple[bytes, bool, bool]] = []
        self._held_bytes = 0

    def send_soon(self, message: DataLike, *, text: bool | None, compress: bool) -> None:
        """Send without waiting, behind a fragmented message if there is one."""
        if not is_data(message):
            raise TypeError(f"send_soon() takes str or bytes, not {message!r}")
        self._link.check_open()
        data, as_text = to_data(message), is_text(message, text)
        if self._link.is_overrun(self._held_bytes):
            return
        if self._is_fragmenting():
            payload = to_payload(data, as_text=as_text)
            self._held.append((payload, as_text, compress))
            self._held_bytes += len(payload)
        else:
            self._link.send_message(data, as_text=as_text, compress=compress)

    async def send(self, message: Message, *, text: bool | None, compress: bool) -> None:
        """Send, and wait while the unsent bytes are above high water."""
        self._link.check_open()
        if not is_data(message):
            await self._send_fragments(to_fragments(message), text=text, compress=compress)
            return
        if self._is_fragmenting():
            async with self._lock():
                self._send(message, text=text, compress=compress)
        else:
            self._send(message, text=text, compress=compress)
        await self._link.drain()

    def _send(self, message: DataLike, *, text: bool | None, compress: bool) -> None:
        as_text = is_text(message, text)
        self._link.send_message(to_data(message), as_text=as_text, compress=compress)

    async def _send_fragments(
        self, message: Fragments, *, text: bool | None, compress: bool
    ) -> None:
        async with self._lock():
            try:
                await send_fragments(self._link, message, text=text, compress=compress)
            finally:
                self._send_held()

    def _send_held(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        for payload, as_text, compress in held:
            if self._link.can_send:
                self._link.send_message(payload, as_text=as_text, compress=compress)

    def _is_fragmenting(self) -> bool:
        return self._fragmenting is not None and self._fragmenting.locked()

    def _lock(self) -> asyncio.Lock:
        if self._fragmenting is None:
            self._fragmenting = asyncio.Lock()
        return self._fragmenting


def is_text(message: DataLike, text: bool | None) -> bool:
    """Choose the kind of frame: `str` goes as text, bytes as binary, unless `text` says else."""
    return isinstance(message, str) if text is None else text


def to_payload(data: Data, *, as_text: bool) -> bytes:
    """Encode `data`, and refuse what is no text: later nobody could be told."""
    if isinstance(data, str):
        return data.encode()
    if as_text:
        data.decode()
    return data
