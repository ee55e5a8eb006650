"""What the opening handshake agrees on: subprotocols, and TLS below it."""

import ssl
from collections.abc import Sequence

import pytest

import trunkline
from tests.interop.certificate import Certificate
from tests.interop.meeting import HOST, meet
from tests.interop.peers import Peer, Settings
from trunkline.protocol.role import Role

OFFERS = {
    "the_only_one": (["chat"], ["chat"], "chat"),
    "the_common_one": (["chat.v2", "chat.v1"], ["chat.v1", "other"], "chat.v1"),
    "none_where_none_is_wanted": ([], [], None),
}


@pytest.mark.parametrize(("offered", "supported", "chosen"), OFFERS.values(), ids=OFFERS)
async def test_both_sides_see_the_same_subprotocol(
    peer: Peer, role: Role, offered: Sequence[str], supported: Sequence[str], chosen: str | None
):
    ours, theirs = (offered, supported) if role is Role.SERVER else (supported, offered)
    async with meet(peer, role, Settings(subprotocols=theirs), subprotocols=ours) as meeting:
        assert meeting.ours.subprotocol == meeting.theirs.subprotocol == chosen


async def test_our_server_prefers_its_own_order(peer: Peer):
    theirs = Settings(subprotocols=["second", "first"])
    async with meet(peer, Role.CLIENT, theirs, subprotocols=["first", "second"]) as meeting:
        assert meeting.ours.subprotocol == meeting.theirs.subprotocol == "first"


@pytest.mark.parametrize("message", ["x" * 200_000, bytes(200_000)], ids=["text", "binary"])
async def test_messages_go_both_ways_over_tls(
    peer: Peer, role: Role, certificate: Certificate, message: str | bytes
):
    async with meet(peer, role, Settings(certificate=certificate)) as meeting:
        await meeting.ours.send(message)
        assert await meeting.theirs.receive() == message
        await meeting.theirs.send(message)
        assert await meeting.ours.recv() == message
        assert meeting.ours.get_extra_info("ssl_object").version() == "TLSv1.3"


async def test_a_certificate_that_is_not_trusted_is_refused(peer: Peer, certificate: Certificate):
    async with peer.serve(Settings(certificate=certificate)) as place:
        with pytest.raises(ssl.SSLCertVerificationError):
            await trunkline.connect(f"wss://{HOST}:{place.port}/", proxy=None)
