"""What a page does with a WebSocket of the browser's, and what it tells of it."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

BLANK_PAGE = "<!doctype html><title>blank</title><link rel=icon href='data:,'>"

# Opens a WebSocket, sends the texts and so many bytes, closes it when all texts have come back, and
# tells the story.
CONVERSE = """
({ url, protocols = [], texts = [], flood = 0, close = null }) => new Promise((resolve) => {
  const socket = new WebSocket(url, protocols);
  const story = { opened: false, errors: 0, messages: [] };
  const closeWhenDone = () => {
    if (close && story.messages.length >= texts.length) socket.close(...close);
  };
  socket.onopen = () => {
    const { protocol, extensions } = socket;
    Object.assign(story, { opened: true, protocol, extensions });
    texts.forEach((text) => socket.send(text));
    if (flood) socket.send(new Uint8Array(flood));
    closeWhenDone();
  };
  socket.onmessage = ({ data }) => {
    story.messages.push(data);
    closeWhenDone();
  };
  socket.onerror = () => (story.errors += 1);
  socket.onclose = ({ code, reason, wasClean }) => resolve({ ...story, code, reason, wasClean });
})
"""


async def converse(page: Page, url: str, **options: Any) -> dict[str, Any]:
    story: dict[str, Any] = await page.evaluate(CONVERSE, {"url": url, **options})
    return story


def ending(story: dict[str, Any]) -> tuple[int, str, bool]:
    return story["code"], story["reason"], story["wasClean"]
