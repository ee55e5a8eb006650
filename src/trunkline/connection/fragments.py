"""Messages sent in fragments, from an iterable (RFC 6455 §5.4)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
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
    """Give `str` as it is, and anything like bytes as `bytes`."""
    if isinstance(message, str):
        return message
    return bytes(message)


def to_fragments(message: object) -> Fragments:
    """Give an iterable as it is, and refuse what is no message at all with `TypeError`."""
    if isinstance(message, Mapping):
        raise TypeError("a mapping is not a message: encode it first, for example as JSON")
    if not isinstance(message, Iterable | AsyncIterable):
        raise TypeError(f"a message is str, bytes or an iterable of these, not {message!r}")
    return cast(Fragments, message)


async def each(fragments: Fragments) -> AsyncIterator[DataLike]:
    """Walk through an iterable of either kind."""
    if isinstance(fragments, AsyncIterable):
        async for fragment in fragments:
            yield fragment
    else:
        for fragment in fragments:
            yield fragment


async def send_fragments(
    link: Link, fragments: Fragments, *, text: bool | None, compress: bool
) -> None:
    """Send one message, a frame for each element.

    Nothing is sent for an empty iterable. A message cannot be taken back: where the iterable
    raises or mixes types after its first element, the connection is closed with 1011.

    Raises:
        ConnectionClosed: the connection ended meanwhile.
        TypeError: an element is neither `str` nor like bytes, or they are mixed.
    """
    writer = FragmentWriter(link, text=text, compress=compress)
    try:
        async for fragment in each(fragments):
            writer.add(fragment)
            await link.drain()
        writer.finish()
    except BaseException:
        if writer.has_begun:
            link.fail_locally(CloseCode.INTERNAL_ERROR, "a fragmented message was not completed")
        raise
    await link.drain()


class FragmentWriter:
    """Sends the fragments of one message, the latest one held back until its successor is known."""

    def __init__(self, link: Link, *, text: bool | None, compress: bool) -> None:
        self._link = link
        self._as_text = text
        self._compress = compress
        self._kind: type | None = None
        self._held: Data | None = None
        self.has_begun = False

    def add(self, fragment: DataLike) -> None:
        """Take the next fragment, and send the one before."""
        data = self._checked(fragment)
        if self._held is not None:
            self._send(self._held, fin=False)
        self._held = data

    def finish(self) -> None:
        """Send the last fragment, if there is any."""
        if self._held is not None:
            self._send(self._held, fin=True)
            self.has_begun = False

    def _checked(self, fragment: DataLike) -> Data:
        if not is_data(fragment):
            raise TypeError(f"a fragment is str or bytes, not {fragment!r}")
        data = to_data(fragment)
        if self._kind is None:
            self._kind = type(data)
        if type(data) is not self._kind:
            raise TypeError("the fragments of a message are all str or all bytes")
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
        link.send_frame(frame)

    def _is_text(self) -> bool:
        return self._kind is str if self._as_text is None else self._as_text
