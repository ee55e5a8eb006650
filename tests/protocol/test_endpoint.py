"""Endpoints: what is sent on one side arrives on the other; who may do what, and when.

This is the contract of both twins. What only the compiled one has is in tests/native.
"""

import itertools
import random
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from statistics import median

import pytest

from tests.contracts.twins import twins
from trunkline.errors import (
    InvalidPayload,
    InvalidState,
    PeerError,
    ProtocolError,
    TooManyFragments,
)
from trunkline.limits import Limits, Rate
from trunkline.protocol.closing import State
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Binary, Close, Event, Failed, Ping, Pong, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

KEY = bytes.fromhex("37fa213d")
LIMITS = Limits()
KEEPS = DeflateParameters(server=Direction(), client=Direction())
FORGETS = DeflateParameters(server=Direction(True), client=Direction(True))
ROLES = list(Role)


Make = Callable[..., Endpoint]
Pair = Callable[..., tuple[Endpoint, Endpoint]]


@pytest.fixture(params=twins("endpoint", "Endpoint"))
def endpoint_class(request: pytest.FixtureRequest) -> type[Endpoint]:
    """Ask the contract of each twin in turn."""
    twin: type[Endpoint] = request.param
    return twin


@pytest.fixture
def make(endpoint_class: type[Endpoint]) -> Make:
    """Give what makes an endpoint; a client's mask keys are all the same."""

    def make(
        role: Role = Role.SERVER,
        limits: Limits = LIMITS,
        parameters: DeflateParameters | None = None,
    ) -> Endpoint:
        extensions = [] if parameters is None else [PerMessageDeflate(role, parameters)]
        return endpoint_class(role, limits, extensions, lambda: KEY)

    return make


@pytest.fixture
def pair(make: Make) -> Pair:
    """Give what makes both ends of a conversation, the one that speaks first."""

    def pair(
        limits: Limits = LIMITS,
        parameters: DeflateParameters | None = None,
        sender: Role = Role.SERVER,
    ) -> tuple[Endpoint, Endpoint]:
        receiver = Role.CLIENT if sender is Role.SERVER else Role.SERVER
        return make(sender, limits, parameters), make(receiver, limits, parameters)

    return pair


def failure(events: list[Event]) -> PeerError:
    """Give the error of the only event, a failure."""
    (event,) = events
    assert isinstance(event, Failed)
    return event.error


# What is sent arrives


@pytest.mark.parametrize("sender", ROLES)
@pytest.mark.parametrize("parameters", [None, KEEPS, FORGETS], ids=["plain", "keeps", "forgets"])
def test_what_is_sent_arrives_whole_and_in_order(
    pair: Pair, sender: Role, parameters: DeflateParameters | None
) -> None:
    here, there = pair(parameters=parameters, sender=sender)
    data = (
        here.send_text("Hello €" * 100)
        + here.send_binary(b"\xff" * 70_000)
        + here.send_text("Hel", fin=False)
        + here.send_ping(b"ping")
        + here.send_continuation(b"", fin=False)
        + here.send_pong(b"pong")
        + here.send_continuation(b"lo", fin=True)
        + here.send_binary(b"plain" * 100, compress=False)
        + here.send_text("", fin=False)
        + here.send_continuation(b"", fin=True)
        + here.send_close(1000, "bye")
    )
    assert there.receive_bytes(data) == [
        Text("Hello €" * 100),
        Binary(b"\xff" * 70_000),
        Ping(b"ping"),
        Pong(b"pong"),
        Text("Hello"),
        Binary(b"plain" * 100),
        Text(""),
        Close(1000, "bye"),
    ]


def test_a_client_masks_every_frame_with_a_fresh_key(endpoint_class: type[Endpoint]) -> None:
    keys = itertools.count()
    client = endpoint_class(Role.CLIENT, new_mask_key=lambda: next(keys).to_bytes(4))
    frames = [client.send_text(""), client.send_ping(), client.send_close()]
    assert [frame[2:6] for frame in frames] == [bytes([0, 0, 0, key]) for key in range(3)]


def test_a_server_masks_nothing(endpoint_class: type[Endpoint]) -> None:
    def no_key() -> bytes:
        raise AssertionError("a server asked for a mask key")

    assert (
        endpoint_class(Role.SERVER, new_mask_key=no_key).send_text("Hello").hex()
        == "810548656c6c6f"
    )


def test_a_client_cannot_be_without_mask_keys(endpoint_class: type[Endpoint]) -> None:
    with pytest.raises(ValueError, match="needs a source of mask keys"):
        endpoint_class(Role.CLIENT)


def test_there_is_one_extension_at_the_most(endpoint_class: type[Endpoint]) -> None:
    extensions = [PerMessageDeflate(Role.SERVER, KEEPS) for _ in range(2)]
    with pytest.raises(ValueError, match="only extension, once"):
        endpoint_class(Role.SERVER, extensions=extensions)


# Compression


def is_compressed(frame: bytes) -> bool:
    """Whether RSV1 is set."""
    return bool(frame[0] & 0x40)


def test_short_messages_are_sent_plain(make: Make) -> None:
    endpoint = make(limits=Limits(min_compress=64), parameters=KEEPS)
    assert not is_compressed(endpoint.send_text("x" * 63))
    assert is_compressed(endpoint.send_text("x" * 64))


def test_fragments_are_compressed_because_it_is_not_known_how_many_follow(make: Make) -> None:
    endpoint = make(parameters=KEEPS)
    assert is_compressed(endpoint.send_text("x", fin=False))
    assert not is_compressed(endpoint.send_continuation(b"x", fin=True))


def test_a_message_is_not_compressed_against_the_user_s_will(make: Make) -> None:
    endpoint = make(parameters=KEEPS)
    assert not is_compressed(endpoint.send_text("x" * 1000, compress=False))
    assert not is_compressed(endpoint.send_text("x" * 1000, fin=False, compress=False))
    assert endpoint.send_continuation(b"plain", fin=True).endswith(b"plain")


def test_what_does_not_shrink_is_sent_plain_unless_the_peer_would_miss_it(make: Make) -> None:
    incompressible = bytes(range(256))
    assert not is_compressed(make(parameters=FORGETS).send_binary(incompressible))
    assert is_compressed(make(parameters=KEEPS).send_binary(incompressible))


def test_what_stays_as_large_as_it_was_is_sent_plain(make: Make) -> None:
    """There is a message that deflate makes neither smaller nor larger; find it."""
    noise, sizes = random.Random(1).randbytes(256), set()
    for repeated in range(100):
        message = noise + noise[:repeated]
        compressed = PerMessageDeflate(Role.SERVER, FORGETS).compress(message, fin=True)
        sizes.add(len(compressed) - len(message))
        frame = make(parameters=FORGETS).send_binary(message)
        assert is_compressed(frame) == (len(compressed) < len(message))
    assert 0 in sizes


@pytest.mark.parametrize("parameters", [KEEPS, FORGETS], ids=["keeps", "forgets"])
def test_a_frame_that_fails_behind_the_compressor_is_referred_to_by_none(
    endpoint_class: type[Endpoint], parameters: DeflateParameters
) -> None:
    keys = [KEY]

    def last_key() -> bytes:
        if keys:
            return keys.pop()
        raise MemoryError

    sent = PerMessageDeflate(Role.CLIENT, parameters)
    client = endpoint_class(Role.CLIENT, Limits(min_compress=0), [sent], last_key)
    server = endpoint_class(Role.SERVER, LIMITS, [PerMessageDeflate(Role.SERVER, parameters)])
    received = server.receive_bytes(client.send_text("first" * 20))
    for fail in (
        lambda: client.send_text("lost" * 100),
        lambda: client.send_text("lost" * 100, fin=False),
    ):
        with pytest.raises(MemoryError):
            fail()
    keys += [KEY] * 2
    received += server.receive_bytes(client.send_text("lost" * 100))
    received += server.receive_bytes(client.send_text("begun", fin=False))
    with pytest.raises(MemoryError):
        client.send_continuation(b"lost", fin=True)
    keys += [KEY]
    received += server.receive_bytes(client.send_continuation(b"ended", fin=True))
    assert received == [Text("first" * 20), Text("lost" * 100), Text("begunended")]


def test_a_frame_that_fails_plain_changes_nothing(endpoint_class: type[Endpoint]) -> None:
    keys: list[bytes] = []
    client = endpoint_class(Role.CLIENT, LIMITS, [], lambda: keys.pop())
    with pytest.raises(IndexError):
        client.send_text("lost", fin=False)
    keys.append(KEY)
    assert client.send_text("whole") == bytes.fromhex("8185") + KEY + bytes.fromhex("40924e5152")


def test_without_an_agreement_nothing_is_compressed(make: Make) -> None:
    endpoint = make()
    assert endpoint.send_text("x" * 100) == b"\x81\x64" + b"x" * 100


# Calls that are wrong


def test_a_message_cannot_begin_inside_another(make: Make) -> None:
    endpoint = make()
    endpoint.send_text("Hel", fin=False)
    with pytest.raises(ValueError, match="a fragmented message is being sent"):
        endpoint.send_binary(b"")
    with pytest.raises(ValueError, match="a fragmented message is being sent"):
        endpoint.send_text("", fin=False)
    assert endpoint.send_continuation(b"lo", fin=True) == b"\x80\x02lo"


def test_nothing_cannot_be_continued(make: Make) -> None:
    endpoint = make()
    with pytest.raises(ValueError, match="there is no message to continue"):
        endpoint.send_continuation(b"", fin=True)
    endpoint.send_text("whole")
    with pytest.raises(ValueError, match="there is no message to continue"):
        endpoint.send_continuation(b"", fin=False)


def test_a_control_frame_has_at_most_125_bytes(make: Make) -> None:
    endpoint = make()
    assert len(endpoint.send_ping(bytes(125))) == len(endpoint.send_pong(bytes(125))) == 127
    for send in (endpoint.send_ping, endpoint.send_pong):
        with pytest.raises(ValueError, match="control frame payload is 126 bytes, limit 125"):
            send(bytes(126))


def test_a_text_with_half_a_surrogate_pair_is_no_text(make: Make) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        make().send_text("\ud83d")


def test_a_close_frame_that_must_not_be_sent_changes_nothing(make: Make) -> None:
    endpoint = make()
    for code, reason in ((1006, ""), (None, "why"), (1000, "x" * 124)):
        with pytest.raises(ValueError, match="close"):
            endpoint.send_close(code, reason)
    assert endpoint.state is State.OPEN
    assert endpoint.send_close(1000).hex() == "880203e8"


# The close handshake


def test_a_side_that_closes_first_reads_until_the_answer(pair: Pair) -> None:
    here, there = pair()
    close = here.send_close(4000, "enough")
    assert here.state is State.CLOSE_SENT
    assert here.receive_bytes(there.send_text("last words")) == [Text("last words")]
    assert there.receive_bytes(close) == [Close(4000, "enough")]
    assert there.state is State.CLOSE_RECEIVED
    assert here.receive_bytes(there.send_close(4000)) == [Close(4000, "")]
    assert (here.state, there.state) == (State.CLOSED, State.CLOSED)


def test_a_side_that_is_told_to_close_may_finish_its_message(pair: Pair) -> None:
    here, there = pair()
    first = there.send_text("to be ", fin=False)
    there.receive_bytes(here.send_close())
    rest = there.send_continuation(b"continued", fin=True)
    assert here.receive_bytes(first + rest) == [Text("to be continued")]
    assert there.send_close()
    assert there.state is State.CLOSED


def test_two_sides_that_close_at_once_are_both_closed(pair: Pair) -> None:
    here, there = pair()
    first, second = here.send_close(1000), there.send_close(1001)
    assert there.receive_bytes(first) == [Close(1000, "")]
    assert here.receive_bytes(second) == [Close(1001, "")]
    assert (here.state, there.state) == (State.CLOSED, State.CLOSED)


def test_a_close_frame_without_a_body_is_reported_as_1005(pair: Pair) -> None:
    here, there = pair()
    assert there.receive_bytes(here.send_close()) == [Close(1005, "")]


@pytest.mark.parametrize(
    "send",
    [
        lambda endpoint: endpoint.send_text("x"),
        lambda endpoint: endpoint.send_binary(b"x"),
        lambda endpoint: endpoint.send_ping(),
        lambda endpoint: endpoint.send_pong(),
        lambda endpoint: endpoint.send_close(1000),
    ],
    ids=["text", "binary", "ping", "pong", "close"],
)
def test_nothing_is_sent_after_a_close_frame(make: Make, send: Callable[[Endpoint], bytes]) -> None:
    endpoint = make()
    endpoint.send_close(1000)
    with pytest.raises(
        InvalidState, match=r"cannot send a \w* ?frame: the connection is close sent"
    ):
        send(endpoint)


def test_what_follows_a_close_frame_is_dropped(pair: Pair) -> None:
    here, there = pair()
    data = here.send_close(1000) + b"\x81\x05Hello\xff\xff\xff"
    assert there.receive_bytes(data) == [Close(1000, "")]
    assert there.receive_bytes(b"\x81\x05Hello") == []


@pytest.mark.parametrize("data", [b"", b"\x81", b"\x01\x02He"])
def test_after_the_end_of_the_stream_nothing_goes_either_way(make: Make, data: bytes) -> None:
    client = make(Role.CLIENT)
    assert client.receive_bytes(data) == []
    client.receive_end()
    assert client.state is State.CLOSED
    assert client.receive_bytes(b"\x81\x00") == []
    with pytest.raises(InvalidState):
        client.send_text("x")
    client.receive_end()
    assert client.state is State.CLOSED


# A peer that breaks a rule


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("8300", ProtocolError),
        ("818000000000", ProtocolError),
        ("8000", ProtocolError),
        ("c100", ProtocolError),
        ("880103", ProtocolError),
        ("880203ed", ProtocolError),
        ("8101ff", InvalidPayload),
        ("880303e8ff", InvalidPayload),
    ],
)
def test_a_broken_rule_ends_reading_after_what_came_before(
    make: Make, data: str, kind: type[PeerError]
) -> None:
    client = make(Role.CLIENT)
    text, failed = client.receive_bytes(bytes.fromhex("81024869" + data + "8100"))
    assert text == Text("Hi")
    assert type(failure([failed])) is kind
    assert client.state is State.FAILED
    assert client.receive_bytes(b"\x81\x00") == []


def test_what_came_before_a_broken_rule_may_be_answered_until_the_close_frame(make: Make) -> None:
    client = make(Role.CLIENT)
    ping, failed = client.receive_bytes(bytes.fromhex("89008300"))
    assert ping == Ping(b"")
    assert client.send_pong()
    error = failure([failed])
    server = make(Role.SERVER)
    assert server.receive_bytes(client.send_close(error.code, error.reason)) == [
        Close(1002, "opcode 0x3 is reserved")
    ]
    assert client.state is State.CLOSED


def test_a_rule_broken_instead_of_an_answer_to_a_close_frame_closes(make: Make) -> None:
    client = make(Role.CLIENT)
    client.send_close(1000)
    assert type(failure(client.receive_bytes(b"\x83\x00"))) is ProtocolError
    assert client.state is State.CLOSED


def test_a_control_frame_inside_a_message_keeps_its_place(make: Make) -> None:
    client = make(Role.CLIENT)
    data = bytes.fromhex("01024865 890131 0002 6c6c 8a0132 8001 6f")
    assert client.receive_bytes(data) == [Ping(b"1"), Pong(b"2"), Text("Hello")]


# Cost


def test_the_limit_of_fragments_holds_for_empty_ones(make: Make) -> None:
    client = make(Role.CLIENT)
    data = b"\x01\x00" + b"\x00\x00" * (LIMITS.max_fragments - 1)
    assert client.receive_bytes(data) == []
    assert type(failure(client.receive_bytes(b"\x00\x00"))) is TooManyFragments


def receive_by_the_byte(client: Endpoint, data: bytes) -> list[Event]:
    """Give what `client` makes of `data` in reads of one byte."""
    return [event for byte in data for event in client.receive_bytes(bytes([byte]))]


def count_calls(call: Callable[[], object]) -> int:
    """Count the calls, of Python and of C, that `call` makes."""
    calls = itertools.count()
    sys.setprofile(lambda frame, event, argument: next(calls))
    try:
        call()
    finally:
        sys.setprofile(None)
    return next(calls)


@pytest.mark.parametrize("parameters", [None, KEEPS], ids=["plain", "compressed"])
def test_the_calls_for_a_byte_do_not_grow_with_the_message(
    make: Make, parameters: DeflateParameters | None
) -> None:
    per_byte = []
    for size in (1_000, 2_000, 4_000):
        client, server = make(Role.CLIENT, LIMITS, parameters), make(parameters=parameters)
        data = server.send_binary(random.Random(size).randbytes(size))
        calls = count_calls(partial(receive_by_the_byte, client, data))
        per_byte.append(calls / len(data))
    assert max(per_byte) < min(per_byte) + 1


def memory_taken(call: Callable[[], object]) -> int:
    """Give the bytes that `call` allocates, also those that it frees again."""
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    call()
    return tracemalloc.get_traced_memory()[1] - before


def test_the_bytes_copied_for_a_byte_do_not_grow_with_the_message(make: Make) -> None:
    client, size = make(Role.CLIENT), 4_096
    reads = [bytes([byte]) for byte in make().send_text("x" * size)]
    tracemalloc.start()
    try:
        taken = [memory_taken(partial(client.receive_bytes, read)) for read in reads]
    finally:
        tracemalloc.stop()
    # Copying what has come so far, with each read, would make the late ones twice as dear.
    assert median(taken[-size // 4 :]) < 1.5 * median(taken[: size // 4])


# Fragments that bring nothing

COUNTED = Limits(control_rate=Rate(1))
FIRST, EMPTY, LAST, WHOLE = b"\x01\x00", b"\x00\x00", b"\x80\x00", b"\x81\x00"


@pytest.mark.parametrize("is_one_read", [True, False])
@pytest.mark.parametrize(
    ("frames", "count"),
    [
        ([WHOLE, b"\x82\x00", b"\x89\x00", b"\x8a\x00"], 0),
        ([FIRST, LAST], 2),
        ([FIRST, EMPTY, EMPTY, b"\x80\x01x"], 3),
        ([b"\x01\x01x", LAST, FIRST, EMPTY, LAST, WHOLE], 4),
        ([b"\x01\x01x", b"\x00\x01y", EMPTY], 1),
    ],
)
def test_fragments_without_payload_are_counted(
    make: Make, frames: list[bytes], count: int, is_one_read: bool
) -> None:
    endpoint = make(Role.CLIENT, COUNTED)
    found = 0
    for data in [b"".join(frames)] if is_one_read else frames:
        endpoint.receive_bytes(data)
        found += endpoint.take_empty_fragments()
    assert found == count
    assert endpoint.take_empty_fragments() == 0


def test_they_are_not_counted_where_nobody_limits_them(make: Make) -> None:
    endpoint = make(Role.CLIENT)
    endpoint.receive_bytes(FIRST + EMPTY + LAST)
    assert endpoint.take_empty_fragments() == 0


@pytest.mark.parametrize("end", [b"\x88\x00", b"\x83\x00"])
def test_after_a_goodbye_or_a_mistake_they_matter_no_more(make: Make, end: bytes) -> None:
    endpoint = make(Role.CLIENT, COUNTED)
    endpoint.receive_bytes(FIRST + EMPTY + end)
    assert endpoint.take_empty_fragments() == 0
