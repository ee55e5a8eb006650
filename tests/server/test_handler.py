"""Handlers: few kinds, and clear words for what is none of them."""

from collections.abc import AsyncIterator, Iterator
from functools import partial, wraps
from typing import Any

import pytest

from trunkline import Events, Headers, Request, ServerConnection
from trunkline.server.handler import (
    as_coroutine,
    as_source,
    check_runs,
    is_plain_class,
    make_events,
)

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


@wraps(converse)
def decorated(ws: ServerConnection) -> Any:
    """Give what somebody else's function gives."""
    return converse(ws)


class Echo(Events):
    """A subclass, as users write it."""


@pytest.mark.parametrize(
    "handler",
    [
        converse,
        partial(converse_about, "weather"),
        Conversation(),
        Conversation().method,
        decorated,
    ],
)
def test_what_gives_a_coroutine_is_a_coroutine_handler(handler: Any) -> None:
    assert as_coroutine(handler) is handler
    assert as_source(handler) is None


def test_a_subclass_of_events_has_one_instance_for_each_connection() -> None:
    assert as_coroutine(Echo) is None
    source = as_source(Echo)
    assert source is not None
    first, second = make_events(source, REQUEST), make_events(source, REQUEST)
    assert isinstance(first, Echo) and isinstance(second, Echo)
    assert first is not second


def test_an_instance_of_events_serves_all_connections() -> None:
    echo = Echo()
    assert as_coroutine(echo) is None
    source = as_source(echo)
    assert source is not None
    assert make_events(source, REQUEST) is make_events(source, REQUEST) is echo


def test_a_function_makes_events_from_the_request() -> None:
    seen: list[Request] = []

    def choose(request: Request) -> Events:
        seen.append(request)
        return Echo()

    source = as_source(choose)
    assert source is not None
    assert isinstance(make_events(source, REQUEST), Echo)
    assert seen == [REQUEST]


class Choosy(Events):
    """Makes what it likes."""

    def __new__(cls) -> Any:
        return Echo()


class Kind(type):
    """Makes what it likes of its classes."""

    def __call__(cls) -> Any:
        return Echo()


class Made(Events, metaclass=Kind):
    """Makes another kind of events."""


def test_plain_is_a_class_that_gives_its_own_instances() -> None:
    assert is_plain_class(Echo)
    for source in (Choosy, Made, Echo(), lambda request: Echo()):
        assert not is_plain_class(source)
        assert isinstance(make_events(source, REQUEST), Echo)


@pytest.mark.parametrize("wrong", [None, 1, "echo", object()])
def test_what_cannot_be_called_is_no_handler(wrong: Any) -> None:
    assert as_coroutine(wrong) is None
    with pytest.raises(TypeError, match="is not a handler: it cannot be called"):
        as_source(wrong)


@pytest.mark.parametrize("wrong", [Conversation, dict])
def test_a_class_that_is_no_subclass_of_events_is_no_handler(wrong: Any) -> None:
    assert as_coroutine(wrong) is None
    with pytest.raises(TypeError, match="is not a subclass of Events"):
        as_source(wrong)


async def counting(ws: ServerConnection) -> AsyncIterator[int]:
    yield 1


def counting_at_once(request: Request) -> Iterator[int]:
    yield 1


class Counting:
    """Would give something each time."""

    async def __call__(self, ws: ServerConnection) -> AsyncIterator[int]:
        yield 1


@pytest.mark.parametrize(
    "wrong", [counting, counting_at_once, partial(counting), Counting(), Counting().__call__]
)
def test_a_function_with_a_yield_is_no_handler(wrong: Any) -> None:
    assert as_coroutine(wrong) is None
    for refuse in (as_source, check_runs):
        with pytest.raises(TypeError) as caught:
            refuse(wrong)
        assert str(caught.value) == f"{wrong!r} has a yield, so that calling it runs nothing"


def test_who_calls_a_function_with_a_yield_may_be_a_handler() -> None:
    @wraps(counting_at_once)
    def choose(request: Request) -> Events:
        return (Echo(), Echo())[next(counting_at_once(request))]

    source = as_source(choose)
    assert source is not None
    assert isinstance(make_events(source, REQUEST), Echo)


@pytest.mark.parametrize("wrong", [lambda request: None, lambda request: Echo])
def test_a_function_that_makes_something_else_is_told_so(wrong: Any) -> None:
    source = as_source(wrong)
    assert source is not None
    with pytest.raises(TypeError, match=r"lambda.* gave .* for a request, not Events$"):
        make_events(source, REQUEST)


def test_a_function_that_gives_a_coroutine_is_told_what_it_can_be_instead() -> None:
    source = as_source(lambda request: converse(request))  # type: ignore[arg-type, return-value]
    assert source is not None
    with pytest.raises(TypeError, match="not Events; make it an async def, or have its decorator"):
        make_events(source, REQUEST)
