"""The close handshake: the table of states, and the body of a close frame (RFC 6455 §5.5.1, §7)."""

import pytest

from trunkline.errors import InvalidPayload, InvalidState, ProtocolError
from trunkline.protocol.closing import (
    State,
    Step,
    advance,
    encode_close,
    parse_close,
    shorten_reason,
)
from trunkline.protocol.events import Close

SENDABLE = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}

# Which steps each state allows; the end of the stream is always possible.
ALLOWED = {
    State.OPEN: {
        Step.RECEIVE_FRAMES,
        Step.RECEIVE_CLOSE,
        Step.FAIL,
        Step.SEND_FRAME,
        Step.SEND_CLOSE,
    },
    State.CLOSE_SENT: {Step.RECEIVE_FRAMES, Step.RECEIVE_CLOSE, Step.FAIL},
    State.CLOSE_RECEIVED: {Step.SEND_FRAME, Step.SEND_CLOSE},
    State.FAILED: {Step.SEND_FRAME, Step.SEND_CLOSE},
    State.CLOSED: set(),
}


def after(*steps: Step) -> State:
    """Give the state of a conversation that took `steps`."""
    state = State.OPEN
    for step in steps:
        state = advance(state, step)
    return state


# States


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("step", list(Step))
def test_a_step_is_possible_where_it_is_allowed_and_nowhere_else(state: State, step: Step) -> None:
    if step in ALLOWED[state] | {Step.END}:
        assert isinstance(advance(state, step), State)
        return
    with pytest.raises(InvalidState, match=f"cannot {step.value}: the connection is {state.value}"):
        advance(state, step)


@pytest.mark.parametrize("state", list(State))
def test_the_end_of_the_stream_ends_every_conversation(state: State) -> None:
    assert advance(state, Step.END) is State.CLOSED


@pytest.mark.parametrize(
    "steps",
    [
        (Step.SEND_CLOSE, Step.RECEIVE_CLOSE),
        (Step.RECEIVE_CLOSE, Step.SEND_CLOSE),
        (Step.FAIL, Step.SEND_CLOSE),
        (Step.SEND_CLOSE, Step.FAIL),
    ],
)
def test_a_close_frame_of_each_side_closes(steps: tuple[Step, ...]) -> None:
    assert after(*steps) is State.CLOSED


def test_frames_do_not_change_the_state() -> None:
    assert after(Step.RECEIVE_FRAMES, Step.SEND_FRAME) is State.OPEN
    assert after(Step.SEND_CLOSE, Step.RECEIVE_FRAMES) is State.CLOSE_SENT
    assert after(Step.RECEIVE_CLOSE, Step.SEND_FRAME) is State.CLOSE_RECEIVED
    assert after(Step.FAIL, Step.SEND_FRAME) is State.FAILED


# The body that is sent


def is_encoded(code: int) -> bool:
    """Whether a close frame with `code` can be encoded."""
    try:
        return encode_close(code) == code.to_bytes(2)
    except ValueError:
        return False


def is_parsed(code: int) -> bool:
    """Whether a close frame with `code` is taken."""
    try:
        return parse_close(code.to_bytes(2)) == Close(code, "")
    except ProtocolError:
        return False


def test_the_codes_that_may_travel_do_in_both_directions_and_no_others() -> None:
    assert {code for code in range(0x1_0000) if is_encoded(code)} == SENDABLE
    assert {code for code in range(0x1_0000) if is_parsed(code)} == SENDABLE


def test_a_code_comes_back_with_its_reason() -> None:
    assert parse_close(encode_close(4000, "Ende, schön")) == Close(4000, "Ende, schön")


def test_a_code_that_must_not_travel_is_refused_by_number() -> None:
    with pytest.raises(ValueError, match="close code 1006 must not be sent"):
        encode_close(1006)
    with pytest.raises(ProtocolError, match="close code 1006 is not allowed in a frame"):
        parse_close(b"\x03\xee")


@pytest.mark.parametrize("code", [-1, 0x1_0000])
def test_a_code_beyond_two_bytes_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match="must not be sent"):
        encode_close(code)


def test_a_body_without_code_and_reason_is_empty() -> None:
    assert encode_close(None) == b""


def test_a_reason_without_a_code_is_refused() -> None:
    with pytest.raises(ValueError, match="a close reason needs a close code"):
        encode_close(None, "because")


def test_a_reason_may_have_123_bytes() -> None:
    assert len(encode_close(1000, "é" * 61 + "x")) == 125


def test_a_longer_reason_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValueError, match="close reason is 124 bytes, limit 123"):
        encode_close(1000, "é" * 62)


def test_a_reason_that_cannot_be_utf8_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        encode_close(1000, "\ud800")


# The body that is received


def test_an_empty_body_stands_for_no_status() -> None:
    assert parse_close(b"") == Close(1005, "")


def test_a_body_of_one_byte_is_refused() -> None:
    with pytest.raises(ProtocolError, match="body of 1 byte"):
        parse_close(b"\x03")


@pytest.mark.parametrize("reason", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"cut \xe2\x82"])
def test_a_reason_that_is_not_utf8_is_refused(reason: bytes) -> None:
    with pytest.raises(InvalidPayload, match="close reason is not valid UTF-8"):
        parse_close(b"\x03\xe8" + reason)


# Reasons from elsewhere


@pytest.mark.parametrize(
    ("reason", "shortened"),
    [
        ("short", "short"),
        ("x" * 123, "x" * 123),
        ("x" * 124, "x" * 123),
        ("x" * 122 + "é", "x" * 122),
        ("😀" * 31, "😀" * 30),
        ("a\ud800b", "a?b"),
    ],
)
def test_a_reason_is_cut_at_a_code_point_to_what_fits(reason: str, shortened: str) -> None:
    assert shorten_reason(reason) == shortened
    assert encode_close(1011, shorten_reason(reason))
