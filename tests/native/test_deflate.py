"""permessage-deflate, compiled: the same as the reference, whatever comes, whoever is in between.

The contract of both twins is tests/protocol/test_deflate.py.
"""

import os
import random
import sys
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contracts.twins import needs
from trunkline.errors import InvalidPayload, PayloadTooBig
from trunkline.limits import Limits
from trunkline.native import MODULES
from trunkline.protocol import deflate as reference
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Binary, Failed
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

pytestmark = needs("deflate")
if "deflate" in MODULES:
    from trunkline.native import deflate as native

FORGETFUL = Direction(no_context_takeover=True, max_window_bits=12)
REMEMBERING = Direction(no_context_takeover=False, max_window_bits=12)

directions = st.builds(Direction, st.booleans(), st.integers(8, 15))
repetitive = st.lists(st.sampled_from([b"a", b"Hello", b"\x00", bytes(300), b"\xff\x01"])).map(
    b"".join
)
messages = st.one_of(repetitive, st.binary(max_size=300))


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Draw what a peer may send: deflate data as any encoder makes it, and what is near to it."""
    compressor = zlib.compressobj(
        level=draw(st.integers(0, 9)),
        wbits=-draw(st.integers(9, 15)),
        strategy=draw(
            st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
        ),
    )
    flushes = st.sampled_from([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH])
    data = b""
    for message in draw(st.lists(messages, min_size=1, max_size=3)):
        data += compressor.compress(message) + compressor.flush(draw(flushes))
    end = draw(st.sampled_from([b"", b"last", b"no tail"]))
    if end == b"last":
        data += compressor.flush(zlib.Z_FINISH)
    elif end == b"no tail":
        data = data.removesuffix(reference.TAIL)
    return draw(st.one_of(st.just(data), spoiled(data)))


@st.composite
def spoiled(draw: st.DrawFn, data: bytes) -> bytes:
    """Change a byte, leave some away, or add some."""
    place = draw(st.integers(0, len(data)))
    left_out = draw(st.integers(0, 2))
    return data[:place] + draw(st.binary(max_size=2)) + data[place + left_out :]


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Cut `data` anywhere."""
    places = draw(st.lists(st.integers(0, len(data)), max_size=4).map(sorted))
    return [data[start:end] for start, end in pairwise([0, *places, len(data)])]


def pieces(deflate: Any, parts: list[bytes], room: int | None) -> Iterator[bytes]:
    """Inflate a message; what it grows by counts."""
    size = 0
    for part in [*parts, None]:
        left = None if room is None else room - size
        found = deflate.finish_inflating(left) if part is None else deflate.inflate(part, left)
        for piece in found:
            size += len(piece)
            yield piece


def outcome(deflate: Any, parts: list[bytes], room: int | None) -> tuple[bytes, str]:
    """Inflate a message as a reader does; give what came, and what stopped it."""
    message = b""
    try:
        for piece in pieces(deflate, parts, room):
            message += piece
            if room is not None and len(message) > room:
                return message[:room], "too big"
    except InvalidPayload as error:
        return message, str(error)
    return message, ""


def agrees(found: tuple[bytes, str], expected: tuple[bytes, str], room: int | None) -> bool:
    """Whether an outcome is that of the reference.

    zlib's module keeps to itself what else stands in the very byte in which deflate data breaks.
    zlib itself gives it; so the limit may be passed before the error.
    """
    if found == expected:
        return True
    message, why = found
    if expected[1] != reference.NOT_DEFLATE or not message.startswith(expected[0]):
        return False
    return why == reference.NOT_DEFLATE or (why == "too big" and len(message) == room)


# The same as the reference


@given(
    direction=directions,
    room=st.one_of(st.none(), st.integers(0, 1000), st.just(2**64)),
    data=st.data(),
)
def test_any_bytes_in_any_cuts_are_inflated_as_by_the_reference(
    direction: Direction, room: int | None, data: st.DataObject
) -> None:
    parameters = DeflateParameters(direction, direction)
    modules = (reference, native, native)
    twins = [module.PerMessageDeflate(Role.SERVER, parameters) for module in modules]
    for stream in data.draw(st.lists(st.one_of(streams(), st.binary(max_size=40)), max_size=3)):
        expected, found, again = (outcome(twin, data.draw(cut(stream)), room) for twin in twins)
        assert agrees(found, expected, room)
        assert found == again
        if expected[1]:
            break


@given(room=st.integers(0, 40), stream=streams(), data=st.data())
def test_the_limit_and_an_error_come_in_the_same_order_as_in_the_reference(
    room: int, stream: bytes, data: st.DataObject
) -> None:
    parameters = DeflateParameters(FORGETFUL, FORGETFUL)
    expected, found, again = (
        outcome(module.PerMessageDeflate(Role.SERVER, parameters), data.draw(cut(stream)), room)
        for module in (reference, native, native)
    )
    assert agrees(found, expected, room)
    assert found == again


@example(sends=REMEMBERING, sent=[[b"", b""], [b""], [b""]])
@given(sends=directions, sent=st.lists(st.lists(messages, min_size=1, max_size=4), max_size=4))
def test_the_reference_reads_what_is_sent(sends: Direction, sent: list[list[bytes]]) -> None:
    parameters = DeflateParameters(sends, Direction())
    ours = native.PerMessageDeflate(Role.SERVER, parameters)
    theirs = reference.PerMessageDeflate(Role.CLIENT, parameters)
    for fragments in sent:
        last = len(fragments) - 1
        payloads = [
            ours.compress(fragment, fin=index == last) for index, fragment in enumerate(fragments)
        ]
        assert outcome(theirs, payloads, None) == (b"".join(fragments), "")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 63, 64, 2_047, 2_048, 65_535, 65_536, 3_000_000])
def test_what_cannot_be_compressed_is_sent_all_the_same(size: int) -> None:
    parameters = DeflateParameters(REMEMBERING, REMEMBERING)
    ours = native.PerMessageDeflate(Role.SERVER, parameters)
    theirs = native.PerMessageDeflate(Role.CLIENT, parameters)
    for seed in range(2):
        message = random.Random(seed).randbytes(size)
        payload = ours.compress(message, fin=True)
        assert len(payload) <= reference.compressed_bound(size, 1)
        assert outcome(theirs, [payload], size) == (message, "")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_compressed(kind: type[Any]) -> None:
    deflate = native.PerMessageDeflate(Role.SERVER, DeflateParameters(FORGETFUL, FORGETFUL))
    assert deflate.compress(kind(b"Hello"), fin=True).hex() == "f248cdc9c90700"
    assert native.compress_once(kind(b"Hello"), 12).hex() == "f248cdc9c90700"


# In the compiled endpoint, which inflates to where the message is gathered


def events(endpoint: Any, parts: list[bytes]) -> list[tuple[str, object]]:
    """Give what an endpoint makes of what it receives, in a form that can be compared."""
    found = [event for part in parts for event in endpoint.receive_bytes(part)]
    return [
        (type(event.error).__name__, str(event.error))
        if isinstance(event, Failed)
        else (type(event).__name__, event)
        for event in found
    ]


def frames(opcode: Opcode, stream: bytes, cuts: list[int]) -> bytes:
    """Put a compressed message into fragments."""
    parts = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    return b"".join(
        encode_frame(
            opcode if index == 0 else Opcode.CONTINUATION,
            part,
            fin=index == len(cuts),
            rsv1=index == 0,
            mask_key=b"mask",
        )
        for index, part in enumerate(parts)
    )


@needs("endpoint")
@given(
    receives=directions,
    opcode=st.sampled_from([Opcode.TEXT, Opcode.BINARY]),
    max_size=st.one_of(st.none(), st.integers(0, 1000)),
    data=st.data(),
)
def test_the_compiled_endpoint_reads_what_the_reference_reads(
    receives: Direction, opcode: Opcode, max_size: int | None, data: st.DataObject
) -> None:
    from trunkline.native.endpoint import Endpoint as NativeEndpoint

    limits, parameters = Limits(max_size=max_size), DeflateParameters(FORGETFUL, receives)
    wire = b""
    for stream in data.draw(st.lists(streams(), min_size=1, max_size=3)):
        places = st.lists(st.integers(0, len(stream)), max_size=3).map(sorted)
        wire += frames(opcode, stream, data.draw(places))
    expected, theirs, ours = (
        events(
            endpoint(Role.SERVER, limits, [module.PerMessageDeflate(Role.SERVER, parameters)]),
            data.draw(cut(wire)),
        )
        for endpoint, module in [
            (Endpoint, reference),
            (Endpoint, native),
            (NativeEndpoint, native),
        ]
    )
    assert ours == theirs
    if expected[-1:] == [("InvalidPayload", reference.NOT_DEFLATE)]:
        # The last may be about what the reference does not get to see: see agrees().
        expected, ours = expected[:-1], ours[:-1]
    assert ours == expected


@needs("endpoint")
@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1023, 1024, 1025, 100_000, 3_000_000])
@pytest.mark.parametrize("beyond", [0, 1])
def test_the_compiled_endpoint_reads_a_message_up_to_the_limit(size: int, beyond: int) -> None:
    from trunkline.native.endpoint import Endpoint as NativeEndpoint

    deflate = native.PerMessageDeflate(Role.SERVER, DeflateParameters(FORGETFUL, FORGETFUL))
    endpoint = NativeEndpoint(Role.SERVER, Limits(max_size=size), [deflate])
    message = native.compress_once(bytes(size + beyond), 12)
    (event,) = endpoint.receive_bytes(frames(Opcode.BINARY, message, []))
    if beyond:
        assert isinstance(event, Failed)
        assert isinstance(event.error, PayloadTooBig)
    else:
        assert event == Binary(bytes(size))


# Many connections


@given(
    forgets=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=5),
    steps=st.lists(st.tuples(st.integers(0, 4), messages, st.booleans()), max_size=40),
)
def test_messages_of_connections_that_take_turns_never_mix(
    forgets: list[tuple[bool, bool]], steps: list[tuple[int, bytes, bool]]
) -> None:
    """Fragments of one stand between whole messages and fragments of the others."""
    pairs, under_way = [], [(b"", b"")] * len(forgets)
    for ours, theirs in forgets:
        parameters = DeflateParameters(Direction(ours, 12), Direction(theirs, 12))
        pairs.append(tuple(native.PerMessageDeflate(role, parameters) for role in Role))
    for connection, fragment, fin in steps:
        connection %= len(pairs)
        sent, received = under_way[connection]
        for sender, reader in (pairs[connection], pairs[connection][::-1]):
            payload = sender.compress(fragment, fin=fin)
            inflated = b"".join(reader.inflate(payload, None))
            if fin:
                inflated += b"".join(reader.finish_inflating(None))
        sent, received = sent + fragment, received + inflated
        assert received == sent
        under_way[connection] = (b"", b"") if fin else (sent, received)


def test_what_a_lost_connection_leaves_behind_is_not_found_by_the_next() -> None:
    parameters = DeflateParameters(FORGETFUL, FORGETFUL)
    secret = random.Random(1).randbytes(100)
    fresh = native.compress_once(secret, 12)
    for _ in range(3):
        lost = native.PerMessageDeflate(Role.SERVER, parameters)
        lost.compress(secret, fin=False)
        assert outcome(lost, [fresh[:50]], None)[1]
        del lost
        deflate = native.PerMessageDeflate(Role.SERVER, parameters)
        assert deflate.compress(secret, fin=True) == fresh
        assert outcome(deflate, [fresh], None) == (secret, "")


def test_a_generator_that_is_left_alone_harms_nobody() -> None:
    parameters = DeflateParameters(FORGETFUL, FORGETFUL)
    bomb = native.compress_once(bytes(1_000_000), 12)
    left = native.PerMessageDeflate(Role.SERVER, parameters).inflate(bomb, None)
    assert set(next(left)) == {0}
    deflate = native.PerMessageDeflate(Role.SERVER, parameters)
    assert outcome(deflate, [native.compress_once(b"Hello", 12)], 5) == (b"Hello", "")
    assert sum(map(len, left)) < 1_000_000


def test_a_connection_without_memory_is_small() -> None:
    deflate = native.PerMessageDeflate(Role.SERVER, DeflateParameters(FORGETFUL, FORGETFUL))
    assert sys.getsizeof(deflate) <= 64


def test_a_process_that_was_forked_in_mid_message_goes_on() -> None:
    parameters = DeflateParameters(REMEMBERING, FORGETFUL)
    server = native.PerMessageDeflate(Role.SERVER, parameters)
    client = native.PerMessageDeflate(Role.CLIENT, parameters)
    assert b"".join(client.inflate(server.compress(b"Hello", fin=False), None)) == b"Hello"
    child = os.fork()
    rest = outcome(client, [server.compress(b", world", fin=True)], None)
    if child == 0:
        os._exit(rest != (b", world", ""))
    assert rest == (b", world", "")
    assert os.waitpid(child, 0)[1] == 0


# Use that is wrong


def test_only_bytes_are_taken() -> None:
    deflate = native.PerMessageDeflate(Role.SERVER, DeflateParameters(FORGETFUL, FORGETFUL))
    with pytest.raises(TypeError):
        deflate.compress("Hello", fin=True)
    with pytest.raises(TypeError):
        list(deflate.inflate("Hello", None))


def test_a_message_that_never_began_does_not_end_well() -> None:
    deflate = native.PerMessageDeflate(Role.SERVER, DeflateParameters(FORGETFUL, FORGETFUL))
    assert outcome(deflate, [], None) == (b"", reference.ENDS_INSIDE)
