"""The status page in a real browser: it shows what happens, to whoever may see it."""

import itertools
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, Page, expect

import trunkline
from tests.app.premises import serving
from tests.app.seeing import new_app
from tests.browser.conftest import OpenTab
from tests.server.wire import port_of
from trunkline.app.app_server import AppServer
from trunkline.app.observation import snapshot
from trunkline.auth.basic import Basic

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOGIN = "ada:lovelace"


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[AppServer]:
    app = new_app()
    app.topics["news"] = trunkline.Topic()
    app.status_page(auth=Basic({"ada": "lovelace"}))
    async with serving(app) as server:
        yield server


def page_of(server: AppServer, login: str = f"{LOGIN}@") -> str:
    return f"http://{login}localhost:{port_of(server)}/status"


def room_of(server: AppServer) -> str:
    return f"ws://localhost:{port_of(server)}/rooms/7"


async def is_live(page: Page) -> None:
    await expect(page.locator("#state-text")).to_have_text("Live")


def watch_console(page: Page) -> list[str]:
    """Keep what goes wrong in the page from now on."""
    complaints: list[str] = []

    def judge(kind: str, text: str) -> None:
        if kind == "error":
            complaints.append(text)

    page.on("console", lambda message: judge(message.type, message.text))
    return complaints


async def test_who_is_not_logged_in_sees_nothing(server: AppServer, browser: Browser) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        await page.goto(page_of(server, login=""))
    await expect(page.locator("#state")).to_have_count(0)
    await context.close()


async def test_figures_move_when_a_client_comes_and_sends(
    server: AppServer, open_tab: OpenTab
) -> None:
    page = await open_tab(page_of(server))
    complaints = watch_console(page)
    await page.reload()
    await is_live(page)
    await expect(page.locator("#connections")).to_have_text("1")  # the page's own
    async with trunkline.connect(room_of(server)) as ws:
        await expect(page.locator("#connections")).to_have_text("2")
        room = page.locator("#routes tr", has_text="/rooms/{room}")
        await expect(room.locator("td").nth(1)).to_have_text("1")
        await ws.send("x" * 100_000)
        await ws.recv()
    await expect(page.locator("#connections")).to_have_text("1")
    await expect(page.locator("#ends tr", has_text="1000").locator("td").nth(1)).to_have_text("1")
    await expect(page.locator("#requests")).to_contain_text("opened")
    await expect(page.locator("#topics")).to_contain_text("news")
    await expect(page.locator("#memory")).to_contain_text("MiB")
    await expect(page.locator("#processes")).to_contain_text("pid")
    assert complaints == []


async def test_rates_are_shown(
    server: AppServer, open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = itertools.count(0, 1_000)

    def traffic(app: object, route: str) -> dict[str, int]:
        return {name: next(totals) for name in snapshot.TRAFFIC}

    monkeypatch.setattr(snapshot, "describe_traffic", traffic)
    page = await open_tab(page_of(server))
    await is_live(page)
    async with trunkline.connect(room_of(server)):
        for tile in ("messages-in", "messages-out", "bytes-in", "bytes-out"):
            await expect(page.locator(f"#{tile}")).to_have_text(re.compile(r"[1-9].*/s"))
        room = page.locator("#routes tr", has_text="/rooms/{room}")
        await expect(room.locator("td").nth(2)).to_have_text(re.compile(r"[1-9].*/s"))


async def test_all_that_was_dropped_is_shown(
    server: AppServer, open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def traffic(app: object, route: str) -> dict[str, int]:
        return dict.fromkeys(snapshot.TRAFFIC, 0) | {"dropped": 5, "discarded": 2}

    monkeypatch.setattr(snapshot, "describe_traffic", traffic)
    page = await open_tab(page_of(server))
    await is_live(page)
    room = page.locator("#routes tr", has_text="/rooms/{room}")
    await expect(room.locator("td").nth(8)).to_have_text("7")


async def test_the_charts_are_drawn(server: AppServer, open_tab: OpenTab) -> None:
    page = await open_tab(page_of(server))
    await is_live(page)
    await expect(page.locator(".chart canvas")).to_have_count(4)
    await expect(page.locator("#connections-chart .u-legend")).to_contain_text("open")
    painted = await page.locator("#connections-chart canvas").evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
        ".data.some(value => value)"
    )
    assert painted


async def test_in_the_dark_the_charts_are_drawn_again(server: AppServer, open_tab: OpenTab) -> None:
    page = await open_tab(page_of(server))
    await is_live(page)
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator(".chart canvas")).to_have_count(4)
    background = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(background) == "rgb(14, 18, 22)"


async def test_a_phone_shows_it_without_scrolling_sideways(
    server: AppServer, open_tab: OpenTab
) -> None:
    page = await open_tab(page_of(server))
    await page.set_viewport_size({"width": 360, "height": 740})
    await is_live(page)
    await expect(page.locator("#processes tbody tr")).to_have_count(1)
    width = "document.documentElement.scrollWidth"
    assert await page.evaluate(width) == 360


async def test_a_page_that_is_cut_off_comes_back(server: AppServer, open_tab: OpenTab) -> None:
    page = await open_tab(page_of(server))
    await is_live(page)
    [connection] = server.connections
    connection.abort()
    await expect(page.locator("#state")).to_have_attribute("data-state", "waiting")
    await is_live(page)


async def test_the_page_cannot_write_markup_even_by_mistake(
    server: AppServer, open_tab: OpenTab
) -> None:
    page = await open_tab(page_of(server))
    error = await page.evaluate(
        "try { document.body.innerHTML = '<b>'; 'written' } catch (error) { error.name }"
    )
    assert error == "TypeError"
