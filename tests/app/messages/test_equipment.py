"""What a connection of a route consists of: a screen only where there is need."""

from typing import Any

import pytest

from tests.app.judge import Judge
from tests.app.premises import Order, caller, new_app, opening, serving, texts
from tests.app.rooms import Guest
from tests.auth.openings import NOW
from trunkline import Events, Request
from trunkline.app.connection import AppConnection
from trunkline.app.messages.screened_connection import ScreenedConnection
from trunkline.auth import Identity


def somebody(request: Request) -> Identity:
    return Identity("ann")


def somebody_for_a_while(request: Request) -> Identity:
    return Identity("ann", expires_at=NOW + 60)


JUDGE = "judge"

CASES: list[tuple[Any, Any, str, bool]] = [
    (None, None, "", False),
    (somebody, None, "", False),
    # Nobody could judge a token, so that no message is one.
    (somebody_for_a_while, None, "", False),
    (None, Order, "", True),
    (somebody_for_a_while, Order, "", True),
    (JUDGE, None, "t.ann", False),
    (JUDGE, None, "t.ann.60", True),
    (JUDGE, None, "", True),
]


@pytest.mark.parametrize("kind", ["coroutine", "events"])
@pytest.mark.parametrize(("auth", "message", "token", "is_screened"), CASES)
async def test_there_is_a_screen_where_there_is_need(
    kind: str, auth: Any, message: Any, token: str, is_screened: bool
) -> None:
    seen: list[Any] = []
    app = new_app(auth=Judge() if auth == JUDGE else auth)

    async def converse(ws: AppConnection) -> None:
        seen.append(isinstance(ws, ScreenedConnection))
        await ws.send("hello")
        await ws.recv()

    class Telling(Events):
        def on_open(self, ws: Any) -> None:
            seen.append(isinstance(ws, ScreenedConnection))
            ws.send_soon("hello")

    app.websocket("/", message=message)(converse if kind == "coroutine" else Telling)
    lines = [("Authorization", f"Bearer {token}")] if token else []
    follows = auth == JUDGE and not token
    async with serving(app) as server:
        server.service.now = lambda: NOW
        data = opening("/", *lines) + texts(*["t.ann"] * follows)
        async with caller(server, data) as (reader, writer):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            guest = Guest(reader, writer)
            if follows:
                assert await guest.hears() == '{"auth": "ok", "expires_at": null}'
            assert await guest.hears() == "hello"
    assert seen == [is_screened]
