"""A message for many connections, encoded and compressed once for all that send it alike."""

from __future__ import annotations

from collections.abc import Hashable

from trunkline.connection.form import Form
from trunkline.connection.fragments import DataLike, is_data, to_data
from trunkline.connection.outbox import is_text, to_payload
from trunkline.engines.choose import compress_once
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.opcodes import Opcode


class SharedMessage:
    """One message of one piece; its frames are made when they are first asked for.

    Args:
        message: `str` is sent as text, anything like bytes as binary.
        text: `True` sends as text and `False` as binary, whatever the type.
        compress: whether to compress, where that was agreed on.
        key: what it is about: a newer message with the same key makes it worthless.

    Raises:
        TypeError: it is no message of one piece.
        ValueError: what is to be sent as text is no text.
    """

    __slots__ = ("_frames", "as_text", "compress", "key", "payload")

    def __init__(
        self,
        message: DataLike,
        *,
        text: bool | None,
        compress: bool,
        key: Hashable | None = None,
    ) -> None:
        if not is_data(message):
            raise TypeError(f"what is sent to many is str or bytes, not {message!r}")
        self.as_text = is_text(message, text)
        self.payload = to_payload(to_data(message), as_text=self.as_text)
        self.compress = compress
        self.key = key
        self._frames: dict[int | None, bytes] = {}

    def frame(self, form: Form) -> bytes:
        """Give the whole message as one frame of a server."""
        bits = form.window_bits
        if not self.compress or len(self.payload) < form.min_compress:
            bits = None
        frame = self._frames.get(bits)
        if frame is None:
            frame = self._frames[bits] = self._encode(bits)
        return frame

    def _encode(self, window_bits: int | None) -> bytes:
        opcode = Opcode.TEXT if self.as_text else Opcode.BINARY
        if window_bits is not None:
            compressed = compress_once()(self.payload, window_bits)
            if len(compressed) < len(self.payload):
                return encode_frame(opcode, compressed, rsv1=True)
        return encode_frame(opcode, self.payload)
