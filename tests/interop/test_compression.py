"""permessage-deflate: agreed on, used, and with the memory and the window that were agreed on."""

import random

import pytest

from tests.interop.meeting import Meeting, meet, our
from tests.interop.peers import Peer, Settings
from tests.interop.tap import Tap
from trunkline import Deflate
from trunkline.limits import KIB
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

SMALLEST_WINDOW = 9  # bits; the smallest that zlib can write
LARGEST_WINDOW = 15
MANY_WINDOWS = [SMALLEST_WINDOW, 12, LARGEST_WINDOW]

# Digits of which each is new: compressed to half their size by themselves, to nothing if repeated.
SHORT = random.Random(1).randbytes(100).hex()
LONG = random.Random(2).randbytes(KIB).hex()
TWICE_LONG = LONG + LONG


def deflate(*, takeover: bool, server_bits: int, client_bits: int) -> Deflate:
    return Deflate(
        server_no_context_takeover=not takeover,
        client_no_context_takeover=not takeover,
        server_max_window_bits=server_bits,
        client_max_window_bits=client_bits,
    )


async def exchange(meeting: Meeting, message: str) -> None:
    """Send a message in both directions, and check that it arrives."""
    await meeting.ours.send(message)
    assert await meeting.theirs.receive() == message
    await meeting.theirs.send(message)
    assert await meeting.ours.recv() == message


def compressed_sizes(tap: Tap, sender: Role) -> list[int]:
    """Give the bytes of each message on the wire, all of which are marked as compressed."""
    frames = [frame for frame in tap.frames(sender) if frame.opcode < Opcode.CLOSE]
    assert all(frame.rsv1 and frame.fin for frame in frames)
    return [len(frame.payload) for frame in frames]


@pytest.mark.parametrize("bits", MANY_WINDOWS)
async def test_with_takeover_what_was_sent_before_costs_nothing(
    peer: Peer, role: Role, bits: int, tap: Tap
):
    wanted = deflate(takeover=True, server_bits=bits, client_bits=bits)
    async with meet(peer, role, Settings(deflate=wanted), tap=tap, compression=wanted) as meeting:
        assert meeting.ours.extensions and meeting.theirs.is_compressed
        await exchange(meeting, SHORT)
        await exchange(meeting, SHORT)
    assert "no_context_takeover" not in tap.head(Role.SERVER)
    for sender in Role:
        first, second = compressed_sizes(tap, sender)
        assert second < first / 4 < len(SHORT) / 4


@pytest.mark.parametrize("bits", MANY_WINDOWS)
async def test_without_takeover_each_message_stands_for_itself(
    peer: Peer, role: Role, bits: int, tap: Tap
):
    wanted = deflate(takeover=False, server_bits=bits, client_bits=bits)
    async with meet(peer, role, Settings(deflate=wanted), tap=tap, compression=wanted) as meeting:
        assert meeting.ours.extensions and meeting.theirs.is_compressed
        await exchange(meeting, SHORT)
        await exchange(meeting, SHORT)
    assert "server_no_context_takeover" in tap.head(Role.SERVER)
    for sender in Role:
        first, second = compressed_sizes(tap, sender)
        assert second == first < len(SHORT)


@pytest.mark.parametrize("takeover", [True, False], ids=["takeover", "no_takeover"])
@pytest.mark.parametrize(
    "windows",
    [(SMALLEST_WINDOW, LARGEST_WINDOW), (LARGEST_WINDOW, SMALLEST_WINDOW)],
    ids=["small_server_window", "small_client_window"],
)
async def test_each_direction_keeps_to_its_own_window(
    peer: Peer, role: Role, windows: tuple[int, int], takeover: bool, tap: Tap
):
    server_bits, client_bits = windows
    wanted = deflate(takeover=takeover, server_bits=server_bits, client_bits=client_bits)
    async with meet(peer, role, Settings(deflate=wanted), tap=tap, compression=wanted) as meeting:
        await exchange(meeting, TWICE_LONG)
    for sender, bits in {Role.SERVER: server_bits, Role.CLIENT: client_bits}.items():
        (size,) = compressed_sizes(tap, sender)
        reaches_back = size < len(LONG)
        assert reaches_back is (bits == LARGEST_WINDOW)


@pytest.mark.parametrize("takeover", [True, False], ids=["takeover", "no_takeover"])
async def test_large_and_repeating_messages_survive(peer: Peer, role: Role, takeover: bool):
    wanted = deflate(takeover=takeover, server_bits=12, client_bits=12)
    theirs = Settings(deflate=wanted)
    async with meet(peer, role, theirs, compression=wanted) as meeting:
        for message in ("", "é" * 64 * KIB, TWICE_LONG * 50, "x", SHORT):
            await exchange(meeting, message)


async def test_the_peer_reads_a_window_of_eight_bits(peer: Peer, role: Role, tap: Tap):
    # zlib cannot write one: we write nine bits and do not look back further than eight allow.
    bits = {Role.CLIENT: LARGEST_WINDOW, Role.SERVER: LARGEST_WINDOW, our(role): 8}
    ours = deflate(takeover=True, server_bits=bits[Role.SERVER], client_bits=bits[Role.CLIENT])
    theirs = deflate(takeover=True, server_bits=LARGEST_WINDOW, client_bits=LARGEST_WINDOW)
    async with meet(peer, role, Settings(deflate=theirs), tap=tap, compression=ours) as meeting:
        for message in (SHORT, TWICE_LONG, "é" * 64 * KIB):
            await meeting.ours.send(message)
            assert await meeting.theirs.receive() == message
    assert len(compressed_sizes(tap, our(role))) == 3


async def test_a_peer_that_does_not_compress_is_sent_plain_frames(peer: Peer, role: Role, tap: Tap):
    async with meet(peer, role, tap=tap) as meeting:
        assert not (meeting.ours.extensions or meeting.theirs.is_compressed)
        await exchange(meeting, TWICE_LONG)
    for sender in Role:
        assert not any(frame.rsv1 for frame in tap.frames(sender))


async def test_we_send_plain_frames_where_we_do_not_compress(peer: Peer, role: Role, tap: Tap):
    theirs = Settings(deflate=Deflate())
    async with meet(peer, role, theirs, tap=tap, compression=None) as meeting:
        assert not (meeting.ours.extensions or meeting.theirs.is_compressed)
        await exchange(meeting, TWICE_LONG)
    for sender in Role:
        assert not any(frame.rsv1 for frame in tap.frames(sender))
