"""The page about a first server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.docs.page import Page, serve, uri_of
from tests.docs.web import get
from trunkline import connect

PAGE = Page("first-server")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The page's module, run where it may write files."""
    monkeypatch.chdir(tmp_path)
    yield PAGE.run()


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"python": 6}


async def test_a_handler_echoes(page: Any) -> None:
    async with serve(page.app) as server, connect(uri_of(server, "/echo")) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def test_a_room_tells_everybody_in_it(page: Any) -> None:
    async with serve(page.app) as server:
        tea, cake = uri_of(server, "/rooms/tea"), uri_of(server, "/rooms/cake")
        async with connect(tea) as one, connect(tea) as two, connect(cake) as other:
            # Whoever hears himself has entered; the other room hears only itself.
            for ws, words in ((one, "one"), (other, "other"), (two, "two")):
                await ws.send(words)
                while await ws.recv() != words:
                    pass
            await one.send("all")
            while await two.recv() != "all":
                pass
            await other.send("nobody else")
            assert await other.recv() == "nobody else"


async def test_events_answer(page: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(page.app) as server, connect(uri_of(server, "/events")) as ws:
        assert await ws.recv() == "who is there?"
        await ws.send("it is me")
        assert await ws.recv() == "good evening, it is me"
    assert "gone with 1000" in capsys.readouterr().out


async def test_pages_are_served_beside_it(page: Any) -> None:
    async with serve(page.app) as server:
        home = await get(server, "/")
        assert "<title>Echo</title>" in home.text
        assert home.headers["Content-Security-Policy"] == "default-src 'self'"
        assert "WebSocket" in (await get(server, "/echo.js")).text
        assert (await get(server, "/time/CET")).json() == {"zone": "CET", "time": "12:00"}


async def test_hooks_are_called_around_it(page: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(page.app):
        assert "open the database here" in capsys.readouterr().out
    assert "and close it here" in capsys.readouterr().out


async def test_a_client_talks_to_it(page: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with page.app.serve("127.0.0.1", 8000):
        await page.main()
    assert "hello" in capsys.readouterr().out
