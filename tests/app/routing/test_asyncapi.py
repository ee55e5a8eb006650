"""AsyncAPI 3: judged by the official schema, and by what it has to say."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pydantic
import pytest

from tests.app.premises import ask_from, echo, get, new_app, serving
from trunkline import Events
from trunkline.app.app import App
from trunkline.app.messages.invalid import Invalid
from trunkline.app.messages.schema import encode
from trunkline.app.routing.asyncapi import name_of
from trunkline.auth import (
    JWT,
    Basic,
    Cookie,
    FirstMessage,
    Header,
    OrAnonymous,
    Query,
    Subprotocol,
    Tickets,
)
from trunkline.limits import APP_LIMITS, Excess

PACKAGE = Path(__file__).parents[2] / "interop/node/node_modules/@asyncapi/specs"
KEY = "a key of thirty-two bytes or more"


class Buy(msgspec.Struct, tag="buy"):
    """Somebody wants something."""

    item: str
    pair: tuple[int, str] = (1, "a")


class Sell(msgspec.Struct, tag="sell"):
    what: Buy | None = None


class Model(pydantic.BaseModel):
    item: str


class Filled(msgspec.Struct):
    price: float


class Rejected(msgspec.Struct):
    why: str


class Noted(pydantic.BaseModel):
    item: str = pydantic.Field("tea", alias="what")

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def length(self) -> int:
        return len(self.item)


@dataclasses.dataclass
class Point:
    x: int


@pytest.fixture(scope="module")
def official() -> Any:
    """Give what knows the official schema."""
    file = PACKAGE / "schemas/3.0.0-without-$id.json"
    if not file.exists():
        pytest.fail("@asyncapi/specs is missing: run tools/setup test", pytrace=False)
    return jsonschema.Draft7Validator(json.loads(file.read_text()))


def everything() -> App:
    app = new_app(auth=[JWT(KEY, sources=[Header(), Cookie("session"), FirstMessage()]), nobody])

    @app.websocket("/orders/{user:int}/{room}", message=Buy | Sell, sends=Filled | Rejected)
    async def orders(ws: Any) -> None:
        """Take orders.

        And send them on.
        """

    @app.websocket("/", message=Point, auth=None)
    class Points(Events):
        pass

    app.websocket("/files/{name:path}", message=Model, auth=Tickets(key=KEY))(echo)
    app.websocket("/notes", sends=Noted, auth=None)(echo)
    app.websocket("/a_b", message=Model, auth=Basic({"ann": "secret"}))(echo)
    app.websocket("/a/b", message=Model, auth=OrAnonymous(Basic({"ann": "secret"})))(echo)
    app.websocket("/plain")(echo)
    return app


def nobody(request: Any) -> None:
    return None


SERVERS = {"production": "wss://example.com/base", "local": "ws://localhost:8000"}


def document(app: App, **options: Any) -> dict[str, Any]:
    return app.asyncapi(title="Shop", version="1.2.3", **options)


@pytest.mark.parametrize("servers", [None, SERVERS])
def test_it_is_what_the_official_schema_says(official: Any, servers: Any) -> None:
    official.validate(document(everything(), servers=servers))
    official.validate(document(new_app()))
    with pytest.raises(jsonschema.ValidationError):
        official.validate(document(everything()) | {"channels": {"orders": {"adress": "/"}}})


def test_channels_are_the_typed_routes() -> None:
    channels = document(everything())["channels"]
    assert {name: channel["address"] for name, channel in channels.items()} == {
        "root": "/",
        "a_b": "/a_b",
        "a_b_2": "/a/b",
        "orders_user_room": "/orders/{user}/{room}",
        "files_name": "/files/{name}",
        "notes": "/notes",
    }
    orders = channels["orders_user_room"]
    assert orders["description"] == "Take orders.\n\nAnd send them on."
    assert orders["parameters"] == {"room": {}, "user": {}}
    assert sorted(orders["messages"]) == ["Buy", "ErrorReply", "Filled", "Rejected", "Sell"]
    assert orders["bindings"]["ws"]["method"] == "GET"
    assert not {"description", "parameters"} & set(channels["root"])


def messages_of(operation: Any) -> list[str]:
    return [each["$ref"].rpartition("/")[2] for each in operation["messages"]]


@pytest.mark.parametrize(
    ("action", "names"),
    [("receive", ["Buy", "Sell"]), ("send", ["Filled", "Rejected", "ErrorReply"])],
)
def test_an_operation_has_what_goes_its_way(action: str, names: list[str]) -> None:
    operation = document(everything())["operations"][f"{action}_orders_user_room"]
    assert operation["action"] == action
    assert operation["channel"] == {"$ref": "#/channels/orders_user_room"}
    place = "#/channels/orders_user_room/messages/"
    assert operation["messages"] == [{"$ref": place + name} for name in names]


DROPPING = replace(APP_LIMITS, on_excess=Excess.DROP)


@pytest.mark.parametrize(
    ("options", "operations"),
    [
        ({"message": Buy}, {"receive_root": ["Buy"], "send_root": ["ErrorReply"]}),
        ({"message": Buy, "invalid": Invalid.CLOSE_1007}, {"receive_root": ["Buy"]}),
        ({"sends": Buy}, {"send_root": ["Buy"]}),
        ({"sends": Buy, "limits": DROPPING}, {"send_root": ["Buy", "ErrorReply"]}),
        (
            {"message": Buy, "sends": Buy, "invalid": Invalid.CLOSE_1008},
            {"receive_root": ["Buy"], "send_root": ["Buy"]},
        ),
    ],
)
def test_what_is_not_known_is_not_said(official: Any, options: Any, operations: Any) -> None:
    app = new_app()
    app.websocket("/", **options)(echo)
    written = document(app)
    official.validate(written)
    assert {name: messages_of(each) for name, each in written["operations"].items()} == operations


def test_an_error_is_described_as_it_is_sent() -> None:
    schema = document(everything())["components"]["schemas"]["ErrorReply"]
    jsonschema.validate({"error": "Expected `int`"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"item": "tea"}, schema)


def test_a_model_of_pydantic_is_described_as_it_is_written() -> None:
    schema = document(everything())["components"]["schemas"]["Noted"]
    written = json.loads(encode(Noted(what="tea")))
    assert written == {"what": "tea", "length": 3}
    jsonschema.validate(written, schema)
    assert set(schema["properties"]) == set(written)


def test_every_reference_leads_somewhere() -> None:
    whole = document(everything(), servers=SERVERS)

    def follow(part: Any) -> None:
        if isinstance(part, list):
            for each in part:
                follow(each)
        elif isinstance(part, dict):
            for name in part.get("$ref", "#").split("/")[1:]:
                assert name in seen[-1], part
                seen.append(seen[-1][name])
            seen[1:] = []
            for each in part.values():
                follow(each)

    seen = [whole]
    follow(whole)


def test_messages_have_their_schemas() -> None:
    components = document(everything())["components"]
    assert sorted(components["schemas"]) == [
        *("Buy", "ErrorReply", "Filled", "Model", "Noted", "Point", "Rejected", "Sell"),
    ]
    assert components["messages"]["Buy"] == {
        "name": "Buy",
        "payload": {"$ref": "#/components/schemas/Buy"},
    }
    assert components["schemas"]["Buy"]["description"] == "Somebody wants something."
    what = components["schemas"]["Sell"]["properties"]["what"]
    assert {"$ref": "#/components/schemas/Buy"} in what["anyOf"]


def test_ways_to_say_who_one_is_are_named() -> None:
    whole = document(everything())
    schemes = whole["components"]["securitySchemes"]
    assert schemes == {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic"},
        "cookie_session": {"type": "httpApiKey", "in": "cookie", "name": "session"},
        "query_ticket": {"type": "httpApiKey", "in": "query", "name": "ticket"},
        "header_Sec_WebSocket_Protocol": {
            "type": "httpApiKey",
            "in": "header",
            "name": "Sec-WebSocket-Protocol",
        },
    }
    security = {
        name: [each["$ref"].rpartition("/")[2] for each in operation.get("security", [])]
        for name, operation in whole["operations"].items()
    }
    assert security["send_orders_user_room"] == ["bearer", "cookie_session"]
    assert security["receive_files_name"] == ["query_ticket", "header_Sec_WebSocket_Protocol"]
    assert security["send_a_b"] == ["basic"]
    assert security["send_a_b_2"] == security["receive_root"] == []


def test_each_source_has_its_word() -> None:
    assert [bool(each.security) for each in (Query(), Subprotocol(), FirstMessage())] == [
        True,
        True,
        False,
    ]


def test_servers_are_described() -> None:
    assert document(everything(), servers=SERVERS)["servers"] == {
        "production": {"host": "example.com", "protocol": "wss", "pathname": "/base"},
        "local": {"host": "localhost:8000", "protocol": "ws"},
    }
    assert "servers" not in document(everything())


@pytest.mark.parametrize("uri", ["https://example.com", "example.com", "ws:///path"])
def test_other_servers_are_errors(uri: str) -> None:
    with pytest.raises(ValueError, match=r"one looks like wss://example\.com"):
        document(new_app(), servers={"a": uri})


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"version": 1}, TypeError, "version is a string, not 1"),
    ({"title": None}, TypeError, "title is a string, not None"),
    ({"servers": "wss://x"}, TypeError, "servers are addresses by their names, not 'wss://x'"),
    ({"servers": {"a": None}}, TypeError, "the address of a server is a string, not None"),
    ({"servers": {1: "wss://x"}}, TypeError, "the name of a server is a string, not 1"),
    ({"servers": {"a b": "wss://x"}}, ValueError, "'a b' cannot be the name of a server: it is"),
    ({"servers": {"": "wss://x"}}, ValueError, "'' cannot be the name of a server: it is"),
]


@pytest.mark.parametrize(("options", "kind", "problem"), WRONG)
@pytest.mark.parametrize("name", ["asyncapi", "serve_asyncapi"])
def test_what_cannot_be_written_is_an_error_at_once(
    name: str, options: dict[str, Any], kind: type[Exception], problem: str
) -> None:
    app = new_app()
    with pytest.raises(kind) as caught:
        getattr(app, name)(**{"title": "Shop", "version": "1"} | options)
    assert str(caught.value).startswith(problem)
    assert "/asyncapi.json" not in [route.path.template for route in app.routes]


def test_without_typed_routes_there_is_nothing() -> None:
    assert document(new_app()) == {
        "asyncapi": "3.0.0",
        "info": {"title": "Shop", "version": "1.2.3"},
        "defaultContentType": "application/json",
        "channels": {},
        "operations": {},
        "components": {},
    }


def test_every_name_is_there_once() -> None:
    assert name_of("/a/b", {"a_b": 1, "a_b_2": 1}) == "a_b_3"
    assert name_of("/~/", {}) == "root"


async def test_it_is_served_with_routes_that_come_later() -> None:
    app = new_app()
    app.serve_asyncapi(title="Shop", version="1", servers=SERVERS)
    app.websocket("/later", message=Point)(echo)
    async with serving(app) as server:
        response = await ask_from(server, get("/asyncapi.json"))
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.body) == app.asyncapi(title="Shop", version="1", servers=SERVERS)


async def test_it_may_be_elsewhere_and_for_somebody() -> None:
    app = new_app()
    app.serve_asyncapi("/api/shop.json", title="Shop", version="1", auth=Basic({"ann": "secret"}))
    async with serving(app) as server:
        nobody = await ask_from(server, get("/api/shop.json"))
        ann = await ask_from(server, get("/api/shop.json", Authorization="Basic YW5uOnNlY3JldA=="))
    assert (nobody.status_code, ann.status_code) == (401, 200)
