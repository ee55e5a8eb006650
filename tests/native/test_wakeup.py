"""What a task waits on: as much of a future as tasks ask for."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.native.line import new_engine, talk, text

pytestmark = needs("wakeup")

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = new_engine()
    yield engine
    engine.close()


@pytest.fixture
async def one(engine: Any) -> AsyncIterator[Any]:
    one = talk(engine)
    yield one
    await one.end()


async def turn() -> None:
    """Let the loop call what is due."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_it_is_pending_until_a_message_comes(one: Any) -> None:
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    assert wakeup._asyncio_future_blocking is True
    assert wakeup.get_loop() is asyncio.get_running_loop()
    assert not wakeup.done() and not wakeup.cancelled()
    one.say(text("a"))
    while not wakeup.done():
        await asyncio.sleep(0)
    assert wakeup.result() is None and wakeup.exception() is None
    with pytest.raises(StopIteration) as stopped:
        receiving.send(None)
    assert stopped.value.value == "a"


async def test_a_cancelled_one_says_so_with_its_message(one: Any) -> None:
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    called: list[Any] = []
    wakeup.add_done_callback(called.append)
    assert wakeup.cancel("enough") is True
    assert wakeup.cancel("again") is False
    await turn()
    assert called == [wakeup] and wakeup.cancelled()
    for ask in (wakeup.result, wakeup.exception):
        with pytest.raises(asyncio.CancelledError, match="enough"):
            ask()
    receiving.close()


async def test_a_callback_that_comes_late_is_called_soon(one: Any) -> None:
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    wakeup.cancel()
    called: list[Any] = []
    wakeup.add_done_callback(called.append)
    assert called == []
    await turn()
    assert called == [wakeup]
    receiving.close()


async def test_a_callback_can_be_taken_back(one: Any) -> None:
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    called: list[Any] = []
    wakeup.add_done_callback(called.append)
    assert wakeup.remove_done_callback(print) == 0
    assert wakeup.remove_done_callback(called.append) == 1
    wakeup.cancel()
    await turn()
    assert called == []
    receiving.close()


async def test_a_callback_runs_in_its_context(one: Any) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    context = contextvars.copy_context()
    context.run(name.set, "somebody")
    called: list[str] = []
    wakeup.add_done_callback(lambda _: called.append(name.get()), context=context)
    one.say(text("a"))
    while not called:
        await asyncio.sleep(0)
    assert called == ["somebody"] and name.get() == "nobody"
    receiving.close()


async def test_a_callback_that_raises_is_told_to_the_loop(one: Any) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    receiving = one.ws.recv()
    receiving.send(None).add_done_callback(lambda _: 1 / 0)
    one.say(text("a"))
    while not told:
        await asyncio.sleep(0)
    assert isinstance(told[0]["exception"], ZeroDivisionError)
    receiving.close()
    assert await one.ws.recv() == "a"


@pytest.mark.parametrize("kind", [ZeroDivisionError, asyncio.CancelledError])
async def test_whatever_a_callback_raises_its_stream_stays(one: Any, kind: Any) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def fail(_: Any) -> None:
        raise kind

    receiving = one.ws.recv()
    receiving.send(None).add_done_callback(fail)
    one.say(text("a"))
    while not told:
        await asyncio.sleep(0)
    assert [type(context["exception"]) for context in told] == [kind]
    receiving.close()
    one.say(text("b"))
    assert [await one.ws.recv(), await one.ws.recv()] == ["a", "b"]


class Waiting:
    """What a wake-up knows of a task, whose first step has not enough memory."""

    def __init__(self, wakeup: Any, *, begins_step: bool) -> None:
        self._fut_waiter = wakeup
        self._begins_step = begins_step
        self.wakes = 0

    def wake(self, _: Any) -> None:
        self.wakes += 1
        if self.wakes == 1:
            if self._begins_step:
                self._fut_waiter = None
            raise MemoryError


@pytest.mark.parametrize("begins_step", [False, True])
async def test_without_memory_to_begin_its_step_a_task_begins_it_soon(
    one: Any, begins_step: bool
) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    task = Waiting(wakeup, begins_step=begins_step)
    wakeup.add_done_callback(task.wake)
    one.say(text("a"))
    while not task.wakes:
        await asyncio.sleep(0)
    await turn()
    assert (task.wakes, len(told)) == ((1, 1) if begins_step else (2, 0))
    receiving.close()


async def test_every_callback_is_called_in_order_and_in_its_context(one: Any) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    called: list[tuple[int, str]] = []
    for number, whose in enumerate(("first", "second", "third")):
        context = contextvars.copy_context()
        context.run(name.set, whose)
        wakeup.add_done_callback(
            lambda _, number=number: called.append((number, name.get())), context=context
        )
    one.say(text("a"))
    while len(called) < 3:
        await asyncio.sleep(0)
    assert called == [(0, "first"), (1, "second"), (2, "third")]
    receiving.close()


async def test_every_callback_hears_of_a_cancellation(one: Any) -> None:
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    called: list[str] = []
    wakeup.add_done_callback(lambda _: called.append("a"))
    wakeup.add_done_callback(lambda _: called.append("b"))
    wakeup.cancel()
    assert called == []
    await turn()
    assert called == ["a", "b"]
    receiving.close()


async def test_of_several_callbacks_each_can_be_taken_back(one: Any) -> None:
    receiving = one.ws.recv()
    wakeup = receiving.send(None)
    called: list[Any] = []
    heard: list[Any] = []
    for callback in (called.append, heard.append, called.append):
        wakeup.add_done_callback(callback)
    assert wakeup.remove_done_callback(print) == 0
    assert wakeup.remove_done_callback(called.append) == 2
    assert wakeup.remove_done_callback(heard.append) == 1
    assert wakeup.remove_done_callback(heard.append) == 0
    wakeup.add_done_callback(heard.append)
    wakeup.cancel()
    await turn()
    assert (called, heard) == ([], [wakeup])
    receiving.close()


def test_where_c_keeps_the_running_task_for_itself_it_is_asked_for() -> None:
    # Handlers that are passed over are those that meet every way to ask, and to say.
    handlers = Path(__file__).with_name("test_conversation.py")
    plugin = "tests.native.programs.as_in_3_14"
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", plugin, str(handlers)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout
