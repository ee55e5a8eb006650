"""What a connection of an application knows."""

from typing import Any

from tests.app.judge import Judge
from tests.app.premises import new_app, serving, uri_of
from tests.auth.openings import NOW
from trunkline import connect
from trunkline.app.connection import AppConnection


async def told(**headers: str) -> list[Any]:
    """Give what a handler knows of whoever connects."""
    seen: list[Any] = []
    app = new_app(auth=Judge() if headers else None)

    @app.websocket("/rooms/{room}/{number:int}")
    async def handler(ws: AppConnection) -> None:
        seen.extend((ws.user, dict(ws.claims), ws.identity and ws.identity.expires_at))
        seen.extend((dict(ws.params), ws.client_address))

    async with serving(app) as server:
        server.service.now = lambda: NOW
        uri = uri_of(server, "/rooms/lobby/3")
        async with connect(uri, additional_headers=headers) as ws:
            await ws.wait_closed()
    return seen


async def test_nobody_in_particular() -> None:
    assert await told() == [None, {}, None, {"room": "lobby", "number": 3}, "127.0.0.1"]


async def test_somebody() -> None:
    user, claims, expires_at, _, _ = await told(Authorization="Bearer t.ann.60")
    assert (user, claims, expires_at) == ("ann", {"said": "t.ann.60"}, NOW + 60)
