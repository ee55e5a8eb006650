"""Handlers of every kind, and what they are given."""

from typing import Any

import pytest

from trunkline import Events, Headers, Request
from trunkline.app.routing.path import Path
from trunkline.app.routing.route_handler import RouteHandler

PATH = Path("/{room}")
PARAMS = {"room": "lobby"}
REQUEST = Request("/lobby", Headers({"Host": "a"}))


async def plain(ws: Any) -> None: ...


async def of_a_room(ws: Any, room: str) -> None:
    ws.append(room)


class Plain(Events):
    """Wants to know nothing."""


class Room(Events):
    def __init__(self, room: str) -> None:
        self.room = room


class Ready(Events):
    def __new__(cls, *args: Any) -> "Ready":
        return super().__new__(cls)


def made(request: Request) -> Events:
    return Room(request.path)


def made_of_a_room(request: Request, room: str) -> Events:
    return Room(f"{request.path} {room}")


def test_a_coroutine_function_is_called_as_it_is_or_with_its_parameters() -> None:
    handler = RouteHandler.of(plain, PATH)
    assert handler.coroutine(PARAMS) is plain
    assert handler.events(REQUEST, PARAMS) is None


async def test_a_coroutine_function_is_given_its_parameters() -> None:
    seen: Any = []
    coroutine = RouteHandler.of(of_a_room, PATH).coroutine(PARAMS)
    assert coroutine is not None
    await coroutine(seen)
    assert seen == ["lobby"]


def test_each_connection_has_its_own_events() -> None:
    handler = RouteHandler.of(Plain, PATH)
    events = handler.events(REQUEST, PARAMS)
    assert type(events) is Plain
    assert handler.events(REQUEST, PARAMS) is not events
    assert handler.coroutine(PARAMS) is None


def test_one_instance_is_for_all() -> None:
    events = Room("any")
    assert RouteHandler.of(events, PATH).events(REQUEST, PARAMS) is events


@pytest.mark.parametrize(
    ("source", "room"), [(Room, "lobby"), (made, "/lobby"), (made_of_a_room, "/lobby lobby")]
)
def test_events_are_made_with_their_parameters(source: Any, room: str) -> None:
    events = RouteHandler.of(source, PATH).events(REQUEST, PARAMS)
    assert isinstance(events, Room)
    assert events.room == room


def test_a_class_that_makes_instances_in_its_own_way_may() -> None:
    assert type(RouteHandler.of(Ready, PATH).events(REQUEST, PARAMS)) is Ready


def test_what_makes_no_events_is_an_error() -> None:
    handler = RouteHandler.of(lambda request, room: None, PATH)
    with pytest.raises(TypeError, match="gave None for a request, not Events"):
        handler.events(REQUEST, PARAMS)


async def described(ws: Any) -> None:
    """Do something.

    And more.
    """


def test_what_is_written_at_a_handler_is_known() -> None:
    assert RouteHandler.of(described, PATH).description == "Do something.\n\nAnd more."
    assert RouteHandler.of(Plain, PATH).description == "Wants to know nothing."
    assert RouteHandler.of(Plain(), PATH).description == "Wants to know nothing."
    # That of `Events` itself says nothing about the route.
    assert RouteHandler.of(Room, PATH).description is None
    assert RouteHandler.of(plain, PATH).description is None


async def counting(ws: Any, room: str) -> Any:
    yield 1


async def needs_a_user(ws: Any, user: str) -> None: ...


class NeedsAUser(Events):
    def __init__(self, user: str) -> None: ...


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (needs_a_user, "missing a required argument: 'user'"),
        (NeedsAUser, "missing a required argument: 'user'"),
        (counting, "counting at 0x"),
        (counting, "has a yield, so that calling it runs nothing"),
        (lambda: None, "cannot be called for '/{room}'"),
        (int, "<class 'int'> is not a subclass of Events"),
        ("echo", "'echo' is not a handler: it cannot be called"),
    ],
)
def test_what_cannot_handle_the_path_is_an_error_at_once(handler: Any, problem: str) -> None:
    with pytest.raises(TypeError) as caught:
        RouteHandler.of(handler, PATH)
    assert problem in str(caught.value)
