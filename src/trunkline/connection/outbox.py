"""What a connection sends, in order: messages never get between the fragments of another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trunkline.connection.consumer import Data
from trunkline.connection.form import Form
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
from trunkline.connection.traffic import Traffic
from trunkline.engines.engine import Stream

if TYPE_CHECKING:
    from trunkline.connection.shared_message import SharedMessage


class Outbox:
    """Sends messages on a link, at once or with back-pressure.

    Args:
        link: carries them.
        form: of the frames; `None` where they are nobody else's.
    """

    __slots__ = ("_fragmenting", "_held", "_held_bytes", "_link", "form")

    def __init__(self, link: Link, form: Form | None) -> None:
        self._link = link
        self.form = form
        self._fragmenting: asyncio.Lock | None = None
        self._held: list[tuple[bytes, bool, bool]] = []
        self._held_bytes = 0

    def send_soon(self, message: DataLike, *, text: bool | None, compress: bool) -> None:
        """Send without waiting, behind a fragmented message if there is one."""
        if not is_data(message):
            raise TypeError(f"send_soon() takes str or bytes, not {message!r}")
        self._link.check_open()
        data, as_text = to_data(message), is_text(message, text)
        if self.is_overrun():
            return
        if self.is_fragmenting:
            self._hold(to_payload(data, as_text=as_text), as_text, compress)
        else:
            self._link.send_message(data, as_text=as_text, compress=compress)

    async def send(self, message: Message, *, text: bool | None, compress: bool) -> None:
        """Send, and wait while the unsent bytes are above high water."""
        self._link.check_open()
        if not is_data(message):
            await self._send_fragments(to_fragments(message), text=text, compress=compress)
            return
        if self.is_fragmenting:
            async with self._lock():
                self._send(message, text=text, compress=compress)
        else:
            self._send(message, text=text, compress=compress)
        await self._link.drain()

    def _send(self, message: DataLike, *, text: bool | None, compress: bool) -> None:
        as_text = is_text(message, text)
        self._link.send_message(to_data(message), as_text=as_text, compress=compress)

    # For whoever sends to many

    @property
    def stream(self) -> Stream:
        """What carries the frames."""
        return self._link.stream

    @property
    def traffic(self) -> Traffic:
        """Counts what is sent."""
        return self._link.traffic

    @property
    def write_limit(self) -> int:
        """Bytes that the stream takes before it is above high water."""
        return self._link.limits.write_limit

    @property
    def can_send(self) -> bool:
        """Whether messages may be sent."""
        return self._link.can_send

    @property
    def is_fragmenting(self) -> bool:
        """Whether a fragmented message is under way."""
        return self._fragmenting is not None and self._fragmenting.locked()

    @property
    def has_room(self) -> bool:
        """Whether a message can be handed to the stream, which is not above high water."""
        return not (self._link.stream.is_writing_paused or self.is_fragmenting)

    def is_overrun(self) -> bool:
        """Give the connection up where nobody reads what was sent; say whether that is so.

        What counts is what was sent before: one message may be as large as it likes.
        """
        limit = self._link.limits.max_unsent
        unsent = self._link.stream.unsent + self._held_bytes
        if limit is None or unsent <= limit:
            return False
        self._link.give_up_slow(f"{unsent:,} bytes unsent, limit {limit:,}")
        return True

    def send_shared(self, message: SharedMessage) -> None:
        """Send what others get as well, unless that is over."""
        if not self.can_send:
            return
        if self.is_fragmenting:
            self._hold(message.payload, message.as_text, message.compress)
        elif self.form is None:
            payload, as_text = message.payload, message.as_text
            self._link.send_message(payload, as_text=as_text, compress=message.compress)
        else:
            self._link.send_frames(message.frame(self.form), messages=1)

    def send_all(self, messages: Sequence[SharedMessage]) -> None:
        """Send several of these, in one write where others get the same bytes."""
        if self.form is None:
            for message in messages:
                self.send_shared(message)
        else:
            form = self.form
            frames = b"".join([message.frame(form) for message in messages])
            self._link.send_frames(frames, messages=len(messages))

    # Fragments

    async def _send_fragments(
        self, message: Fragments, *, text: bool | None, compress: bool
    ) -> None:
        async with self._lock():
            self._link.debts.tell_held()
            try:
                await send_fragments(self._link, message, text=text, compress=compress)
            finally:
                self._send_held()
                self._link.debts.tell_drained()

    def _hold(self, payload: bytes, as_text: bool, compress: bool) -> None:
        self._held.append((payload, as_text, compress))
        self._held_bytes += len(payload)

    def _send_held(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        for payload, as_text, compress in held:
            if self._link.can_send:
                self._link.send_message(payload, as_text=as_text, compress=compress)

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
