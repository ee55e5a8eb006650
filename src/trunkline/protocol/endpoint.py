"""One side of a conversation after the opening handshake: bytes in, events out, and back.

    for event in endpoint.receive_bytes(data): ...
    data = endpoint.send_text("Hello")

An endpoint never answers by itself. `Ping`, `Close` and `Failed` are events like the others, in
the order of arrival, and whoever holds the endpoint answers them with `send_pong()` and
`send_close()`: so everything that came before can be answered before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trunkline.errors import PeerError
from trunkline.limits import DEFAULT_LIMITS, Limits
from trunkline.protocol.closing import State, Step, advance, encode_close, parse_close
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.events import Event, Failed, Ping, Pong
from trunkline.protocol.frames import (
    MAX_CONTROL_PAYLOAD,
    FramePart,
    FrameReader,
    encode_frame,
)
from trunkline.protocol.messages import MessageReader
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

NO_KEYS = "a client endpoint needs a source of mask keys"
ONE_EXTENSION = "permessage-deflate is the only extension, once"
IN_FRAGMENTS = "a fragmented message is being sent"
NOTHING_TO_CONTINUE = "there is no message to continue"

RECEIVING = frozenset({State.OPEN, State.CLOSE_SENT})


class Endpoint:
    """The state of one side of a WebSocket connection (RFC 6455 §5–§7).

    Args:
        role: which side this is.
        limits: `max_size`, `max_fragments` and `min_compress` apply.
        extensions: what was negotiated: nothing, or one `PerMessageDeflate`.
        new_mask_key: gives four fresh unpredictable bytes; needed by the client (§5.3).
    """

    def __init__(
        self,
        role: Role,
        limits: Limits = DEFAULT_LIMITS,
        extensions: Sequence[PerMessageDeflate] = (),
        new_mask_key: Callable[[], bytes] | None = None,
    ) -> None:
        if role.masks and new_mask_key is None:
            raise ValueError(NO_KEYS)
        if len(extensions) > 1:
            raise ValueError(ONE_EXTENSION)
        self._new_mask_key = new_mask_key if role.masks else None
        self._limits = limits
        self._deflate = extensions[0] if extensions else None
        self._frames = FrameReader(role)
        self._messages = MessageReader(limits, self._deflate)
        self._fragment_compressed: bool | None = None
        self.state = State.OPEN

    # Receiving

    def receive_bytes(self, data: bytes) -> list[Event]:
        """Take what arrived, and give what it means.

        Bytes behind a close frame or an error are dropped (§1.4, §7.1.7).
        """
        events: list[Event] = []
        if self.state not in RECEIVING:
            return events
        self._frames.feed(data)
        try:
            for event in self._received_events():
                events.append(event)
        except PeerError as error:
            events.append(Failed(error))
            self._stop_receiving(Step.FAIL)
        return events

    def take_empty_fragments(self) -> int:
        """Give how many fragments without payload came since this was asked last.

        They are counted where the limits have a rate for them.
        """
        count, self._messages.empty_fragments = self._messages.empty_fragments, 0
        return 0 if self._limits.control_rate is None else count

    def receive_end(self) -> None:
        """Take note that the stream has ended: nothing can be sent or received any more."""
        self.state = advance(self.state, Step.END)

    def _received_events(self) -> Iterator[Event]:
        for part in self._frames.parts():
            event: Event | None
            if part.header.opcode.is_control:
                event = self._control_event(part)
            else:
                event = self._messages.receive(part)
            if event is not None:
                yield event
            if self.state not in RECEIVING:
                return

    def _control_event(self, part: FramePart) -> Event:
        if part.header.opcode is Opcode.PING:
            return Ping(part.payload)
        if part.header.opcode is Opcode.PONG:
            return Pong(part.payload)
        event = parse_close(part.payload)
        self._stop_receiving(Step.RECEIVE_CLOSE)
        return event

    def _stop_receiving(self, step: Step) -> None:
        self.state = advance(self.state, step)
        self._frames.clear()
        self._messages.empty_fragments = 0

    # Sending

    def send_text(self, text: str, *, fin: bool = True, compress: bool = True) -> bytes:
        """Encode a text message, or with `fin=False` its first fragment.

        Raises:
            ValueError: a message is being sent in fragments, or the text has a lone surrogate.
            InvalidState: nothing can be sent any more; this holds for every `send_` method.
        """
        return self._first_frame(Opcode.TEXT, text.encode(), fin=fin, compress=compress)

    def send_binary(self, data: bytes, *, fin: bool = True, compress: bool = True) -> bytes:
        """Encode a binary message, or with `fin=False` its first fragment."""
        return self._first_frame(Opcode.BINARY, data, fin=fin, compress=compress)

    def send_continuation(self, data: bytes, *, fin: bool) -> bytes:
        """Encode the next fragment of a message, the last one with `fin=True`."""
        if self._fragment_compressed is None:
            raise ValueError(NOTHING_TO_CONTINUE)
        if self._fragment_compressed:
            assert self._deflate is not None
            data = self._deflate.compress(data, fin=fin)
        frame = self._data_frame(Opcode.CONTINUATION, data, fin=fin, rsv1=False)
        if fin:
            self._fragment_compressed = None
        return frame

    def send_ping(self, payload: bytes = b"") -> bytes:
        """Encode a ping; its payload has at most 125 bytes."""
        return self._frame(Opcode.PING, check_control(payload))

    def send_pong(self, payload: bytes = b"") -> bytes:
        """Encode a pong; its payload has at most 125 bytes."""
        return self._frame(Opcode.PONG, check_control(payload))

    def send_close(self, code: int | None = None, reason: str = "") -> bytes:
        """Encode a close frame, the last frame there is.

        Raises:
            ValueError: code or reason must not be sent (§7.4).
        """
        body = encode_close(code, reason)
        state = advance(self.state, Step.SEND_CLOSE)
        frame = self._frame(Opcode.CLOSE, body)
        self.state = state
        return frame

    def _first_frame(self, opcode: Opcode, data: bytes, *, fin: bool, compress: bool) -> bytes:
        # RFC 6455 §5.4: the fragments of two messages are never interleaved
        if self._fragment_compressed is not None:
            raise ValueError(IN_FRAGMENTS)
        payload, compressed = self._compressed(data, fin=fin) if compress else (data, False)
        frame = self._data_frame(opcode, payload, fin=fin, rsv1=compressed)
        if not fin:
            self._fragment_compressed = compressed
        return frame

    def _compressed(self, data: bytes, *, fin: bool) -> tuple[bytes, bool]:
        """Compress where that is agreed on and pays; say whether it was done."""
        if self._deflate is None or (fin and len(data) < self._limits.min_compress):
            return data, False
        compressed = self._deflate.compress(data, fin=fin)
        if fin and self._deflate.may_send_plain and len(compressed) >= len(data):
            return data, False
        return compressed, True

    def _data_frame(self, opcode: Opcode, payload: bytes, *, fin: bool, rsv1: bool) -> bytes:
        """Encode a frame; where that fails, nothing may refer to what it would have said."""
        try:
            return self._frame(opcode, payload, fin=fin, rsv1=rsv1)
        except BaseException:
            if self._deflate is not None:
                self._deflate.forget_sent()
            raise

    def _frame(
        self, opcode: Opcode, payload: bytes, *, fin: bool = True, rsv1: bool = False
    ) -> bytes:
        self.state = advance(self.state, Step.SEND_FRAME)
        mask_key = None if self._new_mask_key is None else self._new_mask_key()
        return encode_frame(opcode, payload, fin=fin, rsv1=rsv1, mask_key=mask_key)


def check_control(payload: bytes) -> bytes:
    """Refuse a payload that is too long for a control frame (RFC 6455 §5.5)."""
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(
            f"control frame payload is {len(payload)} bytes, limit {MAX_CONTROL_PAYLOAD}"
        )
    return payload
