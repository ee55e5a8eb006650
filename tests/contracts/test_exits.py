"""Whoever calls sys.exit() in a handler ends one connection: asyncio would end the loop."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.contracts.escapes import Escapes
from tests.contracts.meeting import echo, meet
from trunkline import ConnectionClosed, Events, InvalidStatus, Request, ServerConnection

pytestmark = pytest.mark.usefixtures("engine_name")


async def exit_at_once(ws: ServerConnection) -> None:
    if ws.request.path == "/bad":
        sys.exit("no way out")
    await echo(ws)


async def exit_later(ws: ServerConnection) -> None:
    async for message in ws:
        if message == "bad":
            sys.exit("no way out")
        await ws.send(message)


class Exiting(Events):
    """Echoes, and exits in one of its methods."""

    where = ""

    def __init__(self) -> None:
        self._exit("new")

    def _exit(self, here: str) -> None:
        if self.where == here:
            sys.exit("no way out")

    def on_open(self, ws: Any) -> None:
        self._exit("on_open")

    def on_message(self, ws: Any, data: str | bytes) -> None:
        self._exit("on_message")
        ws.send_soon(data)

    def on_ping(self, ws: Any, data: bytes) -> None:
        self._exit("on_ping")

    def on_close(self, ws: Any, code: int, reason: str, was_clean: bool) -> None:
        self._exit("on_close")


def exiting(where: str) -> Any:
    class Somewhere(Exiting):
        pass

    def make(request: Request) -> Events:
        if request.path != "/bad":
            return Exiting()
        Somewhere.where = where
        return Somewhere()

    return make


async def finds_its_end(ws: Any) -> int:
    """Do what any of these handlers exits at; give the code that comes of it."""
    try:
        await ws.send("bad")
        await ws.ping()
        while await ws.recv():
            pass
    except ConnectionClosed:
        pass
    return ws.close_code or 0


HANDLERS = {
    "at once": exit_at_once,
    "later": exit_later,
    **{where: exiting(where) for where in ("on_open", "on_message", "on_ping")},
}


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
async def test_an_exit_ends_one_connection_with_1011(
    handler: Any, escapes: Escapes, caplog: pytest.LogCaptureFixture
) -> None:
    async with meet(handler) as meeting:
        lucky = await meeting.join()
        unlucky = await meeting.join(path="/bad")
        assert await finds_its_end(unlucky) == 1011
        await lucky.send("still here")
        assert await lucky.recv() == "still here"
    (error,) = escapes.take()
    assert isinstance(error, SystemExit)
    assert "sys.exit() in it ends this connection, not the server; SIGTERM does that" in caplog.text


async def test_an_exit_after_the_end_is_logged(escapes: Escapes) -> None:
    async with meet(exiting("on_close")) as meeting:
        lucky = await meeting.join()
        unlucky = await meeting.join(path="/bad")
        await unlucky.close()
        await lucky.send("still here")
        assert await lucky.recv() == "still here"
    (error,) = escapes.take()
    assert isinstance(error, SystemExit)


def exit_for_one(connection: Any, request: Request) -> None:
    if request.path == "/bad":
        sys.exit("no way out")


@pytest.mark.parametrize(
    ("handler", "options"), [(exiting("new"), {}), (echo, {"process_request": exit_for_one})]
)
async def test_an_exit_before_the_beginning_is_answered_with_500(
    handler: Any, options: Any, escapes: Escapes
) -> None:
    async with meet(handler, **options) as meeting:
        lucky = await meeting.join()
        with pytest.raises(InvalidStatus, match="500"):
            await meeting.join(path="/bad")
        await lucky.send("still here")
        assert await lucky.recv() == "still here"
    (error,) = escapes.take()
    assert isinstance(error, SystemExit)
