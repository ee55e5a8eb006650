"""The examples of the README do what it says."""

from __future__ import annotations

import asyncio
import re
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

import trunkline

README = (Path(__file__).parent.parent / "README.md").read_text()
SECTIONS = [section.partition("\n") for section in README.split("\n## ")]
BLOCKS = [
    (heading, code)
    for heading, _, text in SECTIONS
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
]
PORT = "8765"
PATIENCE = 20.0


def block(title: str) -> str:
    return next(code for heading, code in BLOCKS if heading == title)


def load(title: str, port: int | None = None) -> types.ModuleType:
    """Run an example as a module, at another port, up to the line that would start its loop."""
    code = block(title).replace("asyncio.run(main())\n", "")
    if port is not None:
        code = code.replace(PORT, str(port))
    module = types.ModuleType("example")
    exec(compile(code, f"README: {title}", "exec"), module.__dict__)
    return module


def port_of(server: trunkline.Server) -> int:
    return server.sockets[0].getsockname()[1]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


def test_the_two_servers_have_at_most_twelve_lines() -> None:
    for title in ("An echo server in 12 lines", "A chat room in 12 lines"):
        assert len(block(title).splitlines()) <= 12


async def test_the_echo_server_echoes(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    example = load("An echo server in 12 lines", unused_tcp_port)
    server = asyncio.create_task(example.main())
    uri = f"ws://127.0.0.1:{unused_tcp_port}"
    backoff = trunkline.Backoff(first=0.01, cap=0.01)
    async with asyncio.timeout(PATIENCE):
        async for ws in trunkline.connect(uri, backoff=backoff):
            await ws.send("Hello Server!")
            assert await ws.recv() == "Hello Server!"
            break
    server.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server


async def test_the_chat_room_tells_everybody() -> None:
    example = load("A chat room in 12 lines")
    async with trunkline.serve(example.Chat, "127.0.0.1", 0) as server:
        uri = f"ws://127.0.0.1:{port_of(server)}"
        async with trunkline.connect(uri) as one, trunkline.connect(uri) as two:
            await until(lambda: len(example.room) == 2)
            await one.send("hello")
            assert await one.recv() == await two.recv() == "hello"
        await until(lambda: not example.room)


async def test_the_client_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    greetings = []

    async def cut_then_leave(ws: trunkline.ServerConnection) -> None:
        greetings.append(await ws.recv())
        if len(greetings) == 1:
            ws.abort()
        else:
            await ws.send("welcome back")

    async with trunkline.serve(cut_then_leave, "127.0.0.1", 0) as server:
        example = load("A client that comes back", port_of(server))
        async with asyncio.timeout(PATIENCE):
            await example.main()
    assert greetings == ["Hello Server!"] * 2
    printed = capsys.readouterr().out
    assert "welcome back" in printed
    assert "Decision(retry=True" in printed and "Decision(retry=False" in printed


async def test_the_browsers_api_prints_message_and_close(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def answer(ws: trunkline.ServerConnection) -> None:
        await ws.send(await ws.recv())

    async with trunkline.serve(answer, "127.0.0.1", 0) as server:
        example = load("The browser's API", port_of(server))
        async with asyncio.timeout(PATIENCE):
            await example.main()
    assert capsys.readouterr().out == "Message: Hello Server!\n1000 True\n"


async def test_the_application_lets_in_who_has_a_token() -> None:
    app = load("An application for strangers").app
    claims = {"sub": "ada", "exp": time.time() + 60}
    token = jwt.encode(claims, "a secret of at least 32 bytes, out of a file", "HS256")
    async with app.serve("127.0.0.1", 0) as server:
        uri = f"ws://127.0.0.1:{port_of(server)}/rooms/tea"
        with pytest.raises(trunkline.InvalidStatus):
            await trunkline.connect(uri, origin="https://example.com")
        allowed = {"origin": "https://example.com"}
        headers = {"Authorization": f"Bearer {token}"}
        async with trunkline.connect(uri, additional_headers=headers, **allowed) as ws:
            assert await ws.recv() == "good evening, ada: this is tea"
            await ws.send("hello")
            assert await ws.recv() == "hello"


async def test_the_test_passes() -> None:
    await load("Testing without sockets").test_it_shouts()


def test_every_block_of_the_readme_is_tested() -> None:
    assert len(BLOCKS) == README.count("```python") == 6
