"""The close handshake: one table of states, and the close frame's body (RFC 6455 §5.5.1, §7)."""

from enum import Enum

from trunkline.close_codes import CloseCode, is_sendable
from trunkline.errors import InvalidPayload, InvalidState, ProtocolError
from trunkline.protocol.events import Close
from trunkline.protocol.frames import MAX_CONTROL_PAYLOAD

CODE_BYTES = 2
MAX_REASON = MAX_CONTROL_PAYLOAD - CODE_BYTES


class State(Enum):
    """How far the conversation has come."""

    __hash__ = object.__hash__  # by identity, as they compare: Enum would hash the name each time

    OPEN = "open"
    CLOSE_SENT = "close sent"
    CLOSE_RECEIVED = "close received"
    FAILED = "failed"
    CLOSED = "closed"


class Step(Enum):
    """What changes the state, or is possible in some states only."""

    __hash__ = object.__hash__

    RECEIVE_FRAMES = "receive frames"
    RECEIVE_CLOSE = "receive a close frame"
    FAIL = "fail the connection"
    END = "end the stream"
    SEND_FRAME = "send a frame"
    SEND_CLOSE = "send a close frame"


# A step that is not in the table is an error. FAILED and CLOSE_RECEIVED still send: what came
# before the end of the conversation may be answered (RFC 6455 §5.5.1).
TABLE = {
    (State.OPEN, Step.RECEIVE_FRAMES): State.OPEN,
    (State.OPEN, Step.RECEIVE_CLOSE): State.CLOSE_RECEIVED,
    (State.OPEN, Step.FAIL): State.FAILED,
    (State.OPEN, Step.SEND_FRAME): State.OPEN,
    (State.OPEN, Step.SEND_CLOSE): State.CLOSE_SENT,
    (State.CLOSE_SENT, Step.RECEIVE_FRAMES): State.CLOSE_SENT,
    (State.CLOSE_SENT, Step.RECEIVE_CLOSE): State.CLOSED,
    (State.CLOSE_SENT, Step.FAIL): State.CLOSED,
    (State.CLOSE_RECEIVED, Step.SEND_FRAME): State.CLOSE_RECEIVED,
    (State.CLOSE_RECEIVED, Step.SEND_CLOSE): State.CLOSED,
    (State.FAILED, Step.SEND_FRAME): State.FAILED,
    (State.FAILED, Step.SEND_CLOSE): State.CLOSED,
} | {(state, Step.END): State.CLOSED for state in State}


def advance(state: State, step: Step) -> State:
    """Give the state after `step`; raise `InvalidState` where the table has none."""
    try:
        return TABLE[state, step]
    except KeyError:
        raise InvalidState(f"cannot {step.value}: the connection is {state.value}") from None


def encode_close(code: int | None, reason: str = "") -> bytes:
    """Encode the body of a close frame.

    Args:
        code: 1000–1003, 1007–1014 or 3000–4999; `None` for a body without code and reason.
        reason: at most 123 bytes of UTF-8.

    Raises:
        ValueError: the code must not be sent, the reason is too long, or stands without a code.
    """
    if code is None:
        if reason:
            raise ValueError("a close reason needs a close code")
        return b""
    if not is_sendable(code):
        raise ValueError(f"close code {code} must not be sent (RFC 6455 §7.4)")
    words = reason.encode()
    if len(words) > MAX_REASON:
        raise ValueError(f"close reason is {len(words)} bytes, limit {MAX_REASON}")
    return code.to_bytes(CODE_BYTES) + words


def parse_close(body: bytes) -> Close:
    """Parse the body of a close frame."""
    if not body:
        return Close(CloseCode.NO_STATUS_RCVD, "")
    # RFC 6455 §5.5.1: if there is a body, it begins with a two-byte code
    if len(body) < CODE_BYTES:
        raise ProtocolError("close frame has a body of 1 byte")
    code = int.from_bytes(body[:CODE_BYTES])
    # RFC 6455 §7.4: reserved and unassigned codes do not travel
    if not is_sendable(code):
        raise ProtocolError(f"close code {code} is not allowed in a frame")
    try:
        return Close(code, body[CODE_BYTES:].decode())
    except UnicodeDecodeError:
        raise InvalidPayload("close reason is not valid UTF-8") from None


def shorten_reason(reason: str) -> str:
    """Cut `reason` to what fits into a close frame, at a code point."""
    return reason.encode(errors="replace")[:MAX_REASON].decode(errors="ignore")
