"""Coroutines in C: they behave as coroutine objects do."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.native.line import new_engine, talk, text

pytestmark = needs("awaitable")


@pytest.fixture
async def one() -> AsyncIterator[Any]:
    engine = new_engine()
    one = talk(engine)
    yield one
    await one.end()
    engine.close()


async def test_they_count_as_coroutines(one: Any) -> None:
    for coroutine in (one.ws.recv(), one.ws.send("x")):
        assert isinstance(coroutine, Coroutine)
        assert asyncio.iscoroutine(coroutine) and inspect.isawaitable(coroutine)
        coroutine.close()


async def test_they_have_the_names_of_what_gives_them(one: Any) -> None:
    for name, coroutine in (("recv", one.ws.recv()), ("send", one.ws.send("x"))):
        assert coroutine.__name__ == name
        assert coroutine.__qualname__ == f"Connection.{name}"
        task = asyncio.create_task(coroutine)
        assert f"coro=<Connection.{name}()>" in repr(task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert f"coro=<Connection.{name}()>" in repr(task)


async def test_they_can_be_tasks(one: Any) -> None:
    one.say(text("a"))
    async with asyncio.TaskGroup() as group:
        receiving = group.create_task(one.ws.recv())
        group.create_task(one.ws.send("x"))
    assert receiving.result() == "a"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((ValueError("whole"),), "whole"),
        ((ValueError,), ""),
        ((ValueError, ValueError("value")), "value"),
        ((ValueError, None, None), ""),
        ((ValueError, "words", None), "words"),
    ],
)
@pytest.mark.parametrize("method", ["recv", "send"])
async def test_whatever_is_thrown_in_comes_out(
    one: Any, method: str, arguments: tuple[Any, ...], text: str
) -> None:
    coroutine = one.ws.recv() if method == "recv" else one.ws.send("x")
    with pytest.raises(ValueError, match=f"^{text}$"):
        coroutine.throw(*arguments)
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.send(None)


async def test_a_thrown_traceback_is_kept(one: Any) -> None:
    try:
        raise ValueError("here")
    except ValueError as error:
        traceback = error.__traceback__
    with pytest.raises(ValueError) as caught:
        one.ws.recv().throw(ValueError, ValueError("there"), traceback)
    assert traceback in walk(caught.value.__traceback__)


def walk(traceback: Any) -> list[Any]:
    found = []
    while traceback is not None:
        found.append(traceback)
        traceback = traceback.tb_next
    return found


async def test_a_closed_one_does_nothing(one: Any) -> None:
    sending = one.ws.send("x")
    sending.close()
    sending.close()
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await sending
    assert one.ws.buffered_amount == 0
    assert one.line.peer_takes() == b""


async def test_one_that_somebody_holds_is_not_used_again(one: Any) -> None:
    one.say(text("a"), text("b"))
    first = one.ws.recv()
    assert await first == "a"
    second = one.ws.recv()
    assert second is not first
    assert await second == "b"
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        first.send(None)
