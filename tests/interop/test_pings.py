"""Pings in both directions, with payloads."""

import pytest

from tests.interop.meeting import meet
from tests.interop.peers import Peer, Settings
from trunkline.protocol.role import Role

PAYLOADS = {"text": b"are you there?", "bytes": bytes(range(125)), "one_byte": b"\0"}


@pytest.mark.parametrize("payload", [*PAYLOADS.values(), b""], ids=[*PAYLOADS, "nothing"])
async def test_the_peer_answers_our_ping(peer: Peer, role: Role, payload: bytes):
    async with meet(peer, role) as meeting:
        assert await meeting.ours.ping(payload) == meeting.ours.latency > 0


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
async def test_we_answer_the_ping_of_the_peer(peer: Peer, role: Role, payload: bytes):
    async with meet(peer, role, Settings(hears_pongs=True)) as meeting:
        assert await meeting.theirs.ping(payload) == payload


async def test_a_pong_that_nobody_asked_for_does_no_harm(peer: Peer, role: Role):
    async with meet(peer, role) as meeting:
        await meeting.ours.pong(b"hello")
        await meeting.ours.send("still here")
        assert await meeting.theirs.receive() == "still here"
