"""Handlers are named, each with what of the policy is its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.judge import Judge
from tests.app.premises import (
    Order,
    ask_from,
    echo,
    get,
    new_app,
    opening,
    serving,
    status_of,
    uri_of,
)
from trunkline import Events, Limits, Request, connect
from trunkline.app.app import App
from trunkline.app.messages.invalid import Invalid
from trunkline.app.routing.http import HttpRequest


def somebody(request: Request) -> str | None:
    return "ann" if "X-Ann" in request.headers else None


async def test_every_kind_of_route_is_decorated() -> None:
    app = new_app(health=None, ready=None)

    @app.websocket("/coroutine/{word}")
    async def coroutine(ws: Any, word: str) -> None:
        await ws.send(word)

    @app.websocket("/events/{word}")
    class Hello(Events):
        def __init__(self, word: str) -> None:
            self.word = word

        def on_open(self, ws: Any) -> None:
            ws.send_soon(self.word)

    @app.get("/page/{word}")
    def page(request: HttpRequest, word: str) -> str:
        return f"{request.method} {word}"

    @app.post("/page/{word}")
    async def post(request: HttpRequest, word: str) -> dict[str, Any]:
        return {"word": word, "body": request.json()}

    @app.http("/page/{word}", ["PUT", "DELETE"])
    def change(request: HttpRequest) -> None:
        return None

    assert (coroutine.__name__, Hello.__name__, page.__name__) == ("coroutine", "Hello", "page")
    async with serving(app) as server:
        for path in ("/coroutine/one", "/events/one"):
            async with connect(uri_of(server, path)) as ws:
                assert await ws.recv() == "one"
        for method, status, body in (
            ("GET", 200, b"GET one"),
            ("HEAD", 200, b""),
            ("POST", 200, b'{"word": "one", "body": [1]}'),
            ("PUT", 204, b""),
            ("DELETE", 204, b""),
            ("PATCH", 405, b"this path answers DELETE, GET, HEAD, POST, PUT only\n"),
        ):
            sent = b"[1]" if method == "POST" else b""
            response = await ask_from(server, get("/page/one", method, sent))
            assert (response.status_code, response.body) == (status, body)


async def test_routes_may_be_added_without_decorating() -> None:
    app = new_app()
    app.add_websocket("/", echo)
    assert await status_of(app, opening("/")) == 101


async def needs_more(ws: Any, more: str) -> None: ...


WRONG_ROUTES: list[tuple[Callable[[App], Any], type[Exception], str]] = [
    (lambda app: app.websocket("/")("no handler"), TypeError, "is not a handler"),
    (lambda app: app.websocket("/{x}")(needs_more), TypeError, "'more'"),
    (lambda app: app.websocket(echo), TypeError, "a path is a string, not <function echo"),
    (lambda app: app.get(echo), TypeError, "a path is a string, not <function echo"),
    (lambda app: app.websocket("/", limits={})(echo), TypeError, "limits is a trunkline.Limits"),
    (lambda app: app.websocket("/", invalid=1007)(echo), TypeError, "invalid is a trunkline.In"),
    (
        lambda app: app.websocket("/", invalid=Invalid.CLOSE_1007)(echo),
        ValueError,
        "invalid=Invalid.CLOSE_1007 needs message=: without it no",
    ),
    (lambda app: app.websocket("/", sends=int)(echo), TypeError, "messages cannot be of type int"),
    (lambda app: app.websocket("x")(echo), ValueError, "it must begin with /"),
    (lambda app: app.websocket("/", subprotocols="chat")(echo), TypeError, "not one string"),
    (lambda app: app.websocket("/", origins=["a.com"])(echo), ValueError, "is not an origin"),
    (lambda app: app.websocket("/", auth=42)(echo), TypeError, "is neither an authenticator"),
    (lambda app: app.websocket("/", message=int)(echo), TypeError, "messages cannot be of type"),
    (lambda app: app.websocket("/taken")(echo), ValueError, "there is a handler for '/taken'"),
    (lambda app: app.get("/health")(lambda request: ""), ValueError, "handler for '/health'"),
    (lambda app: app.get("/{x}")(needs_more), TypeError, "'more'"),
    (lambda app: app.http("/", "GET")(lambda request: ""), TypeError, "not one string"),
    (lambda app: app.post("/", auth=[])(lambda request: ""), ValueError, "no authenticator"),
    (lambda app: app.static("/", "/nowhere"), ValueError, "is not a folder"),
]


@pytest.mark.parametrize(("add", "error", "problem"), WRONG_ROUTES)
def test_a_route_that_cannot_be_meant_is_an_error_at_once(
    add: Callable[[App], Any], error: type[Exception], problem: str
) -> None:
    app = new_app()
    app.websocket("/taken")(echo)
    with pytest.raises(error) as caught:
        add(app)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("route", "origin", "status"),
    [
        ({}, "https://a.com", 101),
        ({}, "https://b.com", 403),
        ({"origins": ["https://b.com"]}, "https://a.com", 403),
        ({"origins": ["https://b.com"]}, "https://b.com", 101),
        ({"origins": None}, "https://c.com", 101),
    ],
)
async def test_a_route_may_have_its_own_origins(
    route: dict[str, Any], origin: str, status: int
) -> None:
    app = new_app(origins=["https://a.com"])
    app.websocket("/", **route)(echo)
    assert await status_of(app, opening("/", ("Origin", origin))) == status


@pytest.mark.parametrize(
    ("app_auth", "route", "lines", "status"),
    [
        (somebody, {}, [], 401),
        (somebody, {}, [("X-Ann", "1")], 101),
        (somebody, {"auth": None}, [], 101),
        (None, {"auth": somebody}, [], 401),
        (None, {"auth": somebody}, [("X-Ann", "1")], 101),
        (somebody, {"auth": Judge(awaits_message=False)}, [("X-Ann", "1")], 401),
    ],
)
async def test_a_route_may_have_its_own_authenticator(
    app_auth: Any, route: dict[str, Any], lines: list[tuple[str, str]], status: int
) -> None:
    app = new_app(auth=app_auth)
    app.websocket("/", **route)(echo)
    assert await status_of(app, opening("/", *lines)) == status


async def test_pages_ask_nobody_unless_they_say_so() -> None:
    app = new_app(auth=somebody)
    app.get("/open")(lambda request: "")
    app.get("/closed", auth=somebody)(lambda request: request.user)
    app.post("/closed", auth=None)(lambda request: "")
    async with serving(app) as server:
        assert (await ask_from(server, get("/open"))).status_code == 200
        assert (await ask_from(server, get("/closed"))).status_code == 401
        assert (await ask_from(server, get("/closed", X_Ann="1"))).body == b"ann"
        assert (await ask_from(server, get("/closed", "POST"))).status_code == 200


async def test_a_route_may_have_its_own_limits_subprotocols_and_messages() -> None:
    app = new_app()
    app.websocket(
        "/",
        limits=Limits(max_size=100),
        subprotocols=["b", "a"],
        message=Order,
        invalid=Invalid.CLOSE_1008,
    )(echo)
    async with (
        serving(app) as server,
        connect(uri_of(server), subprotocols=["a", "b"]) as ws,
    ):
        assert ws.subprotocol == "b"
        (inside,) = server.connections
        assert inside._setting.limits.max_size == 100
        await ws.send('{"item":"tea"}')
        assert await ws.recv() == '{"item":"tea"}'
        await ws.send("{}")
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (1008, "Object missing required field `item`")


async def test_typed_routes_are_described() -> None:
    app = new_app()
    app.websocket("/orders", message=Order)(echo)
    app.serve_asyncapi(title="Shop", version="1")
    async with serving(app) as server:
        response = await ask_from(server, get("/asyncapi.json"))
    assert json.loads(response.body) == app.asyncapi(title="Shop", version="1")
    assert list(app.asyncapi(title="Shop", version="1")["channels"]) == ["orders"]


async def test_static_files_are_served_below_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    app = new_app()
    app.static("/files/", tmp_path)
    async with serving(app) as server:
        assert (await ask_from(server, get("/files/a.txt"))).body == b"hello"
