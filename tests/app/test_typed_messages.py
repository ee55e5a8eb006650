"""Messages of a type, through an application: what is none never reaches the handler."""

import dataclasses
import json
from typing import Any

import msgspec
import pydantic
import pytest

from tests.app.premises import new_app, serving, uri_of
from tests.app.rooms import KINDS
from trunkline import Events, Topic, connect
from trunkline.app.app import App
from trunkline.app.messages.invalid import Invalid


class Buy(msgspec.Struct, tag="buy"):
    item: str
    price: float = 0


class Sell(msgspec.Struct, tag="sell"):
    item: str


@dataclasses.dataclass
class Point:
    x: int


class Model(pydantic.BaseModel):
    item: str
    price: float = 0


class Other(pydantic.BaseModel):
    other: int


class Desk:
    """An application that sends back the objects that it is given."""

    def __init__(self, kind: str, message: Any, invalid: Invalid = Invalid.REPLY) -> None:
        self.app: App = new_app()
        self.seen: list[Any] = []
        handler: Any = self._converse if kind == "coroutine" else lambda request: Returning(self)
        self.app.websocket("/", message=message, invalid=invalid)(handler)

    async def _converse(self, ws: Any) -> None:
        async for order in ws:
            self.seen.append(order)
            await ws.send(order)


class Returning(Events):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def on_message(self, ws: Any, data: Any) -> None:
        self.desk.seen.append(data)
        ws.send_soon(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("message", "sent", "value", "answer"),
    [
        (Buy, '{"type":"buy","item":"é"}', Buy("é"), {"type": "buy", "item": "é", "price": 0.0}),
        (Buy | Sell, b'{"type":"sell","item":"a"}', Sell("a"), {"type": "sell", "item": "a"}),
        (Point, '{"x":1}', Point(1), {"x": 1}),
        (Model, '{"item":"a","price":2}', Model(item="a", price=2), {"item": "a", "price": 2.0}),
        (Model | Other, '{"other":1}', Other(other=1), {"other": 1}),
    ],
)
async def test_objects_go_both_ways(
    kind: str, message: Any, sent: Any, value: Any, answer: Any
) -> None:
    desk = Desk(kind, message)
    async with serving(desk.app) as server, connect(uri_of(server)) as ws:
        await ws.send(sent)
        assert json.loads(await ws.recv()) == answer
    assert desk.seen == [value]


WRONG = [
    "hello",
    "",
    "[]",
    "{}",
    '{"item":1}',
    '{"item":"a","price":"b"}',
    '{"item":"a","price":NaN}',
    '{"item":"a","price":Infinity}',
    '{"item":' * 10_000,
    '{"item":"a","price":' + "9" * 5_000 + "}",
    b"\xff\xfe",
    b'{"item":"\xff"}',
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message", [Buy, Model])
async def test_what_is_wrong_is_answered_and_never_seen(kind: str, message: Any) -> None:
    desk = Desk(kind, message)
    async with serving(desk.app) as server, connect(uri_of(server)) as ws:
        for wrong in WRONG:
            await ws.send(wrong)
            answer = json.loads(await ws.recv())
            assert list(answer) == ["error"]
            assert answer["error"]
        await ws.send('{"type":"buy","item":"a"}')
        assert json.loads(await ws.recv())["item"] == "a"
    assert len(desk.seen) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("invalid", "code"), [(Invalid.CLOSE_1007, 1007), (Invalid.CLOSE_1008, 1008)]
)
async def test_what_is_wrong_may_end_it(kind: str, invalid: Invalid, code: int) -> None:
    desk = Desk(kind, Point, invalid)
    async with serving(desk.app) as server, connect(uri_of(server)) as ws:
        await ws.send('{"x":"1"}')
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (code, "Expected `int`, got `str` - at `$.x`")
    assert desk.seen == []


async def test_a_topic_reaches_connections_with_types() -> None:
    app = new_app()
    topic: Topic = Topic()

    @app.websocket("/", message=Point)
    async def handler(ws: Any) -> None:
        topic.subscribe(ws)
        await ws.send(Point(0))
        async for point in ws:
            topic.publish(f"moved to {point.x}")

    async with (
        serving(app) as server,
        connect(uri_of(server)) as one,
        connect(uri_of(server)) as two,
    ):
        assert [await one.recv(), await two.recv()] == ['{"x":0}', '{"x":0}']
        await one.send('{"x":1}')
        assert [await one.recv(), await two.recv()] == ["moved to 1", "moved to 1"]


async def test_an_object_of_another_type_may_be_sent() -> None:
    app = new_app()

    @app.websocket("/", message=Point)
    async def handler(ws: Any) -> None:
        for answer in (Buy("a", 1.5), Model(item="b", price=1.5), "text", b"bytes"):
            await ws.send(answer)

    async with serving(app) as server, connect(uri_of(server)) as ws:
        assert [await ws.recv() for _ in range(4)] == [
            '{"type":"buy","item":"a","price":1.5}',
            '{"item":"b","price":1.5}',
            "text",
            b"bytes",
        ]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_route_may_only_send_objects(kind: str) -> None:
    app = new_app()

    async def converse(ws: Any) -> None:
        await ws.send(Point(int(await ws.recv())))
        await ws.recv()

    class Answering(Events):
        def on_message(self, ws: Any, data: Any) -> None:
            ws.send_soon(Point(int(data)))

    app.websocket("/", sends=Point)(converse if kind == "coroutine" else Answering)
    async with serving(app) as server, connect(uri_of(server)) as ws:
        await ws.send("1")
        assert await ws.recv() == '{"x":1}'


async def test_an_object_that_the_route_does_not_send_is_a_mistake_of_the_handler() -> None:
    app = new_app()
    seen: list[str] = []

    @app.websocket("/", message=Point, sends=Buy | Sell)
    async def handler(ws: Any) -> None:
        try:
            await ws.send(await ws.recv())
        except TypeError as error:
            seen.append(str(error))
        await ws.send(Sell("a"))

    async with serving(app) as server, connect(uri_of(server)) as ws:
        await ws.send('{"x":1}')
        assert await ws.recv() == '{"type":"sell","item":"a"}'
    assert seen == ["the route sends Buy or Sell, not Point"]
