"""Messages sent in fragments, from an iterable (RFC 6455 §5.4)."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterable, Coroutine, Iterable, Mapping
from typing import TypeGuard, cast

from trunkline.close_codes import CloseCode
from trunkline.connection.consumer import Data
from trunkline.connection.link import Link

BytesLike = bytes | bytearray | memoryview
DataLike = str | BytesLike
Fragments = Iterable[DataLike] | AsyncIterable[DataLike]
Message = DataLike | Fragments


def is_data(message: object) -> TypeGuard[DataLike]:
    """Whether `message` goes out in one frame."""
    return isinstance(message, str | bytes | bytearray | memoryview)


def to_data(message: DataLike) -> Data:
    """Give text as `str` and anything like bytes as `bytes`, not as what is derived of them."""
    if isinstance(message, str):
        return str.__str__(message)
    return bytes(message)


def to_fragments(message: object) -> Fragments:
    """Give an iterable as it is, and refuse what is no message at all with `TypeError`."""
    if isinstance(message, Mapping):
        raise TypeError("a mapping is not a message: encode it first, for example as JSON")
    if not isinstance(message, Iterable | AsyncIterable):
        raise TypeError(f"a message is str, bytes or an iterable of these, not {message!r}")
    return cast(Fragments, message)


async def send_fragments(
    link: Link, fragments: Fragments, *, text: bool | None, compress: bool
) -> None:
    """Send one message, a frame for each element.

    Nothing is sent for an empty iterable. A message cannot be taken back: where the iterable
    raises or mixes types after its first element, the connection is closed with 1011. Where the
    connection ends, an asynchronous iterable is cancelled in what it waits for.

    Raises:
        ConnectionClosed: the connection ended meanwhile.
        TypeError: an element is neither `str` nor like bytes, or they are mixed.
        ValueError: what is to be sent as text is no text.
    """
    link.check_open()
    writer = FragmentWriter(link, text=text, compress=compress)
    try:
        await while_open(link, writer.add_all(fragments))
        writer.finish()
    except BaseException:
        if writer.has_begun:
            link.fail_locally(CloseCode.INTERNAL_ERROR, "a fragmented message was not completed")
        raise
    await link.drain()


async def while_open(link: Link, work: Coroutine[None, None, None]) -> None:
    """Do `work`; cancel it and raise `ConnectionClosed` when the connection ends."""
    scope = asyncio.timeout(None)
    try:
        async with scope:
            link.tell_end(lambda: scope.reschedule(link.engine.now()))
            await work
    except TimeoutError:
        if not scope.expired():
            raise
        raise link.closed() from None
    finally:
        link.tell_end(None)


class FragmentWriter:
    """Sends the fragments of one message, the latest one held back until its successor is known."""

    def __init__(self, link: Link, *, text: bool | None, compress: bool) -> None:
        self._link = link
        self._as_text = text
        self._compress = compress
        self._kind: type | None = None
        self._held: Data | None = None
        # The bytes of a text may be cut inside of a code point.
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.has_begun = False

    async def add_all(self, fragments: Fragments) -> None:
        """Take the fragments of an iterable of either kind, and wait above high water."""
        if isinstance(fragments, AsyncIterable):
            async for fragment in fragments:
                self.add(fragment)
                await self._link.drain()
        else:
            for fragment in fragments:
                self.add(fragment)
                await self._link.drain()

    def add(self, fragment: DataLike) -> None:
        """Take the next fragment, and send the one before."""
        data = self._checked(fragment)
        if self._held is not None:
            self._send(self._held, fin=False)
        self._held = data

    def finish(self) -> None:
        """Send the last fragment, if there is any."""
        if self._held is not None:
            self._decoder.decode(b"", final=True)
            self._send(self._held, fin=True)

    def _checked(self, fragment: DataLike) -> Data:
        if not is_data(fragment):
            raise TypeError(f"a fragment is str or bytes, not {fragment!r}")
        data = to_data(fragment)
        kind = str if isinstance(data, str) else bytes
        if self._kind not in (None, kind):
            raise TypeError("the fragments of a message are all str or all bytes")
        self._kind = kind
        if self._as_text and isinstance(data, bytes):
            return self._decoder.decode(data)
        return data

    def _send(self, data: Data, *, fin: bool) -> None:
        link = self._link
        link.check_open()
        payload = data.encode() if isinstance(data, str) else data
        if self.has_begun:
            frame = link.endpoint.send_continuation(payload, fin=fin)
        elif self._is_text():
            frame = link.endpoint.send_text(payload.decode(), fin=fin, compress=self._compress)
        else:
            frame = link.endpoint.send_binary(payload, fin=fin, compress=self._compress)
        self.has_begun = True
        link.send_frames(frame, messages=int(fin))

    def _is_text(self) -> bool:
        return self._kind is str if self._as_text is None else self._as_text
