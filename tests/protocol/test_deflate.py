"""permessage-deflate: the examples of RFC 7692 §7.2.3, every parameter, bombs and broken blocks.

This is the contract of both twins.
"""

import random
import sys
import tracemalloc
import zlib
from importlib import import_module
from itertools import product

import pytest

from tests.contracts.twins import twins
from trunkline.errors import InvalidPayload
from trunkline.protocol.deflate import PerMessageDeflate, compress_once, compressed_bound
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

TAIL = b"\x00\x00\xff\xff"
DEFAULT = DeflateParameters(server=Direction(), client=Direction())
WINDOWS = range(8, 16)
FORGETS = [False, True]
DIRECTIONS = [Direction(*values) for values in product(FORGETS, WINDOWS)]

# RFC 7692 §7.2.3: payloads as printed, without their frames
HELLO = "f248cdc9c90700"
EXAMPLES = {
    "§7.2.3.1 one block": (HELLO, b"Hello"),
    "§7.2.3.3 a block without compression": ("000500faff48656c6c6f00", b"Hello"),
    "§7.2.3.4 a block that says it is the last": ("f348cdc9c9070000", b"Hello"),
    "§7.2.3.5 two blocks": ("f248050000 00ffffcac9c90700", b"Hello"),
    "§7.2.3.6 an empty message": ("00", b""),
}


@pytest.fixture(autouse=True, params=twins("deflate", "__name__"))
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the contract of each twin in turn."""
    module = import_module(request.param)
    for name in ("PerMessageDeflate", "compress_once"):
        monkeypatch.setitem(globals(), name, getattr(module, name))


def receiver(parameters: DeflateParameters = DEFAULT) -> PerMessageDeflate:
    """Make the client's side, which inflates what a server has compressed."""
    return PerMessageDeflate(Role.CLIENT, parameters)


def inflate(deflate: PerMessageDeflate, *fragments: bytes | str, room: int | None = None) -> bytes:
    """Inflate a whole message; fragments may be in hexadecimal."""
    message = b""
    for fragment in fragments:
        data = bytes.fromhex(fragment) if isinstance(fragment, str) else fragment
        message += b"".join(deflate.inflate(data, room))
    return message + b"".join(deflate.finish_inflating(room))


def inflate_in_small_window(data: bytes, window_bits: int) -> bytes:
    """Inflate in outputs of one byte, so that zlib sees nothing but its window.

    Raises:
        zlib.error: `data` looks back further than the window.
    """
    inflater, message = zlib.decompressobj(-window_bits), b""
    while data:
        message += inflater.decompress(data, 1)
        data = inflater.unconsumed_tail
    while more := inflater.decompress(b"", 1):
        message += more
    return message


def repeating(distance: int) -> bytes:
    """Make bytes that repeat after `distance` and not before."""
    data = random.Random(distance).randbytes(distance)
    return data + data[:100]


def raw_deflate(data: bytes, flush: int) -> bytes:
    """Compress as any peer might, up to `flush`."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush(flush)


# The examples of the RFC


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_rfc_is_inflated(name: str) -> None:
    printed, message = EXAMPLES[name]
    assert inflate(receiver(), printed) == message


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_rfc_is_inflated_in_any_cut(name: str) -> None:
    printed, message = EXAMPLES[name]
    data = bytes.fromhex(printed)
    for cut in range(len(data) + 1):
        assert inflate(receiver(), data[:cut], data[cut:]) == message
    assert inflate(receiver(), *(bytes([byte]) for byte in data)) == message


def test_a_message_may_refer_to_the_one_before_it() -> None:
    deflate = receiver()
    assert inflate(deflate, HELLO) == b"Hello"
    assert inflate(deflate, "f200110000") == b"Hello"


def test_a_message_may_not_refer_to_one_that_was_to_be_forgotten() -> None:
    parameters = DeflateParameters(server=Direction(no_context_takeover=True), client=Direction())
    deflate = receiver(parameters)
    assert inflate(deflate, HELLO) == b"Hello"
    with pytest.raises(InvalidPayload):
        inflate(deflate, "f200110000")


def test_what_is_sent_is_the_example_of_the_rfc() -> None:
    deflate = PerMessageDeflate(Role.SERVER, DEFAULT)
    assert deflate.compress(b"Hello", fin=True).hex() == HELLO
    assert deflate.compress(b"Hello", fin=True).hex() == "f200110000"


def test_an_empty_message_is_sent_as_one_byte() -> None:
    deflate = PerMessageDeflate(Role.SERVER, DEFAULT)
    assert [deflate.compress(b"", fin=True) for _ in range(3)] == [b"\x00"] * 3


# Every parameter, in both directions


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("window_bits", WINDOWS)
@pytest.mark.parametrize("forgets", FORGETS)
def test_what_is_sent_keeps_to_the_window_and_the_memory_agreed_on(
    role: Role, window_bits: int, forgets: bool
) -> None:
    sends, receives = Direction(forgets, window_bits), Direction()
    pair = (sends, receives) if role is Role.SERVER else (receives, sends)
    deflate = PerMessageDeflate(role, DeflateParameters(*pair))
    edge = 2**window_bits
    distances = (200, max(edge - 262, 250), edge - 1, edge, edge + 1)
    messages = [repeating(distance) for distance in distances]
    compressed = [deflate.compress(message, fin=True) + TAIL for message in messages]
    conversations = (
        zip(compressed, messages, strict=True)
        if forgets
        else [(b"".join(compressed), b"".join(messages))]
    )
    for stream, message in conversations:
        assert inflate_in_small_window(stream, window_bits) == message


def test_looking_back_too_far_would_be_noticed() -> None:
    compressed = raw_deflate(repeating(257), zlib.Z_SYNC_FLUSH)
    assert inflate_in_small_window(compressed, 9) == repeating(257)
    with pytest.raises(zlib.error, match="too far back"):
        inflate_in_small_window(compressed, 8)


@pytest.mark.parametrize("forgets", FORGETS)
def test_memory_is_kept_from_message_to_message_unless_it_was_given_up(forgets: bool) -> None:
    parameters = DeflateParameters(server=Direction(forgets), client=Direction())
    deflate = PerMessageDeflate(Role.SERVER, parameters)
    first, second = (deflate.compress(b"a message about nothing", fin=True) for _ in range(2))
    assert (first == second) == forgets
    assert deflate.may_send_plain == forgets


def test_what_is_never_sent_is_not_referred_to() -> None:
    parameters = DeflateParameters(server=Direction(), client=Direction())
    deflate = PerMessageDeflate(Role.SERVER, parameters)
    first = deflate.compress(b"a message about nothing", fin=True)
    deflate.forget_sent()
    assert deflate.compress(b"a message about nothing", fin=True) == first


def test_fragments_of_one_message_share_their_memory_even_if_messages_do_not() -> None:
    parameters = DeflateParameters(server=Direction(no_context_takeover=True), client=Direction())
    deflate = PerMessageDeflate(Role.SERVER, parameters)
    fragment = random.Random(1).randbytes(100)
    first, second = (deflate.compress(fragment, fin=False) for _ in range(2))
    assert len(second) < 20 < len(fragment) < len(first)


@pytest.mark.parametrize("server", DIRECTIONS, ids=str)
@pytest.mark.parametrize("client", DIRECTIONS, ids=str)
def test_both_sides_understand_each_other_with_every_parameter(
    server: Direction, client: Direction
) -> None:
    parameters = DeflateParameters(server, client)
    sides = {role: PerMessageDeflate(role, parameters) for role in Role}
    for sender, reader in [(Role.SERVER, Role.CLIENT), (Role.CLIENT, Role.SERVER)] * 2:
        message = repeating(300) + b"Hello" * 99
        fragments = [
            sides[sender].compress(message[:500], fin=False),
            sides[sender].compress(b"", fin=False),
            sides[sender].compress(message[500:], fin=False),
            sides[sender].compress(b"", fin=True),
        ]
        assert inflate(sides[reader], *fragments) == message


# Compressed once for many


@pytest.mark.parametrize("window_bits", range(9, 16))
def test_what_is_compressed_once_is_read_by_all_whose_window_is_large_enough(
    window_bits: int,
) -> None:
    messages = [repeating(distance) for distance in (200, 2**window_bits - 262, 2**window_bits)]
    compressed = [compress_once(message, window_bits) for message in messages * 2]
    for payload, message in zip(compressed, messages * 2, strict=True):
        assert inflate_in_small_window(payload + TAIL, window_bits) == message
        forgets = Direction(no_context_takeover=True, max_window_bits=window_bits)
        assert inflate(receiver(DeflateParameters(forgets, Direction())), payload) == message


@pytest.mark.parametrize(("agreed_on", "window_bits"), [(8, 9), (9, 9), (12, 12), (15, 15)])
def test_the_window_that_is_sent_with_is_told(agreed_on: int, window_bits: int) -> None:
    sends, receives = Direction(max_window_bits=agreed_on), Direction()
    assert (
        PerMessageDeflate(Role.SERVER, DeflateParameters(sends, receives)).window_bits
        == PerMessageDeflate(Role.CLIENT, DeflateParameters(receives, sends)).window_bits
        == window_bits
    )


@pytest.mark.parametrize("window_bits", [8, 16])
def test_a_window_that_zlib_does_not_know_is_refused(window_bits: int) -> None:
    with pytest.raises(ValueError, match=f"window bits are {window_bits}, not 9 to 15"):
        compress_once(b"Hello", window_bits)


# Limits


def test_inflating_stops_one_byte_behind_the_limit() -> None:
    bomb = raw_deflate(bytes(10_000), zlib.Z_SYNC_FLUSH)
    assert [b"".join(receiver().inflate(bomb, room)) for room in (0, 1, 9_998)] == [
        bytes(1),
        bytes(2),
        bytes(9_999),
    ]
    assert b"".join(receiver().inflate(bomb, 10_000)) == bytes(10_000)


@pytest.mark.parametrize("room", [sys.maxsize - 1, sys.maxsize, 2**64])
def test_a_limit_may_be_as_large_as_one_likes(room: int) -> None:
    assert inflate(receiver(), HELLO, room=room) == b"Hello"


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb, limit = raw_deflate(bytes(64 * 1024 * 1024), zlib.Z_SYNC_FLUSH), 100_000
    deflate = receiver()
    tracemalloc.start()
    try:
        sizes = [len(piece) for piece in deflate.inflate(bomb, limit)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(sizes) == limit + 1
    # zlib's own copy of what it has not read yet, twice over, is as large as what arrived
    assert peak < 3 * limit + 2 * len(bomb)


def test_a_bomb_is_stopped_in_any_cut() -> None:
    bomb, deflate = raw_deflate(bytes(10_000), zlib.Z_SYNC_FLUSH), receiver()
    inflated, room = 0, 1_000
    for byte in bomb:
        inflated += len(b"".join(deflate.inflate(bytes([byte]), room - inflated)))
        if inflated > room:
            break
    assert room < inflated <= room + 1


@pytest.mark.parametrize("fragment", [1, 7, 100, 10_000])
@pytest.mark.parametrize("window_bits", [8, 15])
def test_no_honest_message_is_longer_on_the_wire_than_the_bound(
    fragment: int, window_bits: int
) -> None:
    sends = Direction(no_context_takeover=False, max_window_bits=window_bits)
    deflate = PerMessageDeflate(Role.SERVER, DeflateParameters(sends, Direction()))
    message = random.Random(fragment).randbytes(10_000)
    cuts = range(0, len(message), fragment)
    size = sum(
        len(deflate.compress(message[cut : cut + fragment], fin=cut == cuts[-1])) for cut in cuts
    )
    assert size <= compressed_bound(len(message), len(cuts))


# Broken messages


@pytest.mark.parametrize(
    "printed",
    [
        "07",  # a block of the reserved type
        "000500faee48656c6c6f00",  # a stored length and its complement that differ
        "fcffff",  # a table of more codes than there are
        "020600",  # a distance beyond the beginning
    ],
)
def test_what_is_not_deflate_data_is_refused(printed: str) -> None:
    with pytest.raises(InvalidPayload, match="not valid deflate data"):
        inflate(receiver(), printed)


@pytest.mark.parametrize("size", range(len(bytes.fromhex(HELLO))))
def test_a_message_that_ends_inside_a_block_is_refused(size: int) -> None:
    with pytest.raises(InvalidPayload):
        inflate(receiver(), bytes.fromhex(HELLO)[:size])


@pytest.mark.parametrize("printed", ["00ff0000ff48656c6c6f", "010500faff"], ids=["next", "last"])
def test_a_stored_block_that_waits_for_more_than_the_tail_is_refused(printed: str) -> None:
    with pytest.raises(InvalidPayload, match="ends inside a block"):
        inflate(receiver(), printed)


@pytest.mark.parametrize(
    "after", ["00", "0000", "01", "ff", HELLO], ids=lambda after: f"after {after}"
)
def test_nothing_but_padding_follows_the_last_block(after: str) -> None:
    padded = "f348cdc9c9070000"
    with pytest.raises(InvalidPayload, match="goes on after its last block"):
        inflate(receiver(), padded + after)
    with pytest.raises(InvalidPayload, match="goes on after its last block"):
        inflate(receiver(), padded, after)


def test_a_last_block_needs_no_padding() -> None:
    assert inflate(receiver(), "f348cdc9c90700") == b"Hello"
    assert inflate(receiver(), "f348cdc9c907", "00") == b"Hello"


def test_an_empty_fragment_may_follow_the_last_block() -> None:
    assert inflate(receiver(), "f348cdc9c9070000", "", "") == b"Hello"


def test_after_a_last_block_the_next_message_begins_anew() -> None:
    deflate = receiver()
    for _ in range(2):
        assert inflate(deflate, "f348cdc9c9070000") == b"Hello"
        assert inflate(deflate, HELLO) == b"Hello"


def test_what_stands_before_an_error_is_given_in_any_cut() -> None:
    broken = raw_deflate(b"Hello", zlib.Z_SYNC_FLUSH) + b"\xff"
    for cut in range(len(broken)):
        deflate, given = receiver(), []
        with pytest.raises(InvalidPayload, match="not valid deflate data"):
            for part in (broken[:cut], broken[cut:]):
                for piece in deflate.inflate(part, None):
                    given.append(piece)
        assert b"".join(given) == b"Hello"
