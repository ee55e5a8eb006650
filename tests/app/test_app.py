"""An application: what it takes, what it refuses, and what routes have of their own."""

import logging
import subprocess
import sys
from typing import Any

import pytest
import trustme

from tests.app.judge import Judge
from tests.app.premises import (
    Witness,
    ask_from,
    echo,
    echoing,
    get,
    new_app,
    opening,
    serving,
    status_of,
    uri_of,
)
from tests.client.certificates import client_context, server_context
from trunkline import Deflate, InvalidStatus, Observer, connect
from trunkline.app.app import App
from trunkline.app.observation.tracing import Tracing
from trunkline.app.running.peers import Peers
from trunkline.auth.identity import Identity

# Routes


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"origins": "https://a.com"}, TypeError, "not one string"),
        ({"origins": ["a.com"]}, ValueError, "is not an origin"),
        ({"hosts": "a.com"}, TypeError, "not one string"),
        ({"hosts": ["https://a.com"]}, ValueError, "is not a host to answer for"),
        ({"auth": object()}, TypeError, "is neither an authenticator"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, ValueError, "is not a network"),
        ({"forwarding_header": "X-Real-IP"}, ValueError, "header is 'Forwarded' or"),
        ({"forwarding_header": "Forwarded"}, ValueError, "='Forwarded' needs trusted_proxies, the"),
        ({"proxy_protocol": True}, ValueError, "proxy_protocol=True needs trusted_proxies, the"),
        ({"compression": "gzip"}, ValueError, "gzip"),
        ({"server_header": "a\r\nX-B: c"}, ValueError, "value of header Server"),
        ({"origins": [5]}, TypeError, "an origin is a string, a pattern or None, not 5"),
        ({"hosts": [None]}, TypeError, "a host is a string, not None"),
        ({"limits": {"max_size": 3}}, TypeError, "limits is a trunkline.Limits, not {'max_"),
        ({"drain": 3}, TypeError, "drain is a trunkline.Drain, not 3"),
        ({"lifespan": 3}, TypeError, "lifespan is a function of the application, not 3"),
        ({"health": "health"}, ValueError, "it must begin with /"),
        ({"health": "/up", "ready": "/up"}, ValueError, "there is a handler for '/up' already"),
    ],
)
def test_an_application_that_cannot_be_meant_is_an_error_at_once(
    options: dict[str, Any], error: type[Exception], problem: str
) -> None:
    with pytest.raises(error) as caught:
        App(**options)
    assert problem in str(caught.value)


# What a route has of its own


async def test_origins_are_those_of_the_beginning() -> None:
    origins: list[Any] = ["https://a.com"]
    app = new_app(origins=origins)
    app.websocket("/")(echo)
    app.websocket("/own", origins=origins)(echo)
    origins.append("https://b.com")
    for path in ("/", "/own"):
        assert await status_of(app, opening(path, ("Origin", "https://b.com"))) == 403


# What it says and does


async def test_the_policy_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "trunkline.app")
    app = echoing(origins=None)
    for _ in range(2):
        async with serving(app):
            pass
    lines = [record.getMessage() for record in caplog.records if record.name == "trunkline.app"]
    assert lines == [
        "pages that may connect: all of them, and whoever sends no Origin; hosts: any;"
        " nobody is asked who they are",
        "insecure: origins=None: any page may connect, with the cookies of its visitor",
    ]


async def test_a_logger_and_a_name_may_be_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    app = new_app(logger=logging.getLogger("mine"), server_header="mine/1")
    app.get("/")(lambda request: 1 / 0)
    async with serving(app) as server:
        response = await ask_from(server, get("/"))
    assert response.headers["Server"] == "mine/1"
    assert {record.name for record in caplog.records if record.levelno > logging.INFO} == {"mine"}


async def test_nothing_need_be_said_of_the_server() -> None:
    app = echoing(server_header=None)
    async with serving(app) as server:
        assert "Server" not in (await ask_from(server, get("/health"))).headers


@pytest.mark.parametrize(("compression", "count"), [("deflate", 1), (None, 0), (Deflate(), 1)])
async def test_compression_is_agreed_on(compression: Any, count: int) -> None:
    async with (
        serving(echoing(compression=compression)) as server,
        connect(uri_of(server, "/echo")) as ws,
    ):
        assert len(ws.extensions) == count
        await ws.send("x" * 1000)
        assert await ws.recv() == "x" * 1000


async def test_it_serves_over_tls() -> None:
    app = echoing()
    authority = trustme.CA()
    async with app.serve("127.0.0.1", 0, ssl=server_context(authority)) as server:
        uri = uri_of(server, "/echo", "wss")
        origin = uri_of(server, "", "https")
        async with connect(uri, ssl=client_context(authority), origin=origin) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
        with pytest.raises(InvalidStatus, match="403"):
            # The same host and port, and yet the page of anybody on the way.
            plain = uri_of(server, "", "http")
            await connect(uri, ssl=client_context(authority), origin=plain)


async def test_several_servers_may_be_of_one_application() -> None:
    app = echoing(auth=Judge())
    async with serving(app) as one, serving(app) as two:
        headers = {"Authorization": "Bearer t.ann"}
        async with (
            connect(uri_of(one, "/echo"), additional_headers=headers) as first,
            connect(uri_of(two, "/echo"), additional_headers=headers) as second,
        ):
            assert app.services == [one.service, two.service]
            assert app.disconnect("ann", code=4001, reason="bye") == 2
            for ws in (first, second):
                await ws.wait_closed()
                assert (ws.close_code, ws.close_reason) == (4001, "bye")
    assert app.services == []


async def test_observers_see_what_happens() -> None:
    app = echoing()
    witness = Witness(app)
    async with serving(app) as server:
        async with connect(uri_of(server, "/echo")):
            pass
        with pytest.raises(InvalidStatus):
            await connect(uri_of(server, "/nowhere"))
        await ask_from(server, get("/health"))
        await witness.sees("left", 3)
    assert sorted(witness.seen) == sorted(
        [*["arrived", "left"] * 3, "opened", "closed", "refused", "answered"]
    )


async def test_hooks_are_decorated() -> None:
    app = new_app()
    seen: list[str] = []

    @app.on_start
    def start() -> None:
        seen.append("start")

    @app.on_stop
    async def stop() -> None:
        seen.append("stop")

    async with serving(app):
        assert seen == ["start"]
    assert seen == ["start", "stop"]


BARE = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"msgspec", "pydantic", "jwt", "prometheus_client"}:
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Blocker())
import dataclasses
from trunkline.app.app import App

@dataclasses.dataclass
class Order:
    item: str

app = App()
app.websocket("/")(lambda request: None)
app.get("/page")(lambda request: {})
try:
    app.websocket("/typed", message=Order)
    app.websocket("/typed", message=Order)(lambda request: None)
except ImportError as error:
    print(error)
"""


def test_an_application_needs_no_other_package() -> None:
    found = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=True)
    assert found.stdout == "typed messages need msgspec: pip install 'trunkline[app]'\n"


# Who is there


@pytest.mark.parametrize(
    ("who", "error", "problem"),
    [
        ({"user": 7}, TypeError, "user is of type int, not a string"),
        ({"user": Identity("ann")}, TypeError, "user is of type Identity, not a string"),
        ({"user": "ann", "code": 1005}, ValueError, "close code 1005 must not be sent"),
        ({"user": "ann", "reason": "x" * 124}, ValueError, "close reason is 124 bytes, limit 123"),
    ],
)
def test_who_cannot_be_disconnected_is_an_error_before_others_are_told(
    who: dict[str, Any], error: type[Exception], problem: str
) -> None:
    class Others(Peers):
        def disconnect(self, user: str, code: int, reason: str) -> None:
            raise AssertionError("other workers are told")

    app = new_app()
    app.peers = Others(app)
    with pytest.raises(error, match=problem):
        app.disconnect(**who)


# Seeing


async def test_it_can_be_seen_in_figures_and_by_a_page() -> None:
    app = echoing()
    app.metrics()
    app.status_page(auth=Judge())
    async with serving(app) as server:
        figures = await ask_from(server, get("/metrics"))
        page = await ask_from(server, get("/status"))
    assert b'trunkline_connections{route="/echo",worker="1"} 0.0' in figures.body
    assert page.status_code == 401


@pytest.mark.parametrize("is_on", [True, False])
def test_spans_and_a_watchdog_can_be_chosen(is_on: bool) -> None:
    app = App(tracing=is_on, debug=is_on)
    assert any(isinstance(each, Tracing) for each in app.observers.observers) is is_on


def test_it_is_run_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr("trunkline.app.app.run_or_exit", lambda *args: told.append(args))
    app = new_app()
    app.run("127.0.0.2", 8123, workers=3, uvloop=True)
    ((served, options),) = told
    assert served is app
    assert (options.place.host, options.place.port) == ("127.0.0.2", 8123)
    assert (options.workers, options.uvloop, options.certificate) == (3, True, None)


def test_health_can_be_left_out() -> None:
    assert not list(new_app(health=None, ready=None).routes)


@pytest.mark.parametrize("observer", [Witness, Observer, print, None])
def test_who_cannot_be_told_is_an_error_at_once(observer: Any) -> None:
    with pytest.raises(TypeError, match=r"^an observer is an instance of a trunkline\.Observer"):
        new_app().observe(observer)
