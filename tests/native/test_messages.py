"""Unfinished frames and messages, compiled: where their bytes lie, and what that costs.

What both twins promise is in tests/protocol/test_messages.py.
"""

from __future__ import annotations

import tracemalloc

import pytest

from tests.contracts.twins import needs
from trunkline.errors import InvalidPayload
from trunkline.limits import Limits
from trunkline.native import MODULES
from trunkline.protocol.events import Binary, Event, Failed, Ping, Text
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

if "endpoint" in MODULES:
    from trunkline.native.endpoint import Endpoint

pytestmark = needs("endpoint")

KIB = 1024
MIB = 1024 * KIB
KEY = bytes.fromhex("37fa213d")
UNLIMITED = Limits(max_size=None)


def server() -> Endpoint:
    """Make a side that reads what is masked, of any size."""
    return Endpoint(Role.SERVER, UNLIMITED)


def receive(endpoint: Endpoint, data: bytes, size: int) -> list[Event]:
    """Give the events of `data` in reads of `size`."""
    reads = [data[at : at + size] for at in range(0, len(data), size)]
    return [event for read in reads for event in endpoint.receive_bytes(read)]


# Large payloads, which are received where they stay


@pytest.mark.parametrize("read", [1000, 16 * KIB, 64 * KIB + 3, 5 * MIB])
@pytest.mark.parametrize("size", [16 * KIB, 64 * KIB + 1, 4 * MIB, 4 * MIB + 1, 9 * MIB])
def test_a_large_payload_arrives_whole_in_any_reads(read: int, size: int) -> None:
    payload = bytes(range(251)) * (size // 251) + bytes(size % 251)
    data = encode_frame(Opcode.BINARY, payload, mask_key=KEY)
    small = encode_frame(Opcode.PING, b"behind it", mask_key=KEY)
    assert receive(server(), data + small, read) == [Binary(payload), Ping(b"behind it")]


@pytest.mark.parametrize("read", [1000, 64 * KIB, 5 * MIB])
def test_large_fragments_are_joined_with_small_ones(read: int) -> None:
    parts = ["ä" * 40_000, "b", "", "€" * 100_000, "end"]
    opcodes = [Opcode.TEXT] + [Opcode.CONTINUATION] * 4
    data = b"".join(
        encode_frame(opcode, part.encode(), fin=part == "end", mask_key=KEY)
        for opcode, part in zip(opcodes, parts, strict=True)
    )
    assert receive(server(), data * 2, read) == [Text("".join(parts))] * 2


@pytest.mark.parametrize("place", [0, 20_000, 99_999])
@pytest.mark.parametrize("read", [1000, 30_000])
def test_wrong_text_in_a_large_payload_is_refused_when_it_arrives(place: int, read: int) -> None:
    payload = b"a" * place + b"\xff" + b"a" * (99_999 - place)
    data = encode_frame(Opcode.TEXT, payload, mask_key=KEY)
    endpoint = server()
    end = len(data) - len(payload) + place
    assert receive(endpoint, data[:end], read) == []
    (failed,) = endpoint.receive_bytes(data[end : end + 1])
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, InvalidPayload)


# Memory

MANY = 50


def held() -> int:
    """Give the bytes that were allocated from here: a test runner may have other threads."""
    snapshot = tracemalloc.take_snapshot()
    ours = snapshot.filter_traces([tracemalloc.Filter(True, __file__)])
    return sum(trace.size for trace in ours.traces)


def memory_of(*reads: bytes) -> int:
    """Give the bytes that are held for what `reads` left unfinished."""
    endpoint = server()
    tracemalloc.start()
    try:
        for read in reads:
            assert endpoint.receive_bytes(read) == []
        return held()
    finally:
        tracemalloc.stop()


def header(length: int) -> bytes:
    """Give the header of a masked binary message of so many bytes."""
    return bytes([0x82, 0xFF]) + length.to_bytes(8) + KEY


def test_a_length_that_is_declared_and_not_sent_costs_no_more_than_4_mib() -> None:
    assert memory_of(header(2**62)) < 4 * MIB + 2 * KIB


def test_what_was_received_is_held_with_half_as_much_room_at_the_most() -> None:
    parts = [header(2**62), *[bytes(64 * KIB)] * 200]
    assert memory_of(*parts) < 1.5 * 200 * 64 * KIB + MIB


def test_an_unfinished_header_costs_less_than_half_a_kib() -> None:
    assert memory_of(header(2**62)[:9]) < 512


@pytest.mark.parametrize("size", [1, 126, 70_000])
def test_nothing_is_held_when_nothing_is_unfinished(size: int) -> None:
    # So many that it does not count what a tracer allocates for itself.
    endpoints = [server() for _ in range(MANY)]
    data = encode_frame(Opcode.TEXT, b"x" * size, mask_key=KEY)
    tracemalloc.start()
    try:
        for endpoint in endpoints:
            receive(endpoint, data * 2, 50)
        assert held() < MANY * 64
    finally:
        tracemalloc.stop()
