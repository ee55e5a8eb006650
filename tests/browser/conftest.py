"""A real browser: Debian's Chromium without a window, one process for all tests."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

TIMEOUT_MILLISECONDS = 30_000  # guards against hangs; nothing is expected to take that long

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=TIMEOUT_MILLISECONDS)

OpenTab = Callable[[str], Awaitable[Page]]


def find_chromium() -> str:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail(
            "chromium is not installed; on Debian: sudo apt-get install chromium", pytrace=False
        )
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=ARGUMENTS,
            chromium_sandbox=os.geteuid() != 0,  # root cannot have one
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(browser: Browser) -> AsyncIterator[OpenTab]:
    """Give a function that opens an address in a tab with a storage of its own.

    A script that fails, a dialog, and a breach of the page's policy fail the test.
    """
    context_count = len(browser.contexts)
    complaints: list[str] = []

    def judge(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    async def open_tab(address: str) -> Page:
        context = await browser.new_context()
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        page = await context.new_page()
        page.on("console", judge)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        await page.goto(address)
        return page

    yield open_tab
    for context in browser.contexts[context_count:]:
        await context.close()
    assert complaints == []
