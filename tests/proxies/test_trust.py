"""Who is behind a real proxy: what a client sends of itself is not believed."""

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

import trunkline
from tests.proxies.front import HOST, Front
from trunkline.server.trust import Client, ForwardingHeader, TrustedProxies

HANG_SECONDS = 30
PROXIES = (HOST, "unix")
STRANGER = "127.0.0.2"
FORGED = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.com",
    "X-Forwarded-Port": "666",
    "Forwarded": "for=192.0.2.66;host=evil.com",
}


async def client_through(front: Front, trust: TrustedProxies, sent: dict[str, str]) -> Client:
    """Connect from another address of this machine, and give who the server takes it for."""
    found: asyncio.Queue[Client] = asyncio.Queue()

    async def note(ws: trunkline.ServerConnection) -> None:
        peer = ws.remote_address[0] if ws.remote_address else ""
        found.put_nowait(trust.client_of(peer, ws.request.headers))

    async with asyncio.timeout(HANG_SECONDS), front.serve(note) as uri:
        place = (HOST, urlsplit(uri).port)
        sock = socket.create_connection(place, source_address=(STRANGER, 0))
        options = {**front.client_options, "sock": sock, "additional_headers": sent}
        async with trunkline.connect(uri, **options) as ws:
            await ws.wait_closed()
        return await found.get()


@pytest.mark.parametrize("sent", [{}, FORGED], ids=["honest", "forging"])
@pytest.mark.parametrize("header", [None, "X-Forwarded-For"])
async def test_the_client_is_who_connected_to_the_proxy(
    front: Front, header: ForwardingHeader | None, sent: dict[str, str]
) -> None:
    found = await client_through(front, TrustedProxies(PROXIES, header=header), sent)
    assert found.address == STRANGER
    if header is None:
        assert found == Client(STRANGER)
    else:
        assert found.is_secure is (front.certificate is not None)
        assert found.host is not None
        assert found.host.startswith(HOST)


async def test_a_proxy_that_is_not_trusted_is_the_client(front: Front) -> None:
    found = await client_through(front, TrustedProxies(), FORGED)
    assert found == Client("unix" if front.is_unix else HOST)
