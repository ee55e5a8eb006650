"""TLS that ends here, behind proxies that pass it on: they speak before it begins."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.premises import (
    SHORT_SECONDS,
    Witness,
    echo,
    echoing,
    get,
    new_app,
    opening,
    port_of,
    texts,
)
from tests.engines.ear import authority, client_context, server_context
from tests.engines.porter import Caller, calling
from tests.protocol.test_proxy_protocol import block
from trunkline import Limits, connect
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.app_server import AppServer

CLIENT, STRANGER = "192.0.2.7", "127.0.0.2"
LINE = f"PROXY TCP4 {CLIENT} 127.0.0.1 4000 443\r\n".encode()
BLOCK = block(0x11, bytes([192, 0, 2, 7, 127, 0, 0, 1]) + b"\x0f\xa0\x01\xbb")
HEADERS = pytest.mark.parametrize("header", [LINE, BLOCK], ids=["v1", "v2"])
ALERT = b"\x15"
"""How an alert begins (RFC 8446 §5.1)."""
PLENTY = 65_536


def behind_proxies(**options: Any) -> App:
    """Make an application whose proxies are at the loopback address."""
    return echoing(**{"trusted_proxies": ["127.0.0.1"], "proxy_protocol": True} | options)


def secured(app: App, context: ssl.SSLContext | None = None) -> AppServer:
    return app.serve("127.0.0.1", 0, ssl=context or server_context())


@asynccontextmanager
async def called(
    server: AppServer, before: bytes, *behind: bytes, source: str = "127.0.0.1"
) -> AsyncIterator[Caller]:
    """Send something in the clear, and the rest through TLS."""
    async with calling(port_of(server), source) as caller:
        caller.stream.write(before + caller.hello())
        caller.stream.write(await caller.last_flight(*behind))
        yield caller


async def answer_to(server: AppServer, before: bytes, behind: bytes, source: str) -> bytes:
    """Give all that comes back through TLS."""
    async with called(server, before, behind, source=source) as caller:
        return await caller.read(PLENTY)


# Who the client is


@HEADERS
async def test_a_header_and_the_beginning_of_tls_may_come_together(header: bytes) -> None:
    app = behind_proxies()
    witness = Witness(app)
    async with secured(app) as server:
        async with called(server, header, opening("/echo"), texts("hello")) as caller:
            head = await caller.read(12)
            while not head.endswith(b"\r\n\r\n"):
                head += await caller.read(1)
            assert head.startswith(b"HTTP/1.1 101 ")
            assert await caller.read(7) == b"\x81\x05hello"
            (visit,) = witness.visits
            assert (visit.peer, visit.address, visit.is_secure) == ("127.0.0.1", CLIENT, True)
        await witness.sees("left")
    assert witness.seen == ["arrived", "opened", "closed", "left"]


@HEADERS
async def test_they_may_come_byte_by_byte(header: bytes) -> None:
    app = behind_proxies()
    witness = Witness(app)
    async with secured(app) as server, calling(port_of(server)) as caller:
        for byte in header + caller.hello():
            caller.stream.write(bytes([byte]))
            await asyncio.sleep(0)
        for byte in await caller.last_flight(get("/health")):
            caller.stream.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await caller.read(PLENTY)).startswith(b"HTTP/1.1 200 ")
    assert witness.visits[0].address == CLIENT


@HEADERS
async def test_a_conversation_goes_through_tls(header: bytes) -> None:
    app, known = behind_proxies(), []

    @app.websocket("/talk")
    async def talk(ws: Any) -> None:
        known.append((ws.client_address, ws.get_extra_info("ssl_object").version()))
        await echo(ws)

    async with secured(app) as server:
        sock = await connected(server, header)
        uri = f"wss://localhost:{port_of(server)}/talk"
        async with connect(uri, sock=sock, ssl=client_context()) as ws:
            for message in ("hello", "x" * PLENTY * 8):
                await ws.send(message)
                assert await ws.recv() == message
    assert known == [(CLIENT, "TLSv1.3")]


async def connected(server: AppServer, header: bytes) -> socket.socket:
    """Give a socket through which the header has been sent."""
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port_of(server)))
    await loop.sock_sendall(sock, header)
    return sock


async def test_a_proxy_that_speaks_for_itself_is_the_client() -> None:
    app = behind_proxies()
    witness = Witness(app)
    local = block(0x00, b"", command=0x20)
    async with secured(app) as server:
        assert (await answer_to(server, local, get("/health"), "127.0.0.1"))[9:12] == b"200"
    assert witness.visits[0].address == "127.0.0.1"


async def test_who_is_no_proxy_speaks_tls_at_once() -> None:
    app = behind_proxies()
    witness = Witness(app)
    async with secured(app) as server:
        assert (await answer_to(server, b"", get("/health"), STRANGER))[9:12] == b"200"
    assert (witness.visits[0].address, witness.visits[0].is_secure) == (STRANGER, True)


async def test_a_stranger_cannot_come_as_a_proxy() -> None:
    app = behind_proxies()
    witness = Witness(app)
    async with secured(app) as server, calling(port_of(server), STRANGER) as caller:
        caller.stream.write(LINE + caller.hello())
        await caller.until_end()
        assert caller.ear.data[:1] in (b"", ALERT)
        await witness.sees("left")
    assert witness.seen == ["arrived", "left"]


@pytest.mark.parametrize("source", ["127.0.0.1", STRANGER])
async def test_whoever_has_too_much_is_told_so_through_tls(source: str) -> None:
    app = behind_proxies(limits=Limits(max_connections_per_address=1))
    witness = Witness(app)
    header = LINE if source == "127.0.0.1" else b""
    async with secured(app) as server:
        async with called(server, header, opening("/echo"), source=source) as first:
            assert (await first.read(12)).endswith(b"101")
            answer = await answer_to(server, header, get("/health"), source)
            assert answer.startswith(b"HTTP/1.1 429 ")
        await witness.sees("left", 2)
        assert len(server.service.crowd) == 0
    assert [(step, status) for step, status, _ in witness.refusals] == [(Step.ARRIVAL, 429)]


# What is no header


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PROXY TCP4 nobody nowhere 1 2\r\n",
        b"PROXY UNKNOWN" + b" " * 107,
        BLOCK[:12] + b"\x31",
    ],
    ids=["request", "hello", "unreadable", "endless", "version 3"],
)
async def test_a_proxy_without_a_header_is_cut_and_counted_without_a_word(sent: bytes) -> None:
    app = behind_proxies()
    witness = Witness(app)
    async with secured(app) as server, calling(port_of(server)) as caller:
        caller.stream.write(sent)
        await caller.until_end()
        assert bytes(caller.ear.data) == b""
        await witness.sees("left")
    assert [(step, status) for step, status, _ in witness.refusals] == [(Step.REQUEST, 400)]
    assert app.tally.handshakes == {("refused", "request"): 1}
    assert witness.seen == ["arrived", "refused", "left"]


@pytest.mark.parametrize(
    "sent",
    [b"", LINE[:-1], BLOCK[:-1], LINE, LINE + b"\x16\x03\x01\x02\x00"],
    ids=["nothing", "line", "block", "no hello", "hello"],
)
async def test_the_slow_are_cut_and_counted_without_a_word(sent: bytes) -> None:
    app = behind_proxies(limits=Limits(open_timeout=SHORT_SECONDS))
    witness = Witness(app)
    async with secured(app) as server, calling(port_of(server)) as caller:
        caller.stream.write(sent)
        await caller.until_end()
        assert bytes(caller.ear.data) == b""
        await witness.sees("left")
    reason = f"not opened within {SHORT_SECONDS} s"
    assert witness.refusals == [(Step.REQUEST, 408, reason)]


async def test_one_deadline_is_for_header_and_tls_and_request() -> None:
    app = behind_proxies(limits=Limits(open_timeout=SHORT_SECONDS))
    witness = Witness(app)
    async with secured(app) as server:
        async with called(server, LINE, b"GET / HTTP/1.1\r\n") as caller:
            answer = await caller.read(PLENTY)
        await witness.sees("left")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert witness.refusals == [(Step.REQUEST, 408, f"not opened within {SHORT_SECONDS} s")]


# The end of the server


@pytest.mark.parametrize("sent", [b"", LINE[:-1], LINE, LINE + b"\x16\x03\x01\x02\x00"])
async def test_nobody_is_waited_for_who_is_before_tls(sent: bytes) -> None:
    app = behind_proxies(limits=Limits(open_timeout=None))
    witness = Witness(app)
    async with secured(app) as server, calling(port_of(server)) as caller:
        caller.stream.write(sent)
        await witness.sees("arrived")
        await asyncio.sleep(0)
        await server.drain()
        await caller.until_end()
        assert bytes(caller.ear.data) == b""
    assert witness.seen[-1] == "left"


# What TLS knows


async def test_a_client_may_have_a_certificate_and_a_protocol(tmp_path: Path) -> None:
    app, known = behind_proxies(), []

    @app.websocket("/who")
    async def who(ws: Any) -> None:
        tls = ws.get_extra_info("ssl_object")
        known.append((tls.selected_alpn_protocol(), bool(ws.get_extra_info("peercert"))))
        await ws.send("seen")

    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost").configure_cert(asking)
    authority().configure_trust(asking)
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.keylog_filename = str(tmp_path / "keys")
    mine = ssl.create_default_context()
    authority().configure_trust(mine)
    authority().issue_cert("client").configure_cert(mine)
    for context in (asking, mine):
        context.set_alpn_protocols(["http/1.1"])
    async with secured(app, asking) as server:
        sock = await connected(server, LINE)
        uri = f"wss://localhost:{port_of(server)}/who"
        async with connect(uri, sock=sock, ssl=mine) as ws:
            assert await ws.recv() == "seen"
    asking.keylog_filename = None  # closes it
    assert known == [("http/1.1", True)]
    assert b"CLIENT_TRAFFIC_SECRET" in (tmp_path / "keys").read_bytes()


async def test_without_tls_the_header_stands_before_the_request() -> None:
    app = new_app(trusted_proxies=["127.0.0.1"], proxy_protocol=True)
    async with app.serve("127.0.0.1", 0) as server, calling(port_of(server)) as caller:
        caller.stream.write(LINE + get("/health"))
        await caller.until_end()
        assert caller.ear.data.startswith(b"HTTP/1.1 200 ")
