"""The page about what does not connect."""

from __future__ import annotations

import asyncio
import sys

from tests.docs.page import Page, serve
from trunkline import App, ServerConnection

PAGE = Page("doctor")
PATIENCE_SECONDS = 60.0


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"console": 1}


async def test_the_doctor_finds_a_healthy_server_well() -> None:
    app = App()

    @app.websocket("/echo")
    async def echo(ws: ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)

    async with serve(app) as server:
        port = server.sockets[0].getsockname()[1]
        command = PAGE.of("console")[0].replace("8000", str(port)).split()
        doctor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await asyncio.wait_for(doctor.communicate(), PATIENCE_SECONDS)
    assert doctor.returncode == 0
    assert b"verdict" in told
