"""What a process does at this moment."""

import json
import os
from types import SimpleNamespace
from typing import Any

import pytest

from tests.app.premises import serving, uri_of
from tests.app.seeing import new_app
from trunkline import Topic, connect
from trunkline.app.app import App
from trunkline.app.connection import AppConnection
from trunkline.app.observation import snapshot
from trunkline.app.observation.snapshot import (
    describe_connections,
    describe_topics,
    quantile,
    resident_bytes,
    take_snapshot,
    worker_of,
)
from trunkline.engines.choose import engine_info


async def test_it_tells_who_is_there_and_what_goes_through() -> None:
    app = new_app()
    async with serving(app) as server:
        async with connect(uri_of(server, "/rooms/7")) as ws:
            await ws.send("hello")
            await ws.recv()
            told = take_snapshot(app)
            # The opening request is not kept for as long as a connection lasts.
            assert [there.visit.request for there in server.connections] == [None]
        assert set(server.service.settings) == {"/rooms/{room}"}
    assert json.loads(json.dumps(told)) == told
    assert (told["pid"], told["worker"], told["connections"]) == (os.getpid(), 1, 1)
    assert told["engine"] == engine_info().engine
    assert told["is_ready"] is True
    assert told["uptime"] >= 0
    assert told["handshakes"] == [["opened", "", 1]]
    assert told["lag"] >= 0
    [(route, found)] = told["routes"].items()
    assert route == "/rooms/{room}"
    assert (found["connections"], found["unsent"], found["slow"]) == (1, 0, 0)
    assert found["messages_received"] in (0, 1)


async def test_a_route_without_connections_is_there() -> None:
    app = new_app()
    assert take_snapshot(app)["routes"]["/rooms/{room}"]["connections"] == 0
    assert take_snapshot(app)["uptime"] == 0


async def test_a_drain_is_told() -> None:
    app = new_app()
    async with serving(app) as server:
        server.service.is_ready = False
        assert take_snapshot(app)["is_ready"] is False


# Connections


def connection(unsent: int, latency: float, write_limit: int = 100) -> Any:
    setting = SimpleNamespace(limits=SimpleNamespace(write_limit=write_limit))
    return SimpleNamespace(buffered_amount=unsent, latency=latency, _setting=setting)


def test_queues_are_added_up_and_those_above_high_water_are_counted() -> None:
    connections: list[AppConnection] = [
        connection(0, 0.0),
        connection(100, 0.25),
        connection(101, 0.5),
    ]
    assert describe_connections(connections) == {
        "connections": 3,
        "unsent": 201,
        "slow": 1,
        "round_trips": {"0.5": 0.25, "0.99": 0.5, "1.0": 0.5},
    }


def test_there_is_no_round_trip_before_the_first_pong() -> None:
    found = describe_connections([connection(0, 0.0)])
    assert set(found["round_trips"].values()) == {None}


@pytest.mark.parametrize(("share", "value"), [(0.5, 5.0), (0.99, 10.0), (1.0, 10.0), (0.51, 6.0)])
def test_a_quantile_is_a_value_that_was_there(share: float, value: float) -> None:
    assert quantile([float(number) for number in range(1, 11)], share) == value


# Topics


async def test_topics_are_told_by_their_names() -> None:
    app = new_app()
    app.topics["room"] = Topic()
    assert describe_topics(app) == {"room": {"subscribers": 0, "delivered": 0, "drops": {}}}


def test_drops_are_told_by_their_reason() -> None:
    topic = Topic()
    topic.drops["drop_oldest"] += 3
    app: Any = SimpleNamespace(topics={"room": topic})
    assert describe_topics(app)["room"]["drops"] == {"drop_oldest": 3}


# The process


def test_a_worker_has_its_number() -> None:
    app: Any = SimpleNamespace(peers=SimpleNamespace(number=3))
    assert worker_of(app) == 3
    assert worker_of(App()) == 1


def test_memory_is_told_where_the_system_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = resident_bytes()
    assert found is not None and found > 1_000_000
    monkeypatch.setattr(snapshot, "STATM", "/nowhere/statm")
    assert resident_bytes() is None
