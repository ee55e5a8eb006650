"""Messages of every size, in one frame and in many."""

import asyncio

import pytest

from tests.interop.meeting import meet, our
from tests.interop.peers import Data, Peer, Settings
from tests.interop.tap import Tap
from trunkline import Deflate
from trunkline.limits import KIB, MIB
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

FRAGMENTING_PEERS = ["websockets", "node"]  # aiohttp has no way to send fragments

# The sizes at which the length of a frame takes another form, and around them.
SIZES_BYTES = [0, 1, 125, 126, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 1 * MIB]
TEXTS = {
    "an_empty_text": "",
    "ascii": "Hello, world",
    "multi_byte": "Grüße, мир, 世界, 🌍",
    **{f"{size}_bytes_of_text": "é" * (size // 2) + "x" * (size % 2) for size in SIZES_BYTES[2:]},
}
BINARIES = {f"{size}_bytes": (bytes(range(256)) * (size // 256 + 1))[:size] for size in SIZES_BYTES}
MESSAGES = TEXTS | BINARIES

PARTS: dict[str, list[Data]] = {
    "text": ["Grü", "", "ße, ", "世界" * 100],
    "binary": [b"\x00\x01", b"", b"\xff" * 1000, b"end"],
}
DEFLATE = [None, Deflate()]
DEFLATE_IDS = ["plain", "compressed"]


def whole(parts: list[Data]) -> Data:
    return type(parts[0])().join(parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
async def test_a_message_arrives_as_it_was_sent(peer: Peer, role: Role, message: Data):
    async with meet(peer, role, compression=None) as meeting:
        await meeting.ours.send(message)
        assert await meeting.theirs.receive() == message
        received, _ = await asyncio.gather(meeting.ours.recv(), meeting.theirs.send(message))
        assert received == message


async def test_messages_arrive_in_order_and_keep_their_kind(peer: Peer, role: Role):
    messages = [data for number in range(50) for data in (str(number), bytes([number]))]
    async with meet(peer, role) as meeting:
        for message in messages:
            meeting.ours.send_soon(message)
        assert [await meeting.theirs.receive() for _ in messages] == messages
        for message in messages:
            await meeting.theirs.send(message)
        assert [await meeting.ours.recv() for _ in messages] == messages


@pytest.mark.parametrize("deflate", DEFLATE, ids=DEFLATE_IDS)
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
async def test_fragments_that_we_send_are_one_message_there(
    peer: Peer, role: Role, parts: list[Data], deflate: Deflate | None, tap: Tap
):
    theirs = Settings(deflate=deflate)
    async with meet(peer, role, theirs, tap=tap, compression=deflate) as meeting:
        await meeting.ours.send(parts)
        assert await meeting.theirs.receive() == whole(parts)
    assert_fragmented(tap, our(role), len(parts), is_compressed=deflate is not None)


@pytest.mark.parametrize("deflate", DEFLATE, ids=DEFLATE_IDS)
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("peer", FRAGMENTING_PEERS, indirect=True)
async def test_fragments_that_the_peer_sends_are_one_message_here(
    peer: Peer, role: Role, parts: list[Data], deflate: Deflate | None, tap: Tap
):
    theirs = Settings(deflate=deflate)
    async with meet(peer, role, theirs, tap=tap, compression=deflate) as meeting:
        await meeting.theirs.send_fragments(parts)
        assert await meeting.ours.recv() == whole(parts)
    assert_fragmented(tap, role, len(parts), is_compressed=deflate is not None)


async def test_a_ping_gets_through_between_our_fragments(peer: Peer, role: Role):
    async with meet(peer, role) as meeting:

        async def parts():
            yield "before, "
            await meeting.ours.ping(b"between")
            yield "after"

        await meeting.ours.send(parts())
        assert await meeting.theirs.receive() == "before, after"


def assert_fragmented(tap: Tap, sender: Role, count: int, *, is_compressed: bool) -> None:
    """Check that there was one message of at least `count` frames on the wire."""
    frames = [frame for frame in tap.frames(sender) if frame.opcode < Opcode.CLOSE]
    # `websockets` ends every message of fragments with an empty one.
    assert len(frames) in (count, count + 1)
    assert [frame.fin for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert {frame.opcode for frame in frames[1:]} == {Opcode.CONTINUATION}
    assert [frame.rsv1 for frame in frames] == [is_compressed] + [False] * (len(frames) - 1)
