"""Messages: fragments, limits, inflating and checking text (RFC 6455 §5.4, §5.6; RFC 7692 §6).

This is the contract of both twins; the compiled one is asked through its endpoint.
"""

import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from tests.contracts.twins import needs
from trunkline.errors import InvalidPayload, PayloadTooBig, ProtocolError, TooManyFragments
from trunkline.limits import Limits
from trunkline.protocol.deflate import PerMessageDeflate, compressed_bound
from trunkline.protocol.events import Binary, Failed, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.frames import FrameReader, encode_frame
from trunkline.protocol.messages import MessageReader
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

TEXT, BINARY, CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION
HELLO_EURO = "Hello €".encode()
Read = Callable[[bytes], list[bytes]]
UNLIMITED = Limits(max_size=None)


class ReferenceReceiver:
    """A client that takes frames from the wire and gives messages."""

    def __init__(self, limits: Limits = UNLIMITED, *, compression: bool = False) -> None:
        parameters = DeflateParameters(server=Direction(), client=Direction())
        deflate = PerMessageDeflate(Role.CLIENT, parameters) if compression else None
        self._frames = FrameReader(Role.CLIENT)
        self._messages = MessageReader(limits, deflate)

    def receive(self, *reads: bytes) -> list[Text | Binary]:
        """Give the messages that were completed."""
        messages = []
        for data in reads:
            self._frames.feed(data)
            for part in self._frames.parts():
                message = self._messages.receive(part)
                if message is not None:
                    messages.append(message)
        return messages


class NativeReceiver:
    """A client whose frames and messages are one compiled piece."""

    def __init__(self, limits: Limits = UNLIMITED, *, compression: bool = False) -> None:
        from trunkline.native.endpoint import Endpoint

        parameters = DeflateParameters(server=Direction(), client=Direction())
        extensions = [PerMessageDeflate(Role.CLIENT, parameters)] if compression else []
        self._endpoint = Endpoint(Role.CLIENT, limits, extensions, lambda: bytes(4))

    def receive(self, *reads: bytes) -> list[Text | Binary]:
        """Give the messages that were completed; raise what is wrong."""
        messages = []
        for data in reads:
            for event in self._endpoint.receive_bytes(data):
                if isinstance(event, Failed):
                    raise event.error
                assert isinstance(event, Text | Binary)
                messages.append(event)
        return messages


Receiver = type[ReferenceReceiver] | type[NativeReceiver]


@pytest.fixture(
    params=[
        pytest.param(ReferenceReceiver, id="reference"),
        pytest.param(NativeReceiver, id="native", marks=needs("endpoint")),
    ]
)
def receiver(request: pytest.FixtureRequest) -> Receiver:
    """Ask the contract of each twin in turn."""
    twin: Receiver = request.param
    return twin


def by_the_byte(data: bytes) -> list[bytes]:
    """Cut `data` into reads of one byte."""
    return [data[i : i + 1] for i in range(len(data))]


def header(opcode: Opcode, length: int, *, rsv1: bool = False) -> bytes:
    """Give a header that announces a payload of `length` bytes, above 65,535."""
    return bytes([0x80 | 0x40 * rsv1 | opcode, 127]) + length.to_bytes(8)


def compressed(payload: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """Compress as any peer might; the flush's tail is cut off."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(flush)).removesuffix(b"\0\0\xff\xff")


def compressed_frame(opcode: Opcode, payload: bytes) -> bytes:
    """Give a message of one compressed frame."""
    return encode_frame(opcode, compressed(payload), rsv1=True)


# Messages


@pytest.mark.parametrize("read", [lambda data: [data], by_the_byte], ids=["whole", "by the byte"])
def test_messages_come_out_as_they_were_sent(receiver: Receiver, read: Read) -> None:
    data = encode_frame(TEXT, HELLO_EURO) + encode_frame(BINARY, b"\xff\x00")
    assert receiver().receive(*read(data)) == [Text("Hello €"), Binary(b"\xff\x00")]


@pytest.mark.parametrize("cut", range(len(HELLO_EURO) + 1))
def test_fragments_are_joined_wherever_they_were_cut(receiver: Receiver, cut: int) -> None:
    client = receiver()
    data = encode_frame(TEXT, HELLO_EURO[:cut], fin=False)
    assert client.receive(data) == []
    assert client.receive(encode_frame(CONTINUATION, b"", fin=False)) == []
    assert client.receive(encode_frame(CONTINUATION, HELLO_EURO[cut:])) == [Text("Hello €")]


def test_a_message_may_be_empty_in_one_frame_and_in_several(receiver: Receiver) -> None:
    empty = encode_frame(BINARY, b"", fin=False) + encode_frame(CONTINUATION, b"")
    data = encode_frame(TEXT, b"") + empty + encode_frame(TEXT, b"")
    assert receiver().receive(data) == [Text(""), Binary(b""), Text("")]


# The place of a frame


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_inside_another_is_refused(receiver: Receiver, opcode: Opcode) -> None:
    client = receiver()
    client.receive(encode_frame(TEXT, b"", fin=False))
    with pytest.raises(ProtocolError, match="new message begins inside a fragmented one"):
        client.receive(encode_frame(opcode, b"x"))


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_of_nothing_is_refused(receiver: Receiver, fin: bool) -> None:
    client = receiver()
    client.receive(encode_frame(TEXT, b"whole"))
    with pytest.raises(ProtocolError, match="continuation frame without a message"):
        client.receive(encode_frame(CONTINUATION, b"x", fin=fin))


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_the_bit_of_compression_is_refused_where_it_was_not_negotiated(
    receiver: Receiver, opcode: Opcode
) -> None:
    with pytest.raises(ProtocolError, match="RSV1 is set, and compression was not negotiated"):
        receiver().receive(encode_frame(opcode, b"x", rsv1=True))


@pytest.mark.parametrize("first_is_compressed", [True, False])
def test_the_bit_of_compression_is_refused_on_a_continuation(
    receiver: Receiver, first_is_compressed: bool
) -> None:
    client = receiver(compression=True)
    client.receive(encode_frame(TEXT, b"", fin=False, rsv1=first_is_compressed))
    with pytest.raises(ProtocolError, match="RSV1 is set on a continuation frame"):
        client.receive(encode_frame(CONTINUATION, b"", rsv1=True))


# Text


@pytest.mark.parametrize(
    "reads",
    [
        [encode_frame(TEXT, b"\xff", fin=False)],
        [encode_frame(TEXT, b"\xe2\x82", fin=False), encode_frame(CONTINUATION, b"x", fin=False)],
        [encode_frame(TEXT, b"Hello\xff and more")[:8]],
        [*by_the_byte(encode_frame(TEXT, b"\xf4\x90\x80\x80")[:4])],
    ],
    ids=["a fragment", "a code point over frames", "a part of a frame", "a code point over reads"],
)
def test_text_that_is_not_utf8_is_refused_as_soon_as_it_arrives(
    receiver: Receiver, reads: list[bytes]
) -> None:
    client = receiver()
    assert client.receive(*reads[:-1]) == []
    with pytest.raises(InvalidPayload, match="text is not valid UTF-8"):
        client.receive(reads[-1])


def test_text_that_ends_inside_a_code_point_is_refused(receiver: Receiver) -> None:
    with pytest.raises(InvalidPayload, match="ends inside a code point"):
        receiver().receive(encode_frame(TEXT, b"\xe2\x82"))


def test_bytes_need_not_be_utf8(receiver: Receiver) -> None:
    assert receiver().receive(encode_frame(BINARY, b"\xff")) == [Binary(b"\xff")]


# Limits of size


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("cut", [0, 1, 500, 1000])
def test_a_message_may_be_as_large_as_the_limit(
    receiver: Receiver, opcode: Opcode, cut: int
) -> None:
    client = receiver(Limits(max_size=1000))
    for _ in range(2):
        (message,) = client.receive(
            encode_frame(opcode, b"x" * cut, fin=False),
            encode_frame(CONTINUATION, b"x" * (1000 - cut)),
        )
        assert len(message.data) == 1000


def test_a_larger_frame_is_refused_from_its_header(receiver: Receiver) -> None:
    frame = encode_frame(BINARY, bytes(1001))
    with pytest.raises(PayloadTooBig, match="message is 1,001 bytes, limit 1,000"):
        receiver(Limits(max_size=1000)).receive(frame[:4])


def test_fragments_are_summed_and_refused_from_the_header_that_passes_the_limit(
    receiver: Receiver,
) -> None:
    client = receiver(Limits(max_size=1000))
    client.receive(encode_frame(BINARY, bytes(999), fin=False))
    client.receive(encode_frame(CONTINUATION, bytes(1), fin=False))
    with pytest.raises(PayloadTooBig, match="message is 1,001 bytes, limit 1,000"):
        client.receive(encode_frame(CONTINUATION, b"x")[:2])


@pytest.mark.parametrize("rsv1", [False, True])
def test_a_length_of_63_bits_is_refused_with_nothing_allocated(
    receiver: Receiver, rsv1: bool
) -> None:
    client = receiver(Limits(), compression=True)
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooBig):
            client.receive(header(BINARY, 2**63 - 1, rsv1=rsv1))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 65_536


def test_two_lengths_of_63_bits_do_not_wrap_around(receiver: Receiver) -> None:
    client = receiver(Limits())
    client.receive(encode_frame(BINARY, b"x", fin=False))
    with pytest.raises(PayloadTooBig, match="message is 9,223,372,036,854,775,808 bytes"):
        client.receive(header(CONTINUATION, 2**63 - 1))


def test_without_a_limit_any_length_is_waited_for(receiver: Receiver) -> None:
    client = receiver(UNLIMITED, compression=True)
    assert client.receive(header(BINARY, 2**63 - 1), b"some of it") == []
    client = receiver(UNLIMITED, compression=True)
    assert client.receive(header(BINARY, 2**63 - 1, rsv1=True)) == []


# Limits of number


def test_a_message_may_have_as_many_fragments_as_the_limit(receiver: Receiver) -> None:
    client = receiver(Limits(max_fragments=100))
    fragments = [encode_frame(CONTINUATION, b"x", fin=False)] * 98
    data = encode_frame(TEXT, b"x", fin=False) + b"".join(fragments)
    for _ in range(2):
        assert client.receive(data, encode_frame(CONTINUATION, b"x")) == [Text("x" * 100)]


@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "one byte"])
def test_one_fragment_more_is_refused(receiver: Receiver, payload: bytes) -> None:
    client = receiver(Limits(max_fragments=100))
    client.receive(encode_frame(TEXT, payload, fin=False))
    client.receive(encode_frame(CONTINUATION, payload, fin=False) * 99)
    with pytest.raises(TooManyFragments, match="message has 101 fragments, limit 100"):
        client.receive(encode_frame(CONTINUATION, payload))


@pytest.mark.parametrize("in_fragments", [True, False])
def test_what_is_kept_of_a_message_is_its_bytes_and_not_an_object_for_each_part(
    receiver: Receiver, in_fragments: bool
) -> None:
    count = 4_000
    client = receiver(Limits(max_fragments=count + 1))
    client.receive(encode_frame(BINARY, b"", fin=False))
    if not in_fragments:
        client.receive(header(CONTINUATION, 100_000))
    piece = encode_frame(CONTINUATION, b"x", fin=False) if in_fragments else b"x"
    tracemalloc.start()
    try:
        for _ in range(count):
            client.receive(piece)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # An object for each would be 33 bytes at the least.
    assert kept < 8 * count


# Compression


@pytest.mark.parametrize("read", [lambda data: [data], by_the_byte], ids=["whole", "by the byte"])
def test_compressed_and_plain_messages_may_alternate(receiver: Receiver, read: Read) -> None:
    data = (
        compressed_frame(TEXT, HELLO_EURO)
        + encode_frame(BINARY, b"plain")
        + compressed_frame(BINARY, b"")
        + compressed_frame(BINARY, b"\xff" * 300)
    )
    assert receiver(compression=True).receive(*read(data)) == [
        Text("Hello €"),
        Binary(b"plain"),
        Binary(b""),
        Binary(b"\xff" * 300),
    ]


def test_a_compressed_message_may_be_cut_into_fragments_anywhere(receiver: Receiver) -> None:
    data = compressed(HELLO_EURO * 3)
    for cut in range(len(data) + 1):
        message = receiver(compression=True).receive(
            encode_frame(TEXT, data[:cut], fin=False, rsv1=True),
            encode_frame(CONTINUATION, b"", fin=False),
            encode_frame(CONTINUATION, data[cut:]),
        )
        assert message == [Text("Hello €" * 3)]


@pytest.mark.parametrize("read", [lambda data: [data], by_the_byte], ids=["whole", "by the byte"])
@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_the_limit_holds_for_what_was_inflated(receiver: Receiver, read: Read, size: int) -> None:
    client = receiver(Limits(max_size=size), compression=True)
    (message,) = client.receive(*read(compressed_frame(BINARY, bytes(size))))
    assert message == Binary(bytes(size))
    with pytest.raises(PayloadTooBig, match=f"message is over {size:,} bytes, limit {size:,}"):
        client.receive(*read(compressed_frame(BINARY, bytes(size + 1))))


def test_fragments_that_inflate_are_summed(receiver: Receiver) -> None:
    client = receiver(Limits(max_size=1000), compression=True)
    data = compressed(bytes(1001))
    client.receive(encode_frame(BINARY, data[:3], fin=False, rsv1=True))
    with pytest.raises(PayloadTooBig):
        client.receive(encode_frame(CONTINUATION, data[3:]))


def test_a_compressed_frame_longer_than_any_that_could_fit_is_refused_from_its_header(
    receiver: Receiver,
) -> None:
    limit = 100_000
    client = receiver(Limits(max_size=limit), compression=True)
    assert client.receive(header(BINARY, compressed_bound(limit, 1), rsv1=True)) == []
    client = receiver(Limits(max_size=limit), compression=True)
    with pytest.raises(PayloadTooBig, match="message is over 100,000 bytes, limit 100,000"):
        client.receive(header(BINARY, compressed_bound(limit, 1) + 1, rsv1=True))


def test_a_small_message_in_many_compressed_fragments_is_no_too_large_one(
    receiver: Receiver,
) -> None:
    client = receiver(Limits(max_size=40), compression=True)
    sender = PerMessageDeflate(Role.SERVER, DeflateParameters(Direction(), Direction()))
    payloads = [sender.compress(b"x", fin=False) for _ in range(39)]
    payloads.append(sender.compress(b"x", fin=True))
    frames = [encode_frame(BINARY, payloads[0], fin=False, rsv1=True)]
    frames += [encode_frame(CONTINUATION, payload, fin=False) for payload in payloads[1:-1]]
    frames.append(encode_frame(CONTINUATION, payloads[-1]))
    assert client.receive(*frames) == [Binary(b"x" * 40)]


def test_compressed_text_is_checked_as_it_is_inflated(receiver: Receiver) -> None:
    data = compressed(b"\xff" + b"x" * 100)
    with pytest.raises(InvalidPayload, match="text is not valid UTF-8"):
        receiver(compression=True).receive(encode_frame(TEXT, data, rsv1=True)[:-1])


# What is found first must not depend on how bytes are cut
@pytest.mark.parametrize("read", [lambda data: [data], by_the_byte], ids=["whole", "by the byte"])
@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (compressed(b"\xff" + bytes(100)), "text is not valid UTF-8"),
        (compressed(bytes(50) + b"\xff" + bytes(50)), "message is over 50 bytes"),
        (compressed(b"\xff") + b"\0\0\xff\xff\xff", "text is not valid UTF-8"),
        (compressed(bytes(51)) + b"\0\0\xff\xff\xff", "message is over 50 bytes"),
        (compressed(bytes(50)) + b"\0\0\xff\xff\xff", "not valid deflate data"),
        (compressed(b"\xff", zlib.Z_FINISH) + b"\0\0", "text is not valid UTF-8"),
        (compressed(bytes(51), zlib.Z_FINISH) + b"\0\0", "message is over 50 bytes"),
        (compressed(bytes(50), zlib.Z_FINISH) + b"\0\0", "goes on after its last block"),
    ],
)
def test_the_first_broken_rule_is_the_one_that_is_named(
    receiver: Receiver, read: Read, payload: bytes, problem: str
) -> None:
    client = receiver(Limits(max_size=50), compression=True)
    with pytest.raises((InvalidPayload, PayloadTooBig), match=problem):
        client.receive(*read(encode_frame(TEXT, payload, rsv1=True)))
