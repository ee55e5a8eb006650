"""Handlers: few kinds, and clear words for what is none of them."""

from functools import partial
from typing import Any

import pytest

from trunkline import Events, Headers, Request, ServerConnection
from trunkline.server.handler import as_coroutine, as_factory, make_events

REQUEST = Request("/room", Headers({"Host": "localhost"}))


async def converse(ws: ServerConnection) -> None:
    """A handler."""


async def converse_about(topic: str, ws: ServerConnection) -> None:
    """A handler that wants more."""


class Conversation:
    """A handler with a memory."""

    async def __call__(self, ws: ServerConnection) -> None:
        """Be one."""

    async def method(self, ws: ServerConnection) -> None:
        """Be another."""


class Echo(Events):
    """A subclass, as users write it."""


@pytest.mark.parametrize(
    "handler",
    [converse, partial(converse_about, "weather"), Conversation(), Conversation().method],
)
def test_what_gives_a_coroutine_is_a_coroutine_handler(handler: Any) -> None:
    assert as_coroutine(handler) is handler
    assert as_factory(handler) is None


def test_a_subclass_of_events_has_one_instance_for_each_connection() -> None:
    assert as_coroutine(Echo) is None
    factory = as_factory(Echo)
    assert factory is not None
    first, second = make_events(factory, REQUEST), make_events(factory, REQUEST)
    assert isinstance(first, Echo) and isinstance(second, Echo)
    assert first is not second


def test_an_instance_of_events_serves_all_connections() -> None:
    echo = Echo()
    assert as_coroutine(echo) is None
    factory = as_factory(echo)
    assert factory is not None
    assert make_events(factory, REQUEST) is make_events(factory, REQUEST) is echo


def test_a_function_makes_events_from_the_request() -> None:
    seen: list[Request] = []

    def choose(request: Request) -> Events:
        seen.append(request)
        return Echo()

    factory = as_factory(choose)
    assert factory is not None
    assert isinstance(make_events(factory, REQUEST), Echo)
    assert seen == [REQUEST]


@pytest.mark.parametrize("wrong", [None, 1, "echo", object()])
def test_what_cannot_be_called_is_no_handler(wrong: Any) -> None:
    assert as_coroutine(wrong) is None
    with pytest.raises(TypeError, match="is not a handler: it cannot be called"):
        as_factory(wrong)


@pytest.mark.parametrize("wrong", [Conversation, dict])
def test_a_class_that_is_no_subclass_of_events_is_no_handler(wrong: Any) -> None:
    assert as_coroutine(wrong) is None
    with pytest.raises(TypeError, match="is not a subclass of Events"):
        as_factory(wrong)


@pytest.mark.parametrize(
    "wrong", [lambda request: None, lambda request: Echo, lambda request: converse(request)]
)
def test_a_function_that_makes_something_else_is_told_so(wrong: Any) -> None:
    factory = as_factory(wrong)
    assert factory is not None
    with pytest.raises(TypeError, match="for a request, not Events; is it an async def"):
        make_events(factory, REQUEST)
