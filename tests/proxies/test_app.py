"""An application behind real proxies: who its clients are, what they may, and how they leave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

import trunkline
from tests.proxies.front import HOST, Front
from tests.server.wire import client_endpoint, read_answer, request
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.app.connection import AppConnection
from trunkline.app.observation.observer import Observer
from trunkline.app.visit import Visit
from trunkline.limits import APP_LIMITS, Drain, Limits
from trunkline.server.trust import ForwardingHeader

HANG_SECONDS = 30
"""After which a test that waits for what never comes is ended."""

PROXIES = (HOST, "unix")
ADA, BOB = "127.0.0.2", "127.0.0.3"
"""Two clients, by their addresses on this machine."""

INSIDE = "app.internal"
"""How the proxies call the application among themselves."""

FORGED = {
    "X-Forwarded-For": BOB,
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "666",
    "Forwarded": f"for={BOB};host=evil.example",
}
ONE_EACH = replace(APP_LIMITS, max_connections_per_address=1)
AT_ONCE = Drain(window=0, come_back_within=0)
HEADERS: tuple[ForwardingHeader, ...] = ("X-Forwarded-For", "Forwarded")
PREFACES = ("send-proxy", "send-proxy-v2", "send-proxy-v2-ssl")


class Register(Observer):
    """Keeps what the application tells of its visitors."""

    def __init__(self) -> None:
        self.refusals: list[tuple[int, Step]] = []
        self.codes: asyncio.Queue[int | None] = asyncio.Queue()
        self.departures: asyncio.Queue[str] = asyncio.Queue()

    def refused(self, visit: Visit, refused: trunkline.RequestRefused) -> None:
        self.refusals.append((refused.status, visit.step))

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        self.codes.put_nowait(connection.close_code)

    def left(self, visit: Visit) -> None:
        self.departures.put_nowait(visit.address)


def telling_app(**options: Any) -> App:
    """Make an application that tells clients by which address it knows them."""
    app = App(trusted_proxies=PROXIES, drain=AT_ONCE, **options)

    @app.websocket("/")
    async def tell(ws: AppConnection) -> None:
        await ws.send(ws.client_address)
        async for message in ws:
            await ws.send(message)

    return app


@asynccontextmanager
async def behind(front: Front, app: App) -> AsyncIterator[tuple[AppServer, str]]:
    """Serve an application, put a proxy before it, and give its address from the outside."""
    async with asyncio.timeout(HANG_SECONDS), app.serve(**front.place) as server:
        with front.before(server) as uri:
            yield server, uri


def visit(
    front: Front, uri: str, client: str = ADA, headers: dict[str, str] | None = None, **options: Any
) -> trunkline.connect:
    """Connect to a proxy from an address of this machine."""
    place = (HOST, urlsplit(uri).port)
    sock = socket.create_connection(place, source_address=(client, 0))
    sent = {"sock": sock, "additional_headers": headers or {}, **front.client_options, **options}
    return trunkline.connect(uri, **sent)


async def refused_status(connecting: trunkline.connect) -> int:
    """Give the status with which a connection is refused."""
    with pytest.raises(trunkline.InvalidStatus) as refused:
        await connecting
    return int(refused.value.response.status_code)


# Who the client is


async def assert_each_has_a_place_of_its_own(front: Front, app: App) -> None:
    async with behind(front, app) as (_, uri), visit(front, uri) as ada:
        assert await ada.recv() == ADA
        assert await refused_status(visit(front, uri)) == 429
        # Whatever a client says of itself, it is who it is.
        assert await refused_status(visit(front, uri, headers=FORGED)) == 429
        async with visit(front, uri, BOB) as bob:
            assert await bob.recv() == BOB


@pytest.mark.parametrize("header", HEADERS)
async def test_who_a_header_of_the_proxy_names_is_who_is_counted(
    front: Front, header: ForwardingHeader
) -> None:
    app = telling_app(limits=ONE_EACH, forwarding_header=header)
    await assert_each_has_a_place_of_its_own(replace(front, header=header), app)


@pytest.mark.parametrize("options", PREFACES)
async def test_who_a_proxy_header_names_is_who_is_counted(haproxy: Front, options: str) -> None:
    app = telling_app(limits=ONE_EACH, proxy_protocol=True)
    await assert_each_has_a_place_of_its_own(haproxy.with_options(options), app)


async def test_a_place_is_given_back_by_who_had_it(front: Front) -> None:
    app, register = telling_app(limits=ONE_EACH), Register()
    app.observe(register)
    async with behind(front, app) as (_, uri):
        for _ in range(3):
            async with visit(front, uri) as ws:
                assert await ws.recv() == ADA
            assert await register.departures.get() == ADA


async def test_clients_of_a_proxy_that_is_not_trusted_share_its_places(front: Front) -> None:
    app = App(limits=ONE_EACH, drain=AT_ONCE)
    app.add_websocket("/", trunkline.Events)
    async with behind(front, app) as (_, uri), visit(front, uri):
        assert await refused_status(visit(front, uri, BOB)) == 429


async def test_a_stranger_cannot_come_as_a_proxy(front: Front) -> None:
    app, register = telling_app(proxy_protocol=True), Register()
    app.observe(register)
    # The proxy says nothing before the request, and so it is not believed to be one.
    async with behind(front, app) as (_, uri):
        assert await refused_status(visit(front, uri)) in (400, 502)
    assert register.refusals == [(400, Step.REQUEST)]


# Which pages may connect


@pytest.mark.parametrize("header", HEADERS)
async def test_a_page_is_of_the_host_that_the_browser_asked_for(
    front: Front, header: ForwardingHeader
) -> None:
    front = replace(front, header=header, host=INSIDE)
    app = telling_app(forwarding_header=header)
    async with behind(front, app) as (_, uri):
        scheme = "https" if front.certificate else "http"
        page = f"{scheme}://{urlsplit(uri).netloc}"
        async with visit(front, uri, origin=page) as ws:
            assert await ws.recv() == ADA
        for stranger in (f"{scheme}://{INSIDE}", "https://evil.example"):
            assert await refused_status(visit(front, uri, origin=stranger)) == 403
            forged = visit(front, uri, origin=stranger, headers=FORGED)
            assert await refused_status(forged) == 403


async def test_a_host_that_nobody_asks_for_is_not_answered(front: Front) -> None:
    front = replace(front, host=INSIDE)
    app = telling_app(forwarding_header="X-Forwarded-For", hosts=["example.com"])
    async with behind(front, app) as (_, uri):
        assert await refused_status(visit(front, uri)) == 421


# What follows a refusal


@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("/", {"Origin": "https://evil.example"}, 403),
        ("/nowhere", {}, 404),
        ("/members", {}, 401),
        ("/", {"Sec_WebSocket_Version": "12"}, 426),
    ],
)
async def test_bytes_behind_a_refused_request_reach_no_handler(
    front: Front, path: str, changes: dict[str, str], status: int
) -> None:
    app, called = App(drain=AT_ONCE), []

    async def note(ws: AppConnection) -> None:
        called.append(ws.request.path)
        called.extend([message async for message in ws])

    @app.get("/page")
    def page(request: Any) -> str:
        called.append(request.path)
        return "reached"

    app.add_websocket("/", note)
    app.add_websocket("/members", note, auth=lambda _: None)
    async with behind(front, app) as (_, uri):
        context = front.client_options["ssl"]
        reader, writer = await asyncio.open_connection(HOST, urlsplit(uri).port, ssl=context)
        smuggled = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"
        writer.write(request(path, **changes) + client_endpoint().send_text("frame") + smuggled)
        response = await read_answer(reader)
        writer.transport.abort()
    assert response.status_code == status
    assert b"reached" not in response.body
    assert called == []


# How they leave


async def test_a_close_of_the_client_empties_the_application(front: Front) -> None:
    app, register = telling_app(), Register()
    app.observe(register)
    async with behind(front, app) as (server, uri):
        async with visit(front, uri) as ws:
            await ws.recv()
            await ws.close(4001, "bye")
        assert await register.codes.get() == 4001
        assert await register.departures.get() == ADA
        assert (len(server.service.crowd), server.connections) == (0, set())


async def test_a_drain_says_goodbye_through_the_proxy(front: Front) -> None:
    async with behind(front, telling_app()) as (server, uri), visit(front, uri) as ws:
        await ws.recv()
        await server.drain()
        with pytest.raises(trunkline.ConnectionClosedError):
            await ws.recv()
        assert (ws.close_code, ws.close_reason) == (1012, "retry in 0.0 s")
        assert (len(server.service.crowd), server.connections) == (0, set())


async def test_a_client_that_vanishes_is_noticed_through_the_proxy(front: Front) -> None:
    app, register = telling_app(), Register()
    app.observe(register)
    async with behind(front, app) as (server, uri):
        ws = await visit(front, uri)
        await ws.recv()
        ws.abort()
        assert await register.codes.get() == 1006
        assert len(server.service.crowd) == 0


# Silence


class Pongs(trunkline.Events):
    """Says so when a client has answered so many pings."""

    WANTED = 8

    def __init__(self) -> None:
        self._left = self.WANTED

    def on_pong(self, ws: trunkline.Connection, data: bytes) -> None:
        self._left -= 1
        if not self._left:
            ws.send_soon("all answered")


IDLE_SECONDS = 1
PING_SECONDS = IDLE_SECONDS / 4
"""So that the pings of the test take twice as long as the proxy's patience."""


def silent_app(limits: Limits) -> App:
    app = App(limits=limits, drain=AT_ONCE)
    app.add_websocket("/", Pongs)
    return app


async def test_pings_outlive_the_patience_of_the_proxy(front: Front) -> None:
    front = replace(front, idle_seconds=IDLE_SECONDS)
    app = silent_app(replace(APP_LIMITS, ping_interval=PING_SECONDS))
    async with behind(front, app) as (_, uri), visit(front, uri, ping_interval=None) as ws:
        assert await ws.recv() == "all answered"


async def test_without_pings_the_proxy_cuts_a_silent_line(front: Front) -> None:
    front = replace(front, idle_seconds=IDLE_SECONDS)
    app = silent_app(replace(APP_LIMITS, ping_interval=None))
    async with behind(front, app) as (_, uri), visit(front, uri, ping_interval=None) as ws:
        with pytest.raises(trunkline.ConnectionClosedError):
            await ws.recv()
        assert ws.close_code == 1006
