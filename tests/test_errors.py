"""The tree of errors: what each says, what it carries, and who must act."""

import pytest

from trunkline import errors
from trunkline.close_codes import Close
from trunkline.errors import (
    Closer,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidHeader,
    InvalidPayload,
    InvalidProxy,
    InvalidState,
    InvalidUpgrade,
    InvalidURI,
    PayloadTooBig,
    PeerError,
    ProtocolError,
    RequestRefused,
    TooManyFragments,
    TrunklineError,
    UsageError,
)
from trunkline.protocol import refusals

DRAWN = (errors.__name__, refusals.__name__)


def tree(root: type[BaseException], depth: int = 0) -> list[tuple[int, str]]:
    """Give the classes below `root`, each with its depth, as the docstring draws."""
    found = [(depth, root.__name__)]
    for child in root.__subclasses__():
        if child.__module__ in DRAWN:
            found += tree(child, depth + 1)
    return found


def drawn_tree() -> list[tuple[int, str]]:
    """Read the drawing in the docstring: four columns for each step down."""
    assert errors.__doc__
    lines = [line for line in errors.__doc__.splitlines() if line.startswith("    ")]
    drawn = [line.replace("│", " ").replace("├──", "   ").replace("└──", "   ") for line in lines]
    return [(len(line) - len(line.lstrip()), line.split()[0]) for line in drawn]


def test_the_drawing_shows_every_error_below_its_parent() -> None:
    drawn = drawn_tree()
    columns = sorted({column for column, _ in drawn})
    assert [(columns.index(column), name) for column, name in drawn] == tree(TrunklineError)


def test_the_root_has_the_name_of_the_websockets_library_as_well() -> None:
    assert errors.WebSocketException is TrunklineError


def test_an_invalid_address_is_a_value_error_and_says_what_is_wrong() -> None:
    error = InvalidURI("http://example.com", "it does not begin with ws:// or wss://")
    assert isinstance(error, UsageError)
    assert isinstance(error, ValueError)
    assert str(error) == (
        "'http://example.com' is not a WebSocket address: it does not begin with ws:// or wss://"
    )
    assert (error.uri, error.problem) == (
        "http://example.com",
        "it does not begin with ws:// or wss://",
    )


@pytest.mark.parametrize("kind", [InvalidURI, InvalidProxy])
def test_credentials_do_not_get_into_an_error_text(kind: type[InvalidURI | InvalidProxy]) -> None:
    error = kind("http://me:secret@example.com/@", "it is wrong")
    assert "'http://***@example.com/@'" in str(error)
    assert "secret" not in str(error)


def test_an_invalid_proxy_is_a_value_error_and_says_what_is_wrong() -> None:
    error = InvalidProxy("ftp://proxy", "its scheme is not known")
    assert isinstance(error, UsageError)
    assert isinstance(error, ValueError)
    assert str(error) == "'ftp://proxy' is not the address of a proxy: its scheme is not known"
    assert (error.proxy, error.problem) == ("ftp://proxy", "its scheme is not known")


def test_an_impossible_call_is_a_runtime_error() -> None:
    assert issubclass(InvalidState, RuntimeError)


def test_a_refused_request_carries_what_the_answer_needs() -> None:
    error = RequestRefused(405, "only GET is served", {"Allow": "GET"})
    assert str(error) == "405: only GET is served"
    assert (error.status, error.reason, error.headers) == (
        405,
        "only GET is served",
        {"Allow": "GET"},
    )


def test_a_refused_request_needs_no_headers() -> None:
    assert RequestRefused(400, "no").headers == {}


def test_a_missing_header_is_told_from_a_wrong_one() -> None:
    missing = InvalidHeader("Upgrade", None, "it must have 'websocket'")
    wrong = InvalidUpgrade("Upgrade", "h2c", "it must have 'websocket'")
    assert str(missing) == "Upgrade header is missing: it must have 'websocket'"
    assert str(wrong) == "Upgrade header is 'h2c': it must have 'websocket'"
    assert (wrong.name, wrong.value) == ("Upgrade", "h2c")
    assert isinstance(wrong, InvalidHandshake)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (PeerError("odd"), 1002, "odd"),
        (ProtocolError("opcode 0x3 is reserved"), 1002, "opcode 0x3 is reserved"),
        (InvalidPayload("text is not valid UTF-8"), 1007, "text is not valid UTF-8"),
        (
            PayloadTooBig(1_048_577, 1_048_576),
            1009,
            "message is 1,048,577 bytes, limit 1,048,576",
        ),
        (
            PayloadTooBig(None, 1_048_576),
            1009,
            "message is over 1,048,576 bytes, limit 1,048,576",
        ),
        (TooManyFragments(4096), 1009, "message has 4,097 fragments, limit 4,096"),
    ],
)
def test_a_peer_s_error_carries_the_close_code_and_its_reason(
    error: PeerError, code: int, reason: str
) -> None:
    assert (error.code, error.reason) == (code, reason)


def test_a_limit_that_was_passed_is_carried_in_numbers() -> None:
    too_big, too_many = PayloadTooBig(7, 5), TooManyFragments(3)
    assert (too_big.size, too_big.limit, too_many.limit) == (7, 5, 3)


def test_the_end_of_a_connection_says_code_words_closer_and_silence() -> None:
    error = ConnectionClosed(1011, "disk full", Closer.PEER, 2.345)
    assert str(error) == (
        "connection closed with 1011 (internal error) 'disk full' by the peer; "
        "last byte received 2.3 s before"
    )
    assert (error.code, error.reason, error.closer, error.silence) == (
        1011,
        "disk full",
        Closer.PEER,
        2.345,
    )


def test_the_end_without_a_reason_leaves_no_empty_quotes() -> None:
    assert "'" not in str(ConnectionClosed(1006, "", Closer.NOBODY, 0))


@pytest.mark.parametrize(
    ("rcvd", "sent", "was_clean"),
    [
        (Close(1000, ""), Close(1000, ""), True),
        (Close(1000, ""), None, False),
        (None, Close(1000, ""), False),
        (None, None, False),
    ],
)
def test_an_end_is_clean_when_close_frames_went_both_ways(
    rcvd: Close | None, sent: Close | None, was_clean: bool
) -> None:
    error = ConnectionClosed(1000, "", Closer.LOCAL, 0, rcvd=rcvd, sent=sent)
    assert (error.rcvd, error.sent, error.was_clean) == (rcvd, sent, was_clean)


def test_either_kind_of_end_is_caught_as_the_end() -> None:
    assert set(ConnectionClosed.__subclasses__()) == {ConnectionClosedOK, ConnectionClosedError}


def test_the_codes_of_a_goodbye_are_those_of_the_websockets_library() -> None:
    assert {1000, 1001, 1005} == errors.OK_CODES
