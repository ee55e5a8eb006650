"""Every close code in both directions, and connections that end without one."""

import asyncio

import pytest

from tests.interop.certificate import Certificate
from tests.interop.meeting import Meeting, meet
from tests.interop.node_peer import NodePeer, NodeProcess
from tests.interop.peers import Peer, Settings
from trunkline import Close, CloseCode, Closer, ConnectionClosed, ConnectionClosedError
from trunkline.errors import OK_CODES
from trunkline.limits import KIB
from trunkline.protocol.role import Role

CODES = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]
LIMIT_BYTES = 1 * KIB
PATIENT = {"ping_interval": None, "close_timeout": None}
"""No deadline is set: what ends, ends because of what the peer did."""


async def closed(meeting: Meeting) -> ConnectionClosed:
    """Wait for the end of our side."""
    with pytest.raises(ConnectionClosed) as caught:
        await meeting.ours.recv()
    await meeting.ours.wait_closed()
    return caught.value


@pytest.mark.parametrize("code", CODES)
async def test_our_close_code_and_reason_reach_the_peer(peer: Peer, role: Role, code: int):
    reason = f"{code}, says the client’s 友"
    async with meet(peer, role, **PATIENT) as meeting:
        heard, _ = await asyncio.gather(meeting.theirs.closed(), meeting.ours.close(code, reason))
        end = await closed(meeting)
    assert heard == Close(code, reason)
    # What the peer answers is up to it: aiohttp says 1000 to everything.
    assert end.sent == Close(code, reason)
    assert (end.closer, end.was_clean) == (Closer.LOCAL, True)


@pytest.mark.parametrize("code", CODES)
async def test_the_close_code_and_reason_of_the_peer_reach_us(peer: Peer, role: Role, code: int):
    reason = f"{code}, sagt die Gegenstelle: schönen Tag"
    async with meet(peer, role, **PATIENT) as meeting:
        end, answer = await asyncio.gather(closed(meeting), meeting.theirs.close(code, reason))
    assert answer == code
    assert (end.code, end.reason, end.closer, end.was_clean) == (code, reason, Closer.PEER, True)
    assert isinstance(end, ConnectionClosedError) is (code not in OK_CODES)


async def test_we_close_without_a_code(peer: Peer, role: Role):
    async with meet(peer, role, **PATIENT) as meeting:
        heard, _ = await asyncio.gather(meeting.theirs.closed(), meeting.ours.close(None))
        end = await closed(meeting)
    assert heard == Close(CloseCode.NO_STATUS_RCVD, "")
    assert end.was_clean


@pytest.mark.parametrize("peer", ["websockets", "node"], indirect=True)
async def test_the_peer_closes_without_a_code(peer: Peer, role: Role):
    async with meet(peer, role, **PATIENT) as meeting:
        end, answer = await asyncio.gather(closed(meeting), meeting.theirs.close(None, ""))
    assert answer == CloseCode.NO_STATUS_RCVD
    assert (end.code, end.reason, end.was_clean) == (CloseCode.NO_STATUS_RCVD, "", True)


async def test_messages_before_a_close_are_read(peer: Peer, role: Role):
    async with meet(peer, role, **PATIENT) as meeting:
        await meeting.theirs.send("last words")
        await asyncio.gather(meeting.theirs.close(1000, ""), meeting.ours.wait_closed())
        assert [message async for message in meeting.ours] == ["last words"]


# Over TLS, which cannot be half closed


async def test_a_closed_tls_connection_is_clean(peer: Peer, role: Role, certificate: Certificate):
    async with meet(peer, role, Settings(certificate=certificate), **PATIENT) as meeting:
        end, answer = await asyncio.gather(closed(meeting), meeting.theirs.close(4000, "bye"))
    assert (answer, end.code, end.reason, end.was_clean) == (4000, 4000, "bye", True)


async def test_we_close_tls_with_a_code(peer: Peer, role: Role, certificate: Certificate):
    async with meet(peer, role, Settings(certificate=certificate), **PATIENT) as meeting:
        heard, _ = await asyncio.gather(meeting.theirs.closed(), meeting.ours.close(4001, "bye"))
        end = await closed(meeting)
    assert heard == Close(4001, "bye")
    assert (end.closer, end.was_clean) == (Closer.LOCAL, True)


# Without a close frame


async def test_a_destroyed_socket_is_noticed_at_once(peer: Peer, role: Role):
    async with meet(peer, role, **PATIENT) as meeting:
        await meeting.theirs.send("about to go")
        assert await meeting.ours.recv() == "about to go"
        meeting.theirs.destroy()
        end = await closed(meeting)
    assert isinstance(end, ConnectionClosedError)
    assert (end.code, end.closer, end.was_clean) == (
        CloseCode.ABNORMAL_CLOSURE,
        Closer.NOBODY,
        False,
    )


async def test_a_killed_process_is_noticed_at_once(role: Role):
    victim = NodeProcess()
    async with meet(NodePeer(victim), role, **PATIENT) as meeting:
        victim.kill()
        end = await closed(meeting)
    assert (end.code, end.closer) == (CloseCode.ABNORMAL_CLOSURE, Closer.NOBODY)


async def test_our_cut_is_noticed_by_the_peer(peer: Peer, role: Role):
    async with meet(peer, role, **PATIENT) as meeting:
        meeting.ours.abort()
        assert (await meeting.theirs.closed()).code == CloseCode.ABNORMAL_CLOSURE


# Too large


@pytest.mark.parametrize("message", ["x" * 4 * LIMIT_BYTES, b"x" * 4 * LIMIT_BYTES])
async def test_a_message_too_large_for_us_is_refused_with_1009(
    peer: Peer, role: Role, message: str | bytes
):
    async with meet(peer, role, max_size=LIMIT_BYTES, **PATIENT) as meeting:
        await meeting.theirs.send(message)
        end, heard = await asyncio.gather(closed(meeting), meeting.theirs.closed())
    assert end.code == heard.code == CloseCode.MESSAGE_TOO_BIG
    assert end.reason == heard.reason == "message is 4,096 bytes, limit 1,024"
    assert end.closer is Closer.LOCAL


async def test_a_message_too_large_for_the_peer_is_reported_as_1009(peer: Peer, role: Role):
    async with meet(peer, role, Settings(max_size=LIMIT_BYTES), **PATIENT) as meeting:
        await meeting.ours.send("x" * 4 * LIMIT_BYTES)
        end, _ = await asyncio.gather(closed(meeting), meeting.theirs.closed())
    assert isinstance(end, ConnectionClosedError)
    assert (end.code, end.closer) == (CloseCode.MESSAGE_TOO_BIG, Closer.PEER)
