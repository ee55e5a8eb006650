"""TLS between a real proxy and an application, behind what the proxy says of its client."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

import trunkline
from tests.interop.certificate import Certificate
from tests.proxies.front import HOST, Front
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.connection import AppConnection
from trunkline.app.observation.observer import Observer
from trunkline.app.visit import Visit
from trunkline.limits import Drain

HANG_SECONDS = 30
"""After which a test that waits for what never comes is ended."""

ADA = "127.0.0.2"
"""A client, by its address on this machine."""

AGAIN = "ssl verify none"
"""The proxy speaks TLS with the application, whatever it speaks with clients."""
MESSAGES = ("hello", "", b"\x00\xff", "x" * 1024 * 1024)


class Refusals(Observer):
    """Keeps at which step somebody was refused."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[tuple[int, Step]] = asyncio.Queue()

    def refused(self, visit: Visit, refused: trunkline.RequestRefused) -> None:
        self.seen.put_nowait((refused.status, visit.step))


def telling_app() -> App:
    """Make an application that tells clients by which address it knows them, and echoes."""
    app = App(
        trusted_proxies=[HOST, "unix"],
        proxy_protocol=True,
        drain=Drain(window=0, come_back_within=0),
    )

    @app.websocket("/")
    async def tell(ws: AppConnection) -> None:
        assert ws.get_extra_info("ssl_object") is not None
        await ws.send(ws.client_address)
        async for message in ws:
            await ws.send(message)

    return app


@asynccontextmanager
async def behind(front: Front, app: App, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve an application with TLS, put a proxy before it, and give the port of that."""
    async with asyncio.timeout(HANG_SECONDS), app.serve(**front.place, ssl=context) as server:
        with front.before(server) as uri:
            yield urlsplit(uri).port or 0


def visit(port: int, context: ssl.SSLContext | None) -> Any:
    """Connect to a proxy from an address of this machine."""
    sock = socket.create_connection((HOST, port), source_address=(ADA, 0))
    uri = f"{'ws' if context is None else 'wss'}://{HOST}:{port}/"
    return trunkline.connect(uri, sock=sock, ssl=context, proxy=None)


async def assert_ada_converses(port: int, context: ssl.SSLContext | None) -> None:
    async with visit(port, context) as ws:
        assert await ws.recv() == ADA
        for message in MESSAGES:
            await ws.send(message)
            assert await ws.recv() == message


@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl"])
async def test_tls_is_passed_on_behind_the_address_of_the_client(
    passing: Front, certificate: Certificate, options: str
) -> None:
    front = passing.with_options(options)
    async with behind(front, telling_app(), certificate.server_context) as port:
        await assert_ada_converses(port, certificate.client_context)


@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2"])
@pytest.mark.parametrize("is_tcp", [True, False])
async def test_tls_of_the_proxy_comes_behind_the_address_of_the_client(
    haproxy: Front, certificate: Certificate, options: str, is_tcp: bool
) -> None:
    front = replace(haproxy.with_options(f"{AGAIN} {options}"), is_tcp=is_tcp)
    async with behind(front, telling_app(), certificate.server_context) as port:
        await assert_ada_converses(port, front.client_options["ssl"])


async def test_a_proxy_that_says_nothing_is_cut(passing: Front, certificate: Certificate) -> None:
    app, refusals = telling_app(), Refusals()
    app.observe(refusals)
    async with behind(passing, app, certificate.server_context) as port:
        with pytest.raises(OSError):
            await visit(port, certificate.client_context)
        assert await refusals.seen.get() == (400, Step.REQUEST)
