"""Figures for Prometheus."""

import asyncio
import sys
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from tests.app.premises import serving, uri_of
from tests.app.seeing import Ends, get, new_app
from trunkline import InvalidStatus, Topic, connect
from trunkline.app.app import App
from trunkline.app.observation.metrics import Metrics
from trunkline.app.observation.snapshot import take_snapshot
from trunkline.auth.basic import Basic

ADA = "Basic YWRhOmxvdmVsYWNl"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def parse(text: str) -> Samples:
    """Give the values of each sample by its labels, the worker's left out."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sorted((k, v) for k, v in sample.labels.items() if k != "worker")
            found.setdefault(sample.name, {})[tuple(labels)] = sample.value
    return found


async def scrape(server: Any, **headers: str) -> Samples:
    response = await get(server, "/metrics", **headers)
    assert response.status_code == 200
    return parse(response.body.decode())


def measured(**options: Any) -> App:
    app = new_app(**options)
    app.metrics()
    return app


async def test_what_happens_is_counted() -> None:
    app = measured()
    app.topics["news"] = Topic()
    ends = Ends(app)
    async with serving(app) as server:
        async with connect(uri_of(server, "/rooms/7")) as ws:
            await ws.send("hello")
            await ws.recv()
            during = await scrape(server)
        await ends.come()
        await get(server, "/nothing")
        after = await scrape(server)
    route = (("route", "/rooms/{room}"),)
    assert during["trunkline_connections"][route] == 1
    assert after["trunkline_connections"][route] == 0
    handshakes = after["trunkline_handshakes_total"]
    assert handshakes[("outcome", "opened"), ("reason", "")] == 1
    assert handshakes[("outcome", "answered"), ("reason", "200")] == 1
    assert handshakes[("outcome", "refused"), ("reason", "route")] == 1
    assert after["trunkline_arrivals_total"][()] == 4
    assert after["trunkline_closes_total"] == {(("code", "1000"),): 1}
    assert after["trunkline_handshake_seconds_count"][()] == 1
    assert after["trunkline_handshake_seconds_bucket"][(("le", "+Inf"),)] == 1
    assert after["trunkline_connection_seconds_count"][()] == 1
    assert after["trunkline_topic_delivered_total"] == {(("topic", "news"),): 0}
    assert after["trunkline_unsent_bytes"][route] == 0


async def test_the_lag_of_the_loop_is_counted() -> None:
    app = measured()
    async with serving(app) as server:
        async with asyncio.timeout(20):
            while not (await scrape(server))["trunkline_loop_lag_seconds_count"][()]:
                await asyncio.sleep(0)


# Labels


async def test_no_stranger_chooses_a_label() -> None:
    mark = "strangers-own"
    app = measured(auth=Basic({mark: "lovelace"}))
    ends = Ends(app)
    origin = {"Origin": f"https://{mark}.example"}
    async with serving(app) as server:
        uri = uri_of(server, f"/rooms/{mark}?{mark}=1")
        with pytest.raises(InvalidStatus):
            await connect(uri, additional_headers=origin | {"User-Agent": mark})
        with pytest.raises(InvalidStatus):
            await connect(uri, additional_headers={"Authorization": f"Basic {mark}"})
        login = {"Authorization": "Basic c3RyYW5nZXJzLW93bjpsb3ZlbGFjZQ=="}
        async with connect(uri, additional_headers=login, subprotocols=[mark]) as ws:
            await ws.close(4321, mark)
        await ends.come()
        await get(server, f"/{mark}?{mark}")
        text = (await get(server, "/metrics")).body.decode()
    assert mark not in text and "4321" not in text
    assert parse(text)["trunkline_closes_total"] == {(("code", "4xxx"),): 1}
    labels = {key for samples in parse(text).values() for each in samples for key, _ in each}
    assert labels == {"route", "outcome", "reason", "code", "le"}


# The answer


async def test_the_form_is_the_one_that_is_asked_for() -> None:
    async with serving(measured()) as server:
        plain = await get(server, "/metrics")
        new = await get(server, "/metrics", Accept=OPENMETRICS)
    assert plain.headers["Content-Type"].startswith("text/plain")
    assert new.headers["Content-Type"].startswith("application/openmetrics-text")
    assert new.body.rstrip().endswith(b"# EOF")


async def test_they_may_be_for_some_only() -> None:
    app = new_app()
    app.metrics("/figures", auth=Basic({"ada": "lovelace"}))
    async with serving(app) as server:
        assert (await get(server, "/figures")).status_code == 401
        assert (await get(server, "/figures", Authorization=ADA)).status_code == 200
        assert (await get(server, "/metrics")).status_code == 404


async def test_others_may_be_among_them() -> None:
    registry = CollectorRegistry()
    Counter("orders", "Orders", registry=registry).inc()
    app = new_app()
    app.metrics(registry=registry)
    async with serving(app) as server:
        found = await scrape(server)
    assert found["orders_total"][()] == 1
    assert "trunkline_connections" in found


async def test_each_process_counts_for_itself() -> None:
    first = take_snapshot(new_app())
    second = first | {"worker": 2, "arrivals": 7}

    async def take() -> list[Any]:
        return [first, second]

    app = new_app()
    app.get("/metrics")(Metrics(take, None).answer)
    async with serving(app) as server:
        text = (await get(server, "/metrics")).body.decode()
    assert 'trunkline_arrivals_total{worker="1"} 0.0' in text
    assert 'trunkline_arrivals_total{worker="2"} 7.0' in text


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r"pip install 'trunkline\[app\]'"):
        new_app().metrics()


async def test_a_round_trip_is_counted_once_at_its_route() -> None:
    app = measured()

    @app.websocket("/far")
    async def handler(ws: Any) -> None:
        for _ in range(3):
            await ws.ping()
        await ws.send("three")
        await ws.recv()

    async with serving(app) as server, connect(uri_of(server, "/far")) as ws:
        assert await ws.recv() == "three"
        found = await scrape(server)
    assert found["trunkline_round_trip_seconds_count"] == {
        (("route", "/far"),): 3,
        (("route", "/rooms/{room}"),): 0,
    }
