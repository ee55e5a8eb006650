"""The page about FastAPI and uvicorn."""

from __future__ import annotations

from typing import Any

import pytest

from tests.docs.page import Page
from tests.integrations.serving import OURS, serving
from trunkline import InvalidStatus, connect

PAGE = Page("fastapi")


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"console": 1, "python": 3}


async def test_routes_of_fastapi_and_handlers_of_ours_answer_as_the_command_starts_them() -> None:
    *_, option, protocol = PAGE.of("console")[0].split()
    assert (option, protocol) == ("--ws", OURS)
    async with serving(PAGE.run().app, ws=protocol) as served:
        async with connect(served.uri("/echo")) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
        async with connect(served.uri("/shout/")) as ws:
            await ws.send("hello")
            assert await ws.recv() == "HELLO"
        with pytest.raises(InvalidStatus):
            await connect(served.uri("/shout/"), origin="https://evil.example")


async def test_an_application_of_ours_lives_in_another() -> None:
    page: Any = PAGE.run()
    async with serving(page.api, ws=OURS, lifespan="on") as served:
        assert len(page.live.services) == 1
        async with connect(served.uri("/live/rooms/tea")) as ws:
            assert await ws.recv() == "welcome to tea"
    assert not page.live.services
