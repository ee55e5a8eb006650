"""An application's TLS under the eyes of strangers: nothing weaker than grade A."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

import trunkline
from tests.tls.scan import NEW_HANDSHAKE, NO_COMPRESSION, ask, scan
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.limits import Drain
from trunkline.server.tls import make_context

HOST = "127.0.0.1"
KEYS = {"ECDSA": trustme.KeyType.ECDSA, "RSA": trustme.KeyType.RSA}
FEWEST_BITS = 128
AT_ONCE = Drain(window=0, come_back_within=0)


class Chain:
    """A server's certificate behind one in between, as public authorities issue them."""

    def __init__(self, folder: Path, key: trustme.KeyType) -> None:
        self.root = trustme.CA()
        between = self.root.create_child_ca()
        leaf = between.issue_cert(HOST, key_type=key)
        self.context = make_context()
        leaf.configure_cert(self.context)
        self.root_file = str(folder / "root.pem")
        self.root.cert_pem.write_to_path(self.root_file)
        self.client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.root.configure_trust(self.client_context)


@pytest.fixture(params=KEYS)
def chain(request: pytest.FixtureRequest, tmp_path: Path) -> Chain:
    return Chain(tmp_path, KEYS[request.param])


@asynccontextmanager
async def serve(chain: Chain) -> AsyncIterator[tuple[AppServer, int]]:
    app = App(drain=AT_ONCE)

    @app.websocket("/")
    async def echo(ws: trunkline.ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)

    async with app.serve(HOST, 0, ssl=chain.context) as server:
        yield server, server.sockets[0].getsockname()[1]


async def test_a_scan_finds_nothing_weak(chain: Chain) -> None:
    async with serve(chain) as (_, port):
        found = await scan(HOST, port)
    assert found.protocols == {"tls 1.2", "tls 1.3"}
    assert set(found.ciphers) == {"TLSv1.2", "TLSv1.3"}
    for name in found.ciphers["TLSv1.2"]:
        # Forward secrecy, and encryption that is authenticated: neither RC4, 3DES nor CBC.
        assert name.startswith(f"ECDHE-{found.key_type.replace('EC', 'ECDSA')}-"), name
        assert "GCM" in name or "POLY1305" in name, name
    assert found.fewest_bits >= FEWEST_BITS
    assert not found.has_heartbleed


async def test_the_certificate_is_as_it_should_be(chain: Chain) -> None:
    async with serve(chain) as (_, port):
        found = await scan(HOST, port)
    assert found.text_of("signature-algorithm") == "ecdsa-with-SHA256"
    assert found.text_of("altnames") == f"IP Address:{HOST}"
    assert found.text_of("self-signed") == "false"
    assert found.text_of("expired") == "false"


async def test_the_certificate_in_between_is_sent(chain: Chain) -> None:
    async with serve(chain) as (_, port):
        options = ("-CAfile", chain.root_file, "-verify_return_error", "-verify_ip", HOST)
        told = await ask(HOST, port, *options)
        assert "Verify return code: 0 (ok)" in told
        uri = f"wss://{HOST}:{port}/"
        async with trunkline.connect(uri, ssl=chain.client_context, proxy=None) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_nothing_is_compressed(chain: Chain, version: str) -> None:
    async with serve(chain) as (_, port):
        assert NO_COMPRESSION in await ask(HOST, port, version, "-comp")


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
async def test_an_old_version_is_refused(chain: Chain, version: str) -> None:
    weakest = ("-cipher", "ALL:@SECLEVEL=0")
    async with serve(chain) as (_, port):
        told = await ask(HOST, port, version, *weakest)
    assert "Cipher is (NONE)" in told


@pytest.mark.parametrize(
    "cipher", ["AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384", "CBC", "NULL", "RC4", "3DES"]
)
async def test_a_weak_cipher_is_refused(chain: Chain, cipher: str) -> None:
    weakest = ("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
    async with serve(chain) as (_, port):
        told = await ask(HOST, port, *weakest)
    # What OpenSSL does not even know any more is refused by itself.
    assert "Cipher is (NONE)" in told or "no cipher match" in told


async def test_a_client_cannot_negotiate_anew(chain: Chain) -> None:
    async with serve(chain) as (server, port):
        told = await ask(HOST, port, "-tls1_2", said=NEW_HANDSHAKE)
        assert "RENEGOTIATING" in told
        assert "no renegotiation" in told
        assert server.is_serving()
