"""What users set on a connection, while it has a dict of its own and while it has none."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.ear import HANG
from tests.native.line import Talk, new_engine, talk, text
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events

pytestmark = needs("lane")


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = new_engine()
    yield engine
    engine.close()


class Heard(Events):
    def __init__(self) -> None:
        self.count = 0
        self.told = asyncio.Event()

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self.count += 1
        self.told.set()


async def talked(engine: Any) -> Talk:
    """Give a connection whose methods were made ready to be called."""
    heard = Heard()
    one = talk(engine, events=heard)
    one.say(text("a"))
    async with asyncio.timeout(HANG):
        await heard.told.wait()
    return one


@pytest.fixture(params=["before a message", "after a message", "with an inbox"])
async def pair(request: Any, engine: Any) -> AsyncIterator[tuple[Any, Any]]:
    match request.param:
        case "before a message":
            talks = [talk(engine, events=Heard()) for _ in range(2)]
        case "after a message":
            talks = [await talked(engine) for _ in range(2)]
        case _:
            talks = [talk(engine) for _ in range(2)]
    yield talks[0].ws, talks[1].ws
    for one in talks:
        await one.end()


async def test_nobody_has_a_dict_of_its_own_before_it_is_needed(engine: Any) -> None:
    idle = talk(engine, events=Heard())
    assert not any(isinstance(kept, dict) for kept in gc.get_referents(idle.ws))
    talks = [await talked(engine) for _ in range(2)]
    dicts = [kept for one in talks for kept in gc.get_referents(one.ws) if isinstance(kept, dict)]
    assert dicts in ([], [{}, {}])
    assert len({id(kept) for kept in dicts}) <= 1
    for one in [idle, *talks]:
        await one.end()


def test_what_is_set_is_seen_on_one_connection_only(pair: tuple[Any, Any]) -> None:
    one, other = pair
    one.user = "one"
    assert not hasattr(other, "user")
    other.user = "other"
    assert (one.user, other.user) == ("one", "other")
    assert vars(one) == {"user": "one"}
    assert other.__dict__ == {"user": "other"}


def test_what_is_put_into_the_dict_is_seen_on_one_connection_only(pair: tuple[Any, Any]) -> None:
    one, other = pair
    vars(one)["user"] = "one"
    one.__dict__.update(room=1)
    assert (one.user, one.room) == ("one", 1)
    assert vars(other) == {}
    assert vars(one) is one.__dict__


def test_a_dict_cannot_be_replaced(pair: tuple[Any, Any]) -> None:
    one, other = pair
    with pytest.raises(AttributeError):
        one.__dict__ = {"user": 1}
    with pytest.raises(AttributeError):
        del one.__dict__
    assert vars(one) == vars(other) == {}


def test_what_was_never_set_cannot_be_deleted(pair: tuple[Any, Any]) -> None:
    one, other = pair
    for _ in range(2):
        with pytest.raises(AttributeError):
            del one.user
        one.user = "one"
        del one.user
        assert not hasattr(one, "user")
    other.user = "other"
    assert vars(one) == {}


def test_what_has_a_place_of_its_own_needs_no_dict(pair: tuple[Any, Any]) -> None:
    one, other = pair
    one.request = "asked"
    assert (one.request, other.request) == ("asked", None)
    with pytest.raises(AttributeError):
        one.latency = 1.0
    assert vars(one) == vars(other) == {}


def test_what_is_computed_once_is_its_own(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert one.id == one.id != other.id
    assert (one.ends_quietly, other.ends_quietly) == (False, False)
    one.ends_quietly = True
    assert (one.ends_quietly, other.ends_quietly) == (True, False)


def test_the_setter_of_object_reaches_no_other_connection(pair: tuple[Any, Any]) -> None:
    one, other = pair
    try:
        object.__setattr__(one, "user", "one")
    except TypeError:
        one.user = "one"
    assert one.user == "one"
    assert not hasattr(other, "user")


def test_a_name_whose_hash_runs_code_writes_where_it_should(pair: tuple[Any, Any]) -> None:
    one, other = pair

    class Name(str):
        def __hash__(self) -> int:
            vars(one)["hashed"] = True
            return super().__hash__()

    setattr(one, Name("user"), "one")
    assert vars(one) == {"hashed": True, "user": "one"}
    assert vars(other) == {}


def test_an_heir_may_have_its_own_way_to_set(pair: tuple[Any, Any]) -> None:
    one, other = pair

    class Loud(type(one)):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, f"{value}!")

        def __delattr__(self, name: str) -> None:
            super().__delattr__(name)

    one.__class__ = Loud
    one.user = "one"
    assert vars(one) == {"user": "one!"}
    del one.user
    assert vars(one) == vars(other) == {}


async def test_a_circle_through_an_attribute_is_collected(engine: Any) -> None:
    one, other = await talked(engine), await talked(engine)
    one.ws.friend, other.ws.friend = other.ws, one.ws
    other.ws.itself = vars(other.ws)
    refs = [weakref.ref(one.ws), weakref.ref(other.ws)]
    await one.end()
    await other.end()
    del one, other
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


async def test_who_has_gone_takes_nothing_from_the_others(engine: Any) -> None:
    one, other = await talked(engine), await talked(engine)
    gone = weakref.ref(one.ws)
    await one.end()
    del one
    gc.collect()
    assert gone() is None
    assert vars(other.ws) == {}
    other.ws.user = "other"
    assert vars(other.ws) == {"user": "other"}
    await other.end()
