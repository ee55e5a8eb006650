import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.app.serving import (
    HANG_GUARD,
    HASTE,
    half_opened,
    listening_socket,
    make_app,
    opened,
    port_of,
    served,
    uri_of,
)
from trunkline import CloseCode, InvalidStatus, ServerConnection, connect
from trunkline.app import app_server
from trunkline.app.app import App
from trunkline.limits import Drain
from trunkline.protocol.retry_hint import parse_hint


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a drain wait after its first batch, until it is cut."""
    monkeypatch.setattr(app_server, "DRAIN_BATCH_SECONDS", HANG_GUARD)


SLOWLY = Drain(window=2 * HANG_GUARD, come_back_within=0.0, patience=HANG_GUARD)


# Starting


async def test_a_taken_address_is_found_before_the_lifespan_begins() -> None:
    begun = []
    app = make_app()
    app.on_start(lambda: begun.append(1))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        await app.serve("127.0.0.1", taken.getsockname()[1])
    assert begun == []


async def test_a_lifespan_that_fails_gives_the_address_back() -> None:
    ended = []
    app = make_app()
    app.on_stop(lambda: ended.append(1))

    @app.on_start
    def fail() -> None:
        raise LookupError("no database")

    server = app.serve("127.0.0.1", 0)
    with pytest.raises(LookupError, match="no database"):
        await server
    assert (ended, list(server.sockets), app.services) == ([1], [], [])


async def test_serving_can_be_entered_or_awaited() -> None:
    app = make_app()
    async with app.serve("127.0.0.1", 0) as server:
        assert server.is_serving()
        assert app.services == [server.service]
        async with connect(uri_of(server)):
            assert len(server.connections) == 1
    assert not server.is_serving()
    assert app.services == []


# Draining


async def test_everybody_is_asked_to_come_back_at_another_time() -> None:
    async with served(make_app()) as server:
        clients = await opened(server, 8)
        await server.drain()
        for ws in clients:
            await ws.wait_closed()
        hints = {parse_hint(ws.close_reason) for ws in clients}
        assert {ws.close_code for ws in clients} == {CloseCode.SERVICE_RESTART}
        assert len(hints) > 1 and all(0 <= hint <= HASTE.come_back_within for hint in hints)


@pytest.mark.usefixtures("paused")
async def test_they_are_asked_a_few_at_a_time() -> None:
    async with served(make_app(drain=SLOWLY)) as server:
        clients = await opened(server, 4)
        draining = asyncio.create_task(server.drain())
        waiting = {asyncio.create_task(ws.wait_closed()): ws for ws in clients}
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 2
        server.cut()
        await draining
        await asyncio.wait(waiting)
        asked = [ws for ws in clients if ws.close_code == CloseCode.SERVICE_RESTART]
        assert len(asked) == 2


async def test_readiness_ends_before_anything_else() -> None:
    drain = replace(HASTE, readiness_delay=HANG_GUARD)
    async with served(make_app(drain=drain)) as server:
        draining = asyncio.create_task(server.drain())
        await asyncio.sleep(0)
        assert not server.service.is_ready
        async with connect(uri_of(server)) as ws:
            await ws.send("still")
            assert await ws.recv() == "still"
        server.cut()
        await draining


async def test_whoever_asks_may_leave_the_delay_out() -> None:
    async with served(make_app(drain=replace(HASTE, readiness_delay=HANG_GUARD))) as server:
        await server.drain(readiness_delay=0.0)


@pytest.mark.usefixtures("paused")
async def test_who_comes_during_a_drain_is_told_when_to_come_back() -> None:
    async with served(make_app(drain=SLOWLY)) as server:
        first, *_ = await opened(server, 3)
        draining = asyncio.create_task(server.drain())
        await asyncio.sleep(0)
        while not server.service.is_leaving:
            await asyncio.sleep(0)
        with pytest.raises(InvalidStatus) as refused:
            await connect(uri_of(server))
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) > 0
        server.cut()
        await draining
        await first.wait_closed()


@pytest.mark.usefixtures("paused")
async def test_where_others_share_the_address_they_take_who_comes() -> None:
    sock = listening_socket()
    async with served(make_app(drain=SLOWLY), shared=[sock.dup()]) as server:
        uri = uri_of(server)
        await opened(server, 2)
        draining = asyncio.create_task(server.drain())
        while server.is_serving():
            await asyncio.sleep(0)
        async with served(make_app(), shared=[sock]) as successor, connect(uri) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
            assert len(successor.connections) == 1
        server.cut()
        await draining


@pytest.mark.usefixtures("paused")
async def test_where_others_share_it_who_is_on_the_way_in_comes_in() -> None:
    async with served(make_app(drain=SLOWLY), shared=[listening_socket()]) as server:
        await opened(server, 2)
        async with half_opened(port_of(server)) as (reader, writer):
            while len(server.service.openings) < 3:
                await asyncio.sleep(0)
            draining = asyncio.create_task(server.drain())
            while server.is_serving():
                await asyncio.sleep(0)
            writer.write(b"\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 101")
            server.cut()
            await draining


async def test_who_has_not_asked_by_the_end_is_told_when_to_come_back() -> None:
    async with served(make_app()) as server, half_opened(port_of(server)) as (reader, writer):
        while not server.service.openings:
            await asyncio.sleep(0)
        draining = asyncio.create_task(server.drain())
        answer = await reader.read()
        writer.close()
        await draining
    assert answer.startswith(b"HTTP/1.1 503") and b"\r\nRetry-After: " in answer


async def test_whoever_does_not_say_goodbye_is_cut_after_the_patience() -> None:
    drain = replace(HASTE, patience=0.05)
    app = make_app(drain=drain)
    async with served(app) as server, half_opened(port_of(server)) as (reader, writer):
        writer.write(b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await server.drain()
        assert server.connections == set()


async def test_a_handler_that_ignores_its_cancellation_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app_server, "CUT_GRACE", 0.0)
    ended, stopped = asyncio.Event(), []
    app = App(drain=replace(HASTE, patience=0.0))
    app.on_stop(lambda: stopped.append(1))

    @app.websocket("/echo")
    async def stubborn(ws: ServerConnection) -> None:
        while not ended.is_set():
            try:
                await ended.wait()
            except asyncio.CancelledError:
                continue

    async with served(app) as server:
        await connect(uri_of(server))
        await server.drain()
        assert "handlers that ignore their cancellation: 1" in caplog.text
        assert stopped == [1]
        ended.set()


# Cutting


async def test_a_cut_ends_a_drain_that_waits_for_goodbyes() -> None:
    async with served(make_app()) as server, half_opened(port_of(server)) as (reader, writer):
        writer.write(b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        draining = asyncio.create_task(server.drain())
        await reader.read(1)
        server.cut()
        await draining


async def test_a_drain_that_is_cancelled_cuts() -> None:
    async with served(make_app(drain=replace(HASTE, readiness_delay=HANG_GUARD))) as server:
        (ws,) = await opened(server, 1)
        draining = asyncio.create_task(server.drain())
        await asyncio.sleep(0)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        assert draining.cancelled()
        await ws.wait_closed()
        assert ws.close_code == CloseCode.ABNORMAL_CLOSURE


async def test_serving_for_ever_drains_when_it_is_cancelled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    order = []

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        yield
        order.append("lifespan")

    server = await make_app(lifespan=lifespan).serve("127.0.0.1", 0)
    (ws,) = await opened(server, 1)
    serving = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await ws.wait_closed()
    assert (ws.close_code, order) == (CloseCode.SERVICE_RESTART, ["lifespan"])


async def test_serving_for_ever_ends_with_a_drain_from_elsewhere() -> None:
    async with served(make_app()) as server:
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        await server.drain()
        await serving
