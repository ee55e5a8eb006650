"""What messages of a route must be, read by msgspec and by pydantic."""

import builtins
import dataclasses
import json
from typing import Annotated, Any, Literal, Union

import msgspec
import pydantic
import pydantic.dataclasses
import pytest

from trunkline.app.messages import schema
from trunkline.app.messages.schema import Unfit, encode, is_value, schema_for
from trunkline.limits import LARGEST_COMPLAINT


class Order(msgspec.Struct):
    item: str
    count: int = 1


class Buy(msgspec.Struct, tag="buy"):
    item: str


class Sell(msgspec.Struct, tag="sell"):
    price: float


@dataclasses.dataclass
class Point:
    x: float
    y: float


class Model(pydantic.BaseModel):
    item: str
    count: int = 1


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    age: float = 0


@pydantic.dataclasses.dataclass
class Checked:
    age: int


Pets = Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        (Order, '{"item": "tea"}', Order("tea")),
        (Order, b'{"item": "tea", "count": 2, "more": 3}', Order("tea", 2)),
        (Order, '{"item": "a", "item": "b"}', Order("b")),
        (Order, '{"item": "tea", "count": ' + "9" * 30 + "}", Order("tea", 10**30 - 1)),
        (Buy | Sell, '{"type": "sell", "price": 1}', Sell(1.0)),
        (Union[Buy, Sell], '{"type": "buy", "item": "tea"}', Buy("tea")),  # noqa: UP007
        (Annotated[Order, "something"], '{"item": "tea"}', Order("tea")),
        (Point, '{"x": 1, "y": 2.5}', Point(1.0, 2.5)),
        (Model, '{"item": "tea"}', Model(item="tea")),
        (Model, b'{"item": "tea", "count": 2}', Model(item="tea", count=2)),
        (Pets, '{"kind": "dog", "age": 3}', Dog(kind="dog", age=3)),
        (Cat | Point, '{"x": 1, "y": 2}', Point(1.0, 2.0)),
        (Checked, '{"age": 3}', Checked(3)),
    ],
)
def test_a_message_becomes_an_object(kind: Any, data: Any, value: object) -> None:
    assert schema_for(kind).decode(data) == value


WRONG: list[tuple[Any, Any, str]] = [
    (Order, "hello", "JSON is malformed: invalid character (byte 0)"),
    (Order, "", "Input data was truncated"),
    (Order, "{}", "Object missing required field `item`"),
    (Order, '{"item": 1}', "Expected `str`, got `int` - at `$.item`"),
    (Order, '{"item": "tea", "count": 1e400}', "at `$.count`"),
    (Order, '{"item": "tea", "count": 1.5}', "Expected `int`, got `float` - at `$.count`"),
    (Order, '{"item": "tea", "count": ' + "9" * 5_000 + "}", "out of range - at `$.count`"),
    (Order, b'{"item": "\xff"}', "Invalid UTF-8"),
    (Order, "[" * 100_000, "Expected `object`, got `array`"),
    (Order, '{"more": ' + "[" * 100_000, ""),
    (Buy | Sell, '{"type": "steal"}', "Invalid value 'steal' - at `$.type`"),
    (Sell, '{"type": "sell", "price": NaN}', "JSON is malformed"),
    (Sell, '{"type": "sell", "price": 1e400}', "out of range"),
    (Point, "[1, 2]", "Expected `object`, got `array`"),
    (Model, "hello", "JSON is malformed"),
    (Model, b"\xff", "JSON is malformed"),
    (Model, "{}", "Field required - at `$.item`"),
    (Model, '{"count": "x"}', "Field required - at `$.item` (and 1 more)"),
    (Model, "[" * 100_000, "JSON is malformed: recursion limit exceeded"),
    (Model, "1" * 5_000, "JSON is malformed: number out of range"),
    (Dog, '{"kind": "dog", "age": NaN}', "JSON is malformed"),
    (Dog, '{"kind": "dog", "age": Infinity}', "JSON is malformed"),
    (Model, "[]", "Input should be an object"),
]


@pytest.mark.parametrize(
    ("kind", "data", "words"), WRONG, ids=[f"{number}" for number in range(len(WRONG))]
)
def test_a_message_that_is_none_is_unfit(kind: Any, data: Any, words: str) -> None:
    with pytest.raises(Unfit) as caught:
        schema_for(kind).decode(data)
    assert words in str(caught.value)
    assert 0 < len(str(caught.value)) <= LARGEST_COMPLAINT
    assert str(caught.value).isprintable()


def test_the_words_of_a_peer_are_one_short_line() -> None:
    with pytest.raises(Unfit) as caught:
        schema_for(Pets).decode('{"kind": "\\n\\u001b[31m' + "x" * 10_000 + '"}')
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= LARGEST_COMPLAINT


# Writing


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Order("tea", 2), '{"item":"tea","count":2}'),
        (Buy("tea"), '{"type":"buy","item":"tea"}'),
        (Point(1, 2.5), '{"x":1,"y":2.5}'),
        (Model(item="é"), '{"item":"é","count":1}'),
        (Checked(3), '{"age":3}'),
    ],
)
def test_an_object_is_written_whatever_its_type(value: object, text: str) -> None:
    schema._encoder.cache_clear()
    assert is_value(value)
    assert encode(value) == text


@pytest.mark.parametrize(
    "message", ["text", b"bytes", bytearray(), ["a"], {"a": 1}, Order, Point, Model, None]
)
def test_everything_else_is_sent_as_it_is(message: object) -> None:
    assert not is_value(message)


# Describing


@pytest.mark.parametrize("kind", [Order, Buy | Sell, Point, Model, Pets])
def test_a_schema_describes_itself(kind: Any) -> None:
    described = schema_for(kind).describe()
    assert {"$ref", "anyOf", "oneOf", "type"} & set(described)


# What cannot be


class Plain:
    """No type of messages."""


class OtherStruct(msgspec.Struct):
    other: int


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (Plain, "messages cannot be of type Plain: it must be a msgspec Struct, a dataclass"),
        (int, "messages cannot be of type int"),
        (dict[str, int], "messages cannot be of type dict"),
        (Order | None, "messages cannot be of type NoneType"),
        (Point(1, 2), "messages cannot be of type Point(x=1, y=2)"),
        (Order | OtherStruct, "all Struct types must be tagged"),
        (Model | Order, "pydantic cannot read messages of"),
    ],
)
def test_other_types_are_errors_at_once(kind: Any, problem: str) -> None:
    with pytest.raises(TypeError) as caught:
        schema_for(kind)
    assert problem in str(caught.value)


def test_without_msgspec_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name == "msgspec":
            raise ImportError(name)
        return real(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError) as caught:
        schema_for(Point)
    assert str(caught.value) == "typed messages need msgspec: pip install 'trunkline[app]'"


class Aliased(pydantic.BaseModel):
    item: str = pydantic.Field("tea", alias="what")


@pytest.mark.parametrize(("kind", "value"), [(Order, Order("tea")), (Aliased, Aliased(what="tea"))])
def test_what_is_written_is_as_it_is_described_and_can_be_read(kind: Any, value: Any) -> None:
    made = schema_for(kind)
    assert made.decode(encode(value)) == value
    described = str(made.describe_written())
    assert all(f"'{name}'" in described for name in json.loads(encode(value)))
