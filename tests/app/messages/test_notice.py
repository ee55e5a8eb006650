"""Who is too fast for a route is told so, and not too often."""

from __future__ import annotations

import json

from trunkline import testing
from trunkline.app.app import App
from trunkline.limits import NOTICE_INTERVAL, Excess, Limits, Rate

SLOW = Limits(message_rate=Rate(1, per=3600.0, burst=2), on_excess=Excess.DROP)


def slow_app(limits: Limits = SLOW) -> App:
    app = App()

    @app.websocket("/", limits=limits)
    async def echo(ws: object) -> None:
        async for message in ws:  # type: ignore[attr-defined]
            await ws.send(message)  # type: ignore[attr-defined]

    return app


async def test_a_peer_hears_of_what_was_dropped_once_in_a_while() -> None:
    async with testing.serve(slow_app()) as house:
        ws = await house.connect("/")
        for number in range(5):
            await ws.send(str(number))
        # The answers are the handler's, who begins after the bytes that came together.
        told, *answers = [str(await ws.receive()) for _ in range(3)]
        assert answers == ["0", "1"]
        notice = json.loads(told)
        assert notice == {
            "error": "messages were dropped: they came too fast, "
            "limit 1 messages per 3600 s, 2 at once"
        }
        await ws.expect_nothing(0)
        await house.clock.advance(NOTICE_INTERVAL)
        await ws.send("again")
        assert json.loads(str(await ws.receive())) == notice


async def test_who_is_leaving_hears_nothing() -> None:
    async with testing.serve(slow_app()) as house:
        ws = await house.connect("/")
        (connection,) = house.server.connections
        connection.close_soon(1000, "")
        connection._setting.when_dropped(connection, "late")
        await ws.expect_close(1000)


async def test_bytes_above_a_rate_have_no_number_of_messages() -> None:
    async with testing.serve(slow_app(Limits(on_excess=Excess.DROP))) as house:
        ws = await house.connect("/")
        (connection,) = house.server.connections
        connection._setting.when_dropped(connection, b"")
        assert await ws.receive() == '{"error": "messages were dropped: they came too fast"}'
