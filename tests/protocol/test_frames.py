"""Frames: the examples of RFC 6455 §5.7, every rule of §5.1–§5.5 broken once, and any cuts."""

import tracemalloc

import pytest

from trunkline.errors import ProtocolError
from trunkline.protocol.frames import (
    FrameHeader,
    FramePart,
    FrameReader,
    encode_frame,
    parse_header,
)
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

KEY = bytes.fromhex("37fa213d")
CONTROL = [Opcode.CLOSE, Opcode.PING, Opcode.PONG]
DATA = [Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY]

# RFC 6455 §5.7: bytes as printed, the side that receives them, and what they are
EXAMPLES = {
    "an unmasked text": ("810548656c6c6f", Role.CLIENT, Opcode.TEXT, b"Hello", True),
    "a masked text": ("818537fa213d7f9f4d5158", Role.SERVER, Opcode.TEXT, b"Hello", True),
    "a first fragment": ("010348656c", Role.CLIENT, Opcode.TEXT, b"Hel", False),
    "a last fragment": ("80026c6f", Role.CLIENT, Opcode.CONTINUATION, b"lo", True),
    "an unmasked ping": ("890548656c6c6f", Role.CLIENT, Opcode.PING, b"Hello", True),
    "a masked pong": ("8a8537fa213d7f9f4d5158", Role.SERVER, Opcode.PONG, b"Hello", True),
}
LONG_EXAMPLES = {
    "256 bytes": ("827e0100", 256),
    "64 KiB": ("827f0000000000010000", 65_536),
}


def read(data: bytes, role: Role = Role.CLIENT) -> list[FramePart]:
    """Give the parts of `data` as it arrives at once."""
    reader = FrameReader(role)
    reader.feed(data)
    return list(reader.parts())


def read_in_cuts(data: bytes, size: int, role: Role) -> list[FramePart]:
    """Give the parts of `data` as it arrives in pieces of `size` bytes."""
    reader = FrameReader(role)
    parts: list[FramePart] = []
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
        parts += reader.parts()
    return parts


def joined(parts: list[FramePart]) -> list[tuple[FrameHeader, bytes]]:
    """Put the parts of each frame together again."""
    frames: list[tuple[FrameHeader, bytes]] = []
    for part in parts:
        if part.starts:
            frames.append((part.header, b""))
        header, payload = frames.pop()
        assert part.header is header
        frames.append((header, payload + part.payload))
        assert part.ends == (len(payload + part.payload) == header.length)
    return frames


# The examples of the RFC


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_rfc_is_read(name: str) -> None:
    printed, role, opcode, payload, fin = EXAMPLES[name]
    (part,) = read(bytes.fromhex(printed), role)
    assert (part.header.opcode, part.payload, part.header.fin) == (opcode, payload, fin)
    assert part.starts
    assert part.ends


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_rfc_is_written_as_printed(name: str) -> None:
    printed, role, opcode, payload, fin = EXAMPLES[name]
    key = KEY if role is Role.SERVER else None
    assert encode_frame(opcode, payload, fin=fin, mask_key=key).hex() == printed


@pytest.mark.parametrize("name", LONG_EXAMPLES)
def test_a_long_example_of_the_rfc_begins_as_printed(name: str) -> None:
    head, size = LONG_EXAMPLES[name]
    frame = encode_frame(Opcode.BINARY, bytes(size))
    assert frame == bytes.fromhex(head) + bytes(size)
    assert [part.payload for part in read(frame)] == [bytes(size)]


# Lengths


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("role", list(Role))
def test_a_length_comes_back_whatever_form_it_takes(size: int, role: Role) -> None:
    payload = bytes(i % 251 for i in range(size))
    key = KEY if role is Role.SERVER else None
    frame = encode_frame(Opcode.BINARY, payload, mask_key=key)
    ((header, received),) = joined(read(frame, role))
    assert header == FrameHeader(True, False, Opcode.BINARY, size, key)
    assert received == payload


@pytest.mark.parametrize(
    ("head", "length"),
    [
        ("827e0000", "0"),
        ("827e007d", "125"),
        ("827f0000000000000000", "0"),
        ("827f000000000000007d", "125"),
        ("827f000000000000007e", "126"),
        ("827f000000000000ffff", "65,535"),
    ],
)
def test_a_length_that_is_not_in_its_shortest_form_is_refused(head: str, length: str) -> None:
    with pytest.raises(ProtocolError, match=f"^frame length {length} is not in its shortest form"):
        read(bytes.fromhex(head))


@pytest.mark.parametrize("head", ["827e007e", "827effff", "827f0000000000010000"])
def test_the_smallest_and_largest_length_of_each_form_are_taken(head: str) -> None:
    (part,) = read(bytes.fromhex(head))
    assert part.header.length == int(head[4:], 16)


def test_a_length_of_63_bits_is_told_from_the_header_with_nothing_allocated() -> None:
    tracemalloc.start()
    try:
        (part,) = read(bytes.fromhex("827f7fffffffffffffff"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert part.header.length == 2**63 - 1
    assert (part.payload, part.ends) == (b"", False)
    assert peak < 16_384


@pytest.mark.parametrize("head", ["827f8000000000000000", "827fffffffffffffffff"])
def test_a_length_of_64_bits_is_refused(head: str) -> None:
    with pytest.raises(ProtocolError, match="most significant bit"):
        read(bytes.fromhex(head))


def test_a_length_is_judged_before_the_mask_key_arrives() -> None:
    with pytest.raises(ProtocolError, match="most significant bit"):
        read(bytes.fromhex("82ff8000000000000000"), Role.SERVER)


# Reserved bits and opcodes


@pytest.mark.parametrize("bits", [0x10, 0x20, 0x30, 0x50, 0x60, 0x70])
def test_reserved_bits_without_a_meaning_are_refused(bits: int) -> None:
    with pytest.raises(ProtocolError, match="RSV2 or RSV3"):
        read(bytes([0x81 | bits, 0]))


@pytest.mark.parametrize("opcode", DATA)
def test_the_bit_of_compression_is_reported_on_data_frames(opcode: Opcode) -> None:
    (part,) = read(encode_frame(opcode, b"x", rsv1=True))
    assert part.header.rsv1


@pytest.mark.parametrize("opcode", CONTROL)
def test_the_bit_of_compression_is_refused_on_control_frames(opcode: Opcode) -> None:
    with pytest.raises(ProtocolError, match="RSV1 is set on a control frame"):
        read(encode_frame(opcode, b"", rsv1=True))


@pytest.mark.parametrize("opcode", [*range(0x3, 0x8), *range(0xB, 0x10)])
def test_a_reserved_opcode_is_refused_by_number(opcode: int) -> None:
    with pytest.raises(ProtocolError, match=f"opcode {opcode:#x} is reserved"):
        read(bytes([0x80 | opcode, 0]))


# Masking


@pytest.mark.parametrize("opcode", list(Opcode))
def test_a_server_refuses_a_frame_that_is_not_masked(opcode: Opcode) -> None:
    with pytest.raises(ProtocolError, match="client frame is not masked"):
        read(encode_frame(opcode, b""), Role.SERVER)


@pytest.mark.parametrize("opcode", list(Opcode))
def test_a_client_refuses_a_frame_that_is_masked(opcode: Opcode) -> None:
    with pytest.raises(ProtocolError, match="server frame is masked"):
        read(encode_frame(opcode, b"", mask_key=KEY), Role.CLIENT)


# Control frames


@pytest.mark.parametrize("opcode", CONTROL)
def test_a_control_frame_may_have_125_bytes(opcode: Opcode) -> None:
    (part,) = read(encode_frame(opcode, bytes(125)))
    assert part.payload == bytes(125)


@pytest.mark.parametrize("opcode", CONTROL)
@pytest.mark.parametrize("second", [126, 127])
def test_a_longer_control_frame_is_refused_from_its_first_two_bytes(
    opcode: Opcode, second: int
) -> None:
    with pytest.raises(ProtocolError, match="control frame is over 125 bytes"):
        read(bytes([0x80 | opcode, second]))


@pytest.mark.parametrize("opcode", CONTROL)
def test_a_fragmented_control_frame_is_refused(opcode: Opcode) -> None:
    with pytest.raises(ProtocolError, match="control frame is fragmented"):
        read(encode_frame(opcode, b"", fin=False))


def test_a_control_frame_comes_in_one_part() -> None:
    frame = encode_frame(Opcode.PING, b"Hello", mask_key=KEY)
    parts = read_in_cuts(frame, 1, Role.SERVER)
    assert [(part.payload, part.starts, part.ends) for part in parts] == [(b"Hello", True, True)]


# Parts


def test_nothing_is_known_of_a_header_while_bytes_are_missing() -> None:
    whole = encode_frame(Opcode.BINARY, bytes(65_536), mask_key=KEY)
    known = [parse_header(whole[:size], 0, Role.SERVER) is not None for size in range(15)]
    assert known == [False] * 14 + [True]


def test_a_header_is_parsed_where_it_stands() -> None:
    data = b"before" + encode_frame(Opcode.TEXT, b"Hello", mask_key=KEY)
    header = FrameHeader(True, False, Opcode.TEXT, 5, KEY)
    assert parse_header(data, 6, Role.SERVER) == (header, 12)


def test_a_first_part_comes_with_the_header_even_without_a_payload() -> None:
    reader = FrameReader(Role.CLIENT)
    reader.feed(bytes.fromhex("8105"))
    assert [(part.payload, part.starts, part.ends) for part in reader.parts()] == [
        (b"", True, False)
    ]
    reader.feed(b"Hel")
    reader.feed(b"lo")
    assert [(part.payload, part.starts, part.ends) for part in reader.parts()] == [
        (b"Hello", False, True)
    ]
    assert list(reader.parts()) == []


def test_an_empty_frame_is_one_empty_part() -> None:
    ((header, payload),) = joined(read(encode_frame(Opcode.TEXT, b"")))
    assert (header.length, payload) == (0, b"")


@pytest.mark.parametrize("size", range(1, 24))
@pytest.mark.parametrize("role", list(Role))
def test_frames_are_the_same_in_any_cuts(size: int, role: Role) -> None:
    key = KEY if role is Role.SERVER else None
    stream = b"".join(
        [
            encode_frame(Opcode.TEXT, b"Hel", fin=False, mask_key=key),
            encode_frame(Opcode.PING, b"are you there?", mask_key=key),
            encode_frame(Opcode.CONTINUATION, b"", fin=False, mask_key=key),
            encode_frame(Opcode.CONTINUATION, b"lo", mask_key=key),
            encode_frame(Opcode.BINARY, bytes(range(200)), rsv1=True, mask_key=key),
            encode_frame(Opcode.CLOSE, b"\x03\xe8", mask_key=key),
        ]
    )
    assert joined(read_in_cuts(stream, size, role)) == joined(read(stream, role))


def test_frames_before_a_broken_one_are_given() -> None:
    reader = FrameReader(Role.CLIENT)
    reader.feed(encode_frame(Opcode.PING, b"1") + bytes([0x83, 0]))
    parts = reader.parts()
    assert next(parts).payload == b"1"
    with pytest.raises(ProtocolError):
        next(parts)


def test_what_is_forgotten_does_not_come_back() -> None:
    reader = FrameReader(Role.CLIENT)
    reader.feed(encode_frame(Opcode.PING, b"1") + encode_frame(Opcode.PING, b"2"))
    assert next(reader.parts()).payload == b"1"
    reader.clear()
    assert list(reader.parts()) == []
