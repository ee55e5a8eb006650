"""Snapshots for whoever looks."""

import asyncio
import json
from typing import Any

import pytest

from tests.app.premises import AT_ONCE, serving, uri_of
from trunkline import connect
from trunkline.app.app import App
from trunkline.app.observation import feed as feed_module
from trunkline.app.observation.feed import Feed, point_of
from trunkline.app.observation.snapshot import Snapshot

HANG_SECONDS = 20.0


class Source:
    """Gives snapshots, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> list[Snapshot]:
        self.count += 1
        route = {
            "messages_received": self.count,
            "messages_sent": 2,
            "bytes_received": 3,
            "bytes_sent": 4,
        }
        return [{"connections": 1, "lag": 0.5, "routes": {"/": route}}] * 2


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SNAPSHOT_INTERVAL", 0.001)


def feeding(source: Any) -> App:
    app = App(drain=AT_ONCE)
    feed = Feed(source)
    app.add_websocket("/live", feed)
    app.on_stop(feed.stop)
    return app


async def receive(ws: Any) -> Any:
    async with asyncio.timeout(HANG_SECONDS):
        return json.loads(await ws.recv())


async def test_who_looks_gets_one_after_the_other() -> None:
    source = Source()
    async with serving(feeding(source)) as server:
        assert source.count == 0
        async with connect(uri_of(server, "/live")) as ws:
            assert await receive(ws) == {"points": []}
            first, second = await receive(ws), await receive(ws)
    assert first["processes"][0]["connections"] == 1
    assert first["point"][1:] == [2, 2, 4, 6, 8, 0.5]
    assert second["point"][2] == 4


async def test_what_was_seen_is_shown_to_the_next() -> None:
    async with serving(feeding(Source())) as server, connect(uri_of(server, "/live")) as ws:
        await receive(ws)
        seen = (await receive(ws))["point"]
        async with connect(uri_of(server, "/live")) as other:
            points = (await receive(other))["points"]
    assert points[0] == seen


async def test_nothing_is_looked_at_when_nobody_looks() -> None:
    source = Source()
    async with serving(feeding(source)) as server:
        async with connect(uri_of(server, "/live")) as ws:
            await receive(ws)
        async with asyncio.timeout(HANG_SECONDS):
            while any(task.get_name() == feed_module.TASK for task in asyncio.all_tasks()):
                await asyncio.sleep(0.001)
        count = source.count
        await asyncio.sleep(0.01)
        assert source.count == count
        async with connect(uri_of(server, "/live")) as ws:
            await receive(ws)
            await receive(ws)
        assert source.count > count


async def test_it_ends_with_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SNAPSHOT_INTERVAL", 3600.0)
    async with serving(feeding(Source())) as server:
        ws = await connect(uri_of(server, "/live"))
        await receive(ws)
    await ws.wait_closed()


async def test_a_feed_that_nobody_looked_at_can_be_stopped() -> None:
    await Feed(Source()).stop()


def test_a_point_of_nothing_is_nothing() -> None:
    assert point_of(7.0, []) == [7.0, 0, 0, 0, 0, 0, 0.0]
