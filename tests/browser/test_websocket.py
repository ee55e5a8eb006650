"""The browser's WebSocket against our server: closing, sizes, extensions, subprotocols, origins."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

import trunkline
from tests.browser.conftest import OpenTab
from tests.browser.conversation import BLANK_PAGE, converse, ending

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOST = "127.0.0.1"
MIB = 1024 * 1024
HANG_GUARD_SECONDS = 30

# Sends random bytes as a buffer or a Blob, and tells whether the same bytes come back.
ECHO_BYTES = """
({ url, size, binaryType }) => new Promise((resolve) => {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  const socket = new WebSocket(url);
  socket.binaryType = binaryType;
  socket.onopen = () => socket.send(binaryType === "blob" ? new Blob([bytes]) : bytes);
  socket.onmessage = async ({ data }) => {
    const echo = new Uint8Array(binaryType === "blob" ? await data.arrayBuffer() : data);
    const isSame = echo.length === size && echo.every((byte, at) => byte === bytes[at]);
    socket.close();
    resolve({ isBlob: data instanceof Blob, isSame });
  };
  socket.onclose = ({ code, reason }) => resolve({ code, reason });
})
"""


Closings = asyncio.Queue[tuple[int | None, str | None]]


@dataclass
class Site:
    """A server with blank pages, and WebSockets at every other path."""

    server: trunkline.Server
    closings: Closings

    @property
    def port(self) -> int:
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def page(self, host: str = HOST) -> str:
        return f"http://{host}:{self.port}/"

    def uri(self, path: str = "/echo") -> str:
        return f"ws://{HOST}:{self.port}{path}"

    async def closing(self) -> tuple[int | None, str | None]:
        """Give how the next connection ended, as the server sees it."""
        async with asyncio.timeout(HANG_GUARD_SECONDS):
            return await self.closings.get()


PAGES: dict[str, dict[str, str]] = {
    "/": {},
    # Gives the page an origin of its own, which travels as null.
    "/sandboxed": {"Content-Security-Policy": "sandbox allow-scripts"},
}


def blank_page(
    connection: trunkline.ServerConnection, request: trunkline.Request
) -> trunkline.Response | None:
    if request.path not in PAGES:
        return None
    headers = {"Content-Type": "text/html; charset=utf-8"} | PAGES[request.path]
    return connection.respond(200, BLANK_PAGE, headers)


async def echo(ws: trunkline.Connection) -> None:
    async for message in ws:
        await ws.send(message)


async def close(ws: trunkline.Connection) -> None:
    await ws.close(4000, "the server says goodbye – ⚑")


async def close_without_code(ws: trunkline.Connection) -> None:
    await ws.close(None)


async def abort(ws: trunkline.Connection) -> None:
    ws.abort()


async def ping(ws: trunkline.Connection) -> None:
    await ws.ping(b"are you there?")
    await ws.send("pong came")
    await ws.close()


async def fragments(ws: trunkline.Connection) -> None:
    await ws.send(iter(["one ", "message ", "", "– ", "in parts"]))
    await ws.close()


HANDLERS = {
    "/echo": echo,
    "/close": close,
    "/close-without-code": close_without_code,
    "/abort": abort,
    "/ping": ping,
    "/fragments": fragments,
}


@asynccontextmanager
async def serve_site(**options: Any) -> AsyncIterator[Site]:
    async def handle(ws: trunkline.ServerConnection) -> None:
        assert ws.request is not None
        try:
            await HANDLERS[ws.request.path](ws)
        finally:
            await ws.wait_closed()
            closings.put_nowait((ws.close_code, ws.close_reason))

    closings: Closings = asyncio.Queue()
    async with trunkline.serve(handle, HOST, 0, process_request=blank_page, **options) as server:
        yield Site(server, closings)


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    async with serve_site() as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def page(site: Site, open_tab: OpenTab) -> Page:
    return await open_tab(site.page())


# Closing


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ([], 1005, ""),
        ([1000], 1000, ""),
        ([1000, "done"], 1000, "done"),
        ([3001, "grüße ⚑"], 3001, "grüße ⚑"),
        ([4999, "x" * 123], 4999, "x" * 123),
    ],
)
async def test_the_page_closes(
    site: Site, page: Page, arguments: list[Any], code: int, reason: str
) -> None:
    story = await converse(page, site.uri(), texts=["hello"], close=arguments)
    assert story["messages"] == ["hello"]
    assert ending(story) == (code, reason, True)
    assert await site.closing() == (code, reason)


@pytest.mark.parametrize(
    ("path", "code", "reason"),
    [("/close", 4000, "the server says goodbye – ⚑"), ("/close-without-code", 1005, "")],
)
async def test_the_server_closes(site: Site, page: Page, path: str, code: int, reason: str) -> None:
    story = await converse(page, site.uri(path))
    assert story["opened"]
    assert ending(story) == (code, reason, True)
    assert await site.closing() == (code, reason)


async def test_a_connection_that_is_cut_is_not_clean(site: Site, page: Page) -> None:
    story = await converse(page, site.uri("/abort"))
    assert ending(story) == (1006, "", False)


async def test_a_page_that_goes_away_is_noticed(site: Site, page: Page) -> None:
    await page.evaluate(
        "(url) => new Promise((resolve) => (new WebSocket(url).onopen = () => resolve()))",
        site.uri(),
    )
    await page.goto("about:blank")
    code, _ = await site.closing()
    assert code == trunkline.CloseCode.GOING_AWAY


# Messages


async def test_texts_of_every_size_come_back(site: Site, page: Page) -> None:
    texts = ["", "x", "é" * 63, "x" * 125, "x" * 126, "x" * 65_535, "😀" * 16_384, "x" * MIB]
    story = await converse(page, site.uri(), texts=texts, close=[1000])
    assert story["messages"] == texts
    assert ending(story) == (1000, "", True)


@pytest.mark.parametrize("binary_type", ["arraybuffer", "blob"])
@pytest.mark.parametrize("size", [0, 125, 65_536, MIB])
async def test_bytes_come_back(site: Site, page: Page, size: int, binary_type: str) -> None:
    options = {"url": site.uri(), "size": size, "binaryType": binary_type}
    echoed = await page.evaluate(ECHO_BYTES, options)
    assert echoed == {"isBlob": binary_type == "blob", "isSame": True}


@pytest.mark.parametrize("size", [MIB + 1, 8 * MIB])
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_message_over_the_limit_is_told_so(
    open_tab: OpenTab, size: int, compression: str | None
) -> None:
    async with serve_site(compression=compression) as site:
        page = await open_tab(site.page())
        story = await converse(page, site.uri(), flood=size)
    assert story["messages"] == []
    assert story["code"] == trunkline.CloseCode.MESSAGE_TOO_BIG
    assert "limit 1,048,576" in story["reason"]


async def test_a_message_in_fragments_is_one_message(site: Site, page: Page) -> None:
    story = await converse(page, site.uri("/fragments"))
    assert story["messages"] == ["one message – in parts"]


async def test_a_ping_is_answered_by_the_browser(site: Site, page: Page) -> None:
    story = await converse(page, site.uri("/ping"))
    assert story["messages"] == ["pong came"]


# Extensions and subprotocols


@pytest.mark.parametrize(
    ("compression", "extensions"),
    [
        (None, []),
        (
            "deflate",
            [
                "permessage-deflate",
                "server_no_context_takeover",
                "client_no_context_takeover",
                "server_max_window_bits=12",
                "client_max_window_bits=12",
            ],
        ),
        (
            trunkline.Deflate(
                server_no_context_takeover=False,
                client_no_context_takeover=False,
                server_max_window_bits=15,
                client_max_window_bits=15,
            ),
            ["permessage-deflate"],
        ),
    ],
)
async def test_compression_is_agreed_on(
    open_tab: OpenTab, compression: trunkline.Deflate | str | None, extensions: list[str]
) -> None:
    texts = ["the same again and again " * 400] * 3 + ["short"]
    async with serve_site(compression=compression) as site:
        page = await open_tab(site.page())
        story = await converse(page, site.uri(), texts=texts, close=[1000])
    agreed = [part.strip() for part in story["extensions"].split(";") if part]
    assert set(agreed) >= set(extensions)
    assert bool(agreed) == bool(extensions)
    assert story["messages"] == texts


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["chat.v1", "chat.v2"], "chat.v2"), (["chat.v1"], "chat.v1"), ([], "")]
)
async def test_the_preferred_subprotocol_is_spoken(
    open_tab: OpenTab, offered: list[str], chosen: str
) -> None:
    async with serve_site(subprotocols=["chat.v2", "chat.v1"]) as site:
        page = await open_tab(site.page())
        story = await converse(page, site.uri(), protocols=offered, close=[1000])
    assert (story["opened"], story["protocol"]) == (True, chosen)


async def test_a_page_that_needs_another_subprotocol_does_not_open(open_tab: OpenTab) -> None:
    async with serve_site(subprotocols=["chat.v2"]) as site:
        page = await open_tab(site.page())
        story = await converse(page, site.uri(), protocols=["graphql"])
    assert (story["opened"], story["code"]) == (False, 1006)


# Origins


async def assert_refused(page: Page, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="trunkline.server"):
        story = await converse(page, site.uri())
    assert not story["opened"]
    assert story["errors"] == 1
    assert ending(story) == (1006, "", False)
    assert "refused a request: 403: this Origin may not connect" in caplog.messages


async def test_a_page_from_another_port_is_refused(
    site: Site, open_tab: OpenTab, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve_site() as other:
        page = await open_tab(other.page())
        await assert_refused(page, site, caplog)


async def test_a_page_from_another_name_of_the_host_is_refused(
    site: Site, open_tab: OpenTab, caplog: pytest.LogCaptureFixture
) -> None:
    page = await open_tab(site.page(host="localhost"))
    await assert_refused(page, site, caplog)


async def test_a_page_in_a_sandbox_is_refused(
    site: Site, open_tab: OpenTab, caplog: pytest.LogCaptureFixture
) -> None:
    page = await open_tab(f"{site.page()}sandboxed")
    await assert_refused(page, site, caplog)


async def test_a_page_of_a_listed_origin_may_connect(open_tab: OpenTab) -> None:
    async with serve_site() as other, serve_site(origins=[other.page().rstrip("/")]) as site:
        page = await open_tab(other.page())
        story = await converse(page, site.uri(), texts=["hello"], close=[1000])
    assert story["messages"] == ["hello"]
