"""What one side encodes the other one decodes, whatever was agreed on and however it is cut."""

import string

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.conversations import (
    Message,
    make_endpoint,
    messages,
    often,
    other,
    parameters,
    pieces_of,
    roles,
)
from trunkline.close_codes import Close, is_sendable
from trunkline.limits import Limits
from trunkline.protocol.closing import encode_close, parse_close, shorten_reason
from trunkline.protocol.extensions import Deflate, DeflateParameters
from trunkline.protocol.frames import FrameReader, encode_frame
from trunkline.protocol.handshake import (
    check_request,
    check_response,
    make_request,
    negotiate,
)
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import HeadReader, parse_request, parse_response
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role
from trunkline.protocol.uri import parse_uri

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
LIMITS = Limits()

mask_keys = st.binary(min_size=4, max_size=4)
tokens = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12)
values = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=20).map(
    lambda value: value.strip(" \t")
)
path_characters = st.characters(codec="utf-8", min_codepoint=33, exclude_characters="#\x7f")
sendable_codes = st.sampled_from([code for code in range(5_000) if is_sendable(code)])
windows = st.integers(8, 15)
wishes = st.none() | st.builds(
    Deflate,
    server_no_context_takeover=st.booleans(),
    client_no_context_takeover=st.booleans(),
    server_max_window_bits=windows,
    client_max_window_bits=windows,
)


# Conversations


@often
@given(
    data=st.data(),
    sender=roles,
    agreed=parameters,
    said=st.lists(messages(), max_size=6),
    min_compress=st.integers(0, 64),
)
def test_a_conversation_arrives_as_it_was_sent(
    data: st.DataObject,
    sender: Role,
    agreed: DeflateParameters | None,
    said: list[Message],
    min_compress: int,
) -> None:
    here = make_endpoint(sender, Limits(min_compress=min_compress), agreed)
    # The largest message and the most fragments are just what is allowed.
    limits = Limits(
        max_size=max((message.size() for message in said), default=0),
        max_fragments=max((1 + len(message.rest) for message in said), default=0),
    )
    there = make_endpoint(other(sender), limits, agreed)
    stream = b"".join(frame for message in said for frame in message.frames(here))
    stream += here.send_close(1000, "bye")
    events = [event for read in data.draw(pieces_of(stream)) for event in there.receive_bytes(read)]
    expected = [event for message in said for event in message.events()]
    assert events == [*expected, Close(1000, "bye")]


# Frames


@given(
    opcode=st.sampled_from([Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY]),
    payload=st.binary(max_size=300) | st.integers(65_530, 65_540).map(bytes),
    fin=st.booleans(),
    rsv1=st.booleans(),
    mask_key=st.none() | mask_keys,
)
def test_a_frame_comes_back(
    opcode: Opcode, payload: bytes, fin: bool, rsv1: bool, mask_key: bytes | None
) -> None:
    reader = FrameReader(Role.CLIENT if mask_key is None else Role.SERVER)
    reader.feed(encode_frame(opcode, payload, fin=fin, rsv1=rsv1, mask_key=mask_key))
    (part,) = reader.parts()
    assert part.header == (fin, rsv1, opcode, len(payload), mask_key)
    assert (part.payload, part.starts, part.ends) == (payload, True, True)


@given(code=sendable_codes, reason=st.text(max_size=200))
def test_a_close_frame_comes_back_with_as_much_of_its_reason_as_fits(
    code: int, reason: str
) -> None:
    shortened = shorten_reason(reason)
    assert reason.startswith(shortened)
    assert parse_close(encode_close(code, shortened)) == Close(code, shortened)


# Handshakes


@given(lines=st.lists(st.tuples(tokens, values), max_size=8))
def test_headers_come_back(lines: list[tuple[str, str]]) -> None:
    sent = b"HTTP/1.1 101 Switching Protocols\r\n" + Headers(lines).serialize() + b"\r\n"
    whole = HeadReader(LIMITS.max_head).feed(sent)
    assert whole is not None
    assert list(parse_response(whole[0], LIMITS).headers.raw_items()) == lines


@given(
    host=st.sampled_from(["ws://h", "wss://example.com:8443", "ws://[::1]:80"]),
    path=st.text(path_characters, max_size=20),
    subprotocols=st.lists(tokens, unique=True, max_size=4),
    choice=st.integers(0, 4),
    offered=wishes,
    wanted=wishes,
)
def test_both_sides_of_a_handshake_agree(
    host: str,
    path: str,
    subprotocols: list[str],
    choice: int,
    offered: Deflate | None,
    wanted: Deflate | None,
) -> None:
    request = make_request(
        parse_uri(f"{host}/{path}"), KEY, subprotocols=subprotocols, deflate=offered
    )
    received = HeadReader(LIMITS.max_head).feed(request.serialize() + b"frames")
    assert received is not None
    assert received[1] == b"frames"
    assert parse_request(received[0], LIMITS) == request
    upgrade = check_request(request)
    assert upgrade.subprotocols == subprotocols
    chosen = dict(enumerate(subprotocols)).get(choice)
    agreement, response = negotiate(upgrade, chosen, wanted)
    answered = HeadReader(LIMITS.max_head).feed(response.serialize())
    assert answered is not None
    seen = check_response(parse_response(answered[0], LIMITS), KEY, subprotocols, offered)
    assert seen == agreement
    assert (seen.deflate is None) == (offered is None or wanted is None)
