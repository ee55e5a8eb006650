"""The page about FastAPI and uvicorn."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integrations.asgi_server import served

from tests.docs.page import Page
from trunkline import InvalidStatus, connect

PAGE = Page("fastapi")


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"console": 1, "python": 2}


async def test_a_route_of_fastapi_and_a_handler_of_ours_answer_as_the_command_starts_them() -> None:
    *_, option, protocol = PAGE.of("console")[0].split()
    assert option == "--ws"
    app: Any = PAGE.run().app
    async with served(app, ws=protocol) as port:
        async with connect(f"ws://127.0.0.1:{port}/echo") as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
        async with connect(f"ws://127.0.0.1:{port}/shout") as ws:
            await ws.send("hello")
            assert await ws.recv() == "HELLO"
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/shout", origin="https://evil.example")
