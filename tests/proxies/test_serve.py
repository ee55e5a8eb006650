"""A bare server behind real proxies: conversations go through, what was refused does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

import trunkline
from tests.proxies.front import Front
from tests.server.wire import client_endpoint, read_answer, request

HANG_SECONDS = 30
"""After which a test that waits for what never comes is ended."""


async def echo(ws: trunkline.Connection) -> None:
    async for message in ws:
        await ws.send(message)


@asynccontextmanager
async def visit(front: Front, handler: object = echo) -> AsyncIterator[trunkline.Connection]:
    """Connect to a server through a proxy."""
    async with (
        asyncio.timeout(HANG_SECONDS),
        front.serve(handler) as uri,
        trunkline.connect(uri, **front.client_options) as ws,
    ):
        yield ws


async def test_messages_of_any_kind_and_size_come_back(front: Front) -> None:
    async with visit(front) as ws:
        for message in ("Hello Server!", b"\x00\xff", "", "ü" * 1000, b"x" * 1024 * 1024):
            await ws.send(message)
            assert await ws.recv() == message


async def test_pings_are_answered(front: Front) -> None:
    async with visit(front) as ws:
        assert await ws.ping() >= 0


async def test_the_close_of_a_client_reaches_the_server(front: Front) -> None:
    ended: asyncio.Queue[tuple[int | None, str | None]] = asyncio.Queue()

    async def note(ws: trunkline.Connection) -> None:
        await ws.wait_closed()
        ended.put_nowait((ws.close_code, ws.close_reason))

    async with visit(front, note) as ws:
        await ws.close(4001, "bye")
        assert await ended.get() == (4001, "bye")


async def test_the_close_of_a_server_reaches_the_client(front: Front) -> None:
    async def dismiss(ws: trunkline.Connection) -> None:
        await ws.close(4002, "enough")

    async with visit(front, dismiss) as ws:
        with pytest.raises(trunkline.ConnectionClosedError):
            await ws.recv()
        assert (ws.close_code, ws.close_reason) == (4002, "enough")


async def test_a_line_that_is_cut_is_lost_on_the_other_side_of_the_proxy(front: Front) -> None:
    async def cut(ws: trunkline.Connection) -> None:
        ws.abort()

    async with visit(front, cut) as ws:
        with pytest.raises(trunkline.ConnectionClosedError):
            await ws.recv()
        assert ws.close_code == 1006


async def test_the_handler_sees_what_the_proxy_says_of_the_client(front: Front) -> None:
    async def tell(ws: trunkline.ServerConnection) -> None:
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host"):
            await ws.send(ws.request.headers[name])

    async with visit(front, tell) as ws:
        address, scheme, forwarded, host = [await ws.recv() for _ in range(4)]
    assert address == "127.0.0.1"
    assert scheme == ("http" if front.certificate is None else "https")
    assert forwarded == host == f"127.0.0.1:{ws.remote_address[1]}"


async def test_bytes_behind_a_refused_request_reach_no_handler(front: Front) -> None:
    called = []

    async def note(ws: trunkline.ServerConnection) -> None:
        called.append(ws.request.path)
        called.extend([message async for message in ws])

    async with asyncio.timeout(HANG_SECONDS), front.serve(note) as uri:
        port = urlsplit(uri).port
        context = front.client_options["ssl"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        frames = client_endpoint().send_text("smuggled")
        writer.write(request("/refused", Origin="https://evil.com") + frames)
        response = await read_answer(reader)
        writer.transport.abort()
    assert response.status_code == 403
    assert called == []
