"""The showcase in a real browser: people chat, lines break, servers are restarted."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

import trunkline
from tests.browser.conftest import OpenTab
from trunkline.demos.chat.room import HISTORY_MESSAGES
from trunkline.demos.chat.server import start

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOST = "127.0.0.1"
MARKUP = "<img src=x onerror=alert(1)>"


class Chat:
    """The server of the chat, which can be restarted."""

    def __init__(self) -> None:
        self.server: trunkline.Server
        self.port = 0

    async def start(self) -> None:
        self.server = await start(HOST, self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close(reason="the server is stopping")
        await self.server.wait_closed()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/"

    @property
    def uri(self) -> str:
        return f"ws://{HOST}:{self.port}/chat"


@pytest_asyncio.fixture(loop_scope="session")
async def chat() -> AsyncIterator[Chat]:
    chat = Chat()
    await chat.start()
    yield chat
    await chat.stop()


# What a person does, and sees


async def join(page: Page, name: str, *, times: int = 1) -> None:
    await page.get_by_label("Name", exact=True).fill(name)
    await page.keyboard.press("Enter")
    await is_here(page, name, times=times)


async def is_here(page: Page, name: str, *, times: int) -> None:
    """Wait until the page has been welcomed so many times."""
    note = page.locator(".note", has_text=f"You are here as {name}")
    await expect(note).to_have_count(times)
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def sees(page: Page, *texts: str) -> None:
    """Wait until these are all the messages that the page shows."""
    await expect(page.locator(".text")).to_have_text(list(texts))


async def sees_people(page: Page, *names: str) -> None:
    await expect(page.locator("#people .name")).to_have_text(list(names))


def draft(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


async def two_tabs(chat: Chat, open_tab: OpenTab) -> tuple[Page, Page]:
    ada, bob = await open_tab(chat.address), await open_tab(chat.address)
    await join(ada, "Ada")
    await join(bob, "Bob")
    return ada, bob


# Tests


async def test_two_tabs_chat(chat: Chat, open_tab: OpenTab) -> None:
    ada, bob = await two_tabs(chat, open_tab)
    await say(ada, "Hello!")
    await sees(bob, "Hello!")
    await say(bob, "Hello to you.")
    for page in (ada, bob):
        await sees(page, "Hello!", "Hello to you.")
        await sees_people(page, "Ada", "Bob")
        await expect(page.locator(".message:not(.mine)")).to_have_count(1)


async def test_a_tab_that_is_closed_has_left(chat: Chat, open_tab: OpenTab) -> None:
    ada, bob = await two_tabs(chat, open_tab)
    await expect(ada.locator(".note", has_text="Bob joined")).to_be_visible()
    await bob.close()
    await expect(ada.locator(".note", has_text="Bob left")).to_be_visible()
    await sees_people(ada, "Ada")


async def test_two_tabs_of_one_name_are_one_person_with_a_count(
    chat: Chat, open_tab: OpenTab
) -> None:
    first, second = await open_tab(chat.address), await open_tab(chat.address)
    await join(first, "Ada")
    await join(second, "Ada")
    await sees_people(first, "Ada")
    await expect(first.locator(".person")).to_contain_text("×2")
    await second.close()
    await expect(first.locator(".person")).not_to_contain_text("×2")


async def test_who_comes_later_sees_what_was_said(chat: Chat, open_tab: OpenTab) -> None:
    ada = await open_tab(chat.address)
    await join(ada, "Ada")
    await say(ada, "early")
    await sees(ada, "early")
    bob = await open_tab(chat.address)
    await join(bob, "Bob")
    await sees(bob, "early")


async def test_a_reload_keeps_the_name_and_what_was_mine(chat: Chat, open_tab: OpenTab) -> None:
    ada = await open_tab(chat.address)
    await join(ada, "Ada")
    await say(ada, "mine")
    await sees(ada, "mine")
    await ada.reload()
    await is_here(ada, "Ada", times=1)
    await expect(ada.locator(".mine .text")).to_have_text("mine")


async def test_a_tab_that_is_cut_off_comes_back_by_itself(chat: Chat, open_tab: OpenTab) -> None:
    ada = await open_tab(chat.address)
    await join(ada, "Ada")
    [connection] = chat.server.connections
    bob = await open_tab(chat.address)
    await join(bob, "Bob")
    connection.abort()
    await is_here(ada, "Ada", times=2)
    await expect(bob.locator(".note", has_text="Ada left")).to_be_visible()
    await say(ada, "I am back.")
    await sees(bob, "I am back.")
    await sees(ada, "I am back.")
    await sees_people(bob, "Ada", "Bob")


async def test_what_did_not_arrive_is_written_again(chat: Chat, open_tab: OpenTab) -> None:
    ada = await open_tab(chat.address)
    await join(ada, "Ada")
    [connection] = chat.server.connections
    connection.pause_reading()
    await say(ada, "lost on the way")
    await expect(draft(ada)).to_have_value("")
    connection.abort()
    await is_here(ada, "Ada", times=2)
    await expect(draft(ada)).to_have_value("lost on the way")
    await ada.keyboard.press("Enter")
    await sees(ada, "lost on the way")


async def test_a_restart_of_the_server_is_survived_by_both_tabs(
    chat: Chat, open_tab: OpenTab
) -> None:
    ada, bob = await two_tabs(chat, open_tab)
    await say(ada, "before")
    await sees(bob, "before")
    await chat.stop()
    await expect(ada.locator("#state")).to_have_attribute("data-state", "waiting")
    await say(bob, "kept")
    await chat.start()
    for page, name in ((ada, "Ada"), (bob, "Bob")):
        await is_here(page, name, times=2)
        await sees_people(page, "Ada", "Bob")
        await expect(page.locator(".note", has_text="has restarted")).to_be_visible()
    await expect(draft(bob)).to_have_value("kept")
    await draft(bob).press("Enter")
    for page in (ada, bob):
        await sees(page, "before", "kept")


async def test_the_goodbye_of_the_server_is_shown(chat: Chat, open_tab: OpenTab) -> None:
    page = await open_tab(chat.address)
    await join(page, "Ada")
    # The next attempts fail, and would be shown instead.
    await page.evaluate("() => { WebSocket = class extends EventTarget { close() {} }; }")
    await chat.stop()
    await expect(page.locator("#wire .event")).to_have_text("close")
    await expect(page.locator("#wire .fact")).to_have_text(
        ["code1001", "reasonthe server is stopping", "wasCleantrue"]
    )


async def test_who_leaves_stays_away_until_the_button(chat: Chat, open_tab: OpenTab) -> None:
    page = await open_tab(chat.address)
    await join(page, "Ada")
    await page.get_by_role("button", name="Leave").click()
    await expect(page.locator("#state-text")).to_have_text("Disconnected")
    await expect(page.locator("#wire .fact")).to_have_text(
        ["code1000", "reasonleft the room", "wasCleantrue"]
    )
    await page.get_by_role("button", name="Connect").click()
    await is_here(page, "Ada", times=2)


async def test_messages_that_were_missed_are_counted(chat: Chat, open_tab: OpenTab) -> None:
    page = await open_tab(chat.address)
    await join(page, "Ada")
    await page.get_by_role("button", name="Leave").click()
    await expect(page.locator("#state-text")).to_have_text("Disconnected")
    await talk(chat, HISTORY_MESSAGES + 2)
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator(".note", has_text="Messages missed: 2")).to_be_visible()
    await expect(page.locator(".text")).to_have_count(HISTORY_MESSAGES)


async def talk(chat: Chat, count: int) -> None:
    """Say something so many times, without a browser."""
    async with trunkline.connect(chat.uri) as ws:
        await ws.send('{"type":"join","name":"Program"}')
        await ws.recv()
        for number in range(count):
            await ws.send(json.dumps({"type": "say", "text": f"text {number}"}))
            await ws.recv()


async def test_markup_in_a_name_and_a_message_is_text(chat: Chat, open_tab: OpenTab) -> None:
    mallory, bob = await open_tab(chat.address), await open_tab(chat.address)
    await join(bob, "Bob")
    await join(mallory, MARKUP)
    await say(mallory, MARKUP)
    for page in (mallory, bob):
        await sees(page, MARKUP)
        await sees_people(page, MARKUP, "Bob")
        # The only image is the page's own.
        await expect(page.locator("img")).to_have_count(1)
    await expect(bob.locator(".note", has_text=f"{MARKUP} joined")).to_be_visible()


async def test_the_page_cannot_write_markup_even_by_mistake(chat: Chat, open_tab: OpenTab) -> None:
    page = await open_tab(chat.address)
    error = await page.evaluate(
        "try { document.body.innerHTML = '<b>'; 'written' } catch (error) { error.name }"
    )
    assert error == "TypeError"


async def test_a_name_that_is_refused_is_asked_for_again(chat: Chat, open_tab: OpenTab) -> None:
    page = await open_tab(chat.address)
    await page.get_by_label("Name", exact=True).fill("\u200b")
    await page.keyboard.press("Enter")
    await expect(page.locator("#join-trouble")).to_have_text("name is empty")
    await join(page, "Ada")


async def test_a_text_that_is_refused_comes_back_with_the_reason(
    chat: Chat, open_tab: OpenTab
) -> None:
    page = await open_tab(chat.address)
    await join(page, "Ada")
    await say(page, "bell \x07 rings")
    await expect(page.locator("#trouble")).to_have_text("text has a control character")
    await expect(draft(page)).to_have_value("bell \x07 rings")
    await say(page, "silence")
    await sees(page, "silence")
    await expect(page.locator("#trouble")).to_be_hidden()


async def test_a_name_can_be_changed(chat: Chat, open_tab: OpenTab) -> None:
    ada, bob = await two_tabs(chat, open_tab)
    await bob.get_by_role("button", name="Change name").click()
    await join(bob, "Robert")
    await sees_people(ada, "Ada", "Robert")
    await say(bob, "It is me.")
    await expect(ada.locator(".message .name")).to_have_text("Robert")
