"""A handler at work, compiled: a coroutine object like others, and a task that is passed over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.contracts.meeting import echo, meet
from tests.contracts.twins import needs
from trunkline import ServerConnection, native

pytestmark = needs("conversation")

if native.AVAILABLE:
    from trunkline.native.conversation import Conversation

LOGGER = logging.getLogger("trunkline.server")


class Ends:
    """What was told of the ends of handlers."""

    def __init__(self) -> None:
        self.failures: list[BaseException | None] = []

    async def conclude(self, ws: Any, logger: Any, failure: BaseException | None) -> None:
        """Take note, and take a while."""
        self.failures.append(failure)
        await asyncio.sleep(0)

    def run(self, handler: Callable[..., Any]) -> Coroutine[Any, None, None]:
        """Begin a conversation."""
        return Conversation(handler, "the connection", LOGGER, self.conclude)


@pytest.fixture(autouse=True)
def native_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_ENGINE", "native")


# With a server


async def test_the_task_waits_on_one_thing_for_many_messages() -> None:
    tasks: list[Any] = []

    async def handler(ws: ServerConnection) -> None:
        tasks.append(asyncio.current_task())
        await echo(ws)

    async with meet(handler) as meeting:
        ws = await meeting.join()
        waited: set[Any] = set()
        for number in range(10):
            await ws.send(f"{number}")
            assert await ws.recv() == f"{number}"
            waited.add(tasks[0]._fut_waiter)
    assert len(waited) == 1


async def test_a_task_tells_what_its_handler_does() -> None:
    tasks: list[Any] = []

    async def some_handler(ws: ServerConnection) -> None:
        tasks.append(asyncio.current_task())
        await echo(ws)

    async with meet(some_handler) as meeting:
        ws = await meeting.join()
        await ws.send("a")
        await ws.recv()
        assert "some_handler" in repr(tasks[0])
        assert tasks[0].get_stack()[0].f_code is some_handler.__code__
        assert tasks[0].get_coro().cr_await is not None


# By hand


async def test_it_has_a_name_from_before_its_beginning_until_after_its_end() -> None:
    async def some_handler(ws: Any) -> None:
        await asyncio.sleep(0)

    ends = Ends()
    work = ends.run(some_handler)
    assert (work.__name__, work.__qualname__) == ("some_handler", some_handler.__qualname__)
    work.send(None)
    assert (work.__name__, work.__qualname__) == ("some_handler", some_handler.__qualname__)
    work.send(None)
    assert (work.__name__, work.__qualname__) == ("conclude", Ends.conclude.__qualname__)
    with pytest.raises(StopIteration):
        work.send(None)
    assert (work.__name__, work.__qualname__) == ("Conversation", "Conversation")


async def test_it_runs_the_handler_and_what_follows() -> None:
    ends = Ends()
    seen: list[Any] = []

    async def handler(ws: Any) -> None:
        seen.append(ws)
        await asyncio.sleep(0)

    work = ends.run(handler)
    assert asyncio.iscoroutine(work)
    await work
    assert seen == ["the connection"] and ends.failures == [None]
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await work


@pytest.mark.parametrize("kind", [ValueError, asyncio.CancelledError, SystemExit])
async def test_a_failure_is_told_to_what_follows(kind: type[BaseException]) -> None:
    ends = Ends()

    async def handler(ws: Any) -> None:
        raise kind

    await ends.run(handler)
    assert [type(failure) for failure in ends.failures] == [kind]


async def test_a_handler_that_cannot_be_called_has_failed() -> None:
    ends = Ends()

    async def handler() -> None:
        """Take no connection."""

    await ends.run(handler)
    assert isinstance(ends.failures[0], TypeError)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit])
async def test_nothing_follows_what_ends_everything(kind: type[BaseException]) -> None:
    ends = Ends()

    async def handler(ws: Any) -> None:
        raise kind

    with pytest.raises(kind):
        ends.run(handler).send(None)
    assert ends.failures == []


async def test_what_follows_may_fail() -> None:
    async def conclude(*_: Any) -> None:
        raise OSError("oh")

    async def handler(ws: Any) -> None:
        """End well."""

    with pytest.raises(OSError, match="oh"):
        await Conversation(handler, None, LOGGER, conclude)


async def test_a_handler_may_give_anything_that_can_be_awaited() -> None:
    ends = Ends()
    future = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(ends.run(lambda ws: future))
    await asyncio.sleep(0)
    future.set_result(None)
    await running
    assert ends.failures == [None]


async def test_an_exception_that_is_thrown_in_is_the_handlers() -> None:
    ends = Ends()

    async def handler(ws: Any) -> None:
        try:
            await asyncio.sleep(0)
        except KeyError:
            return

    for error, failure in ((KeyError(), None), (ValueError(), ValueError)):
        work = ends.run(handler)
        work.send(None)
        assert work.throw(error) is None
        assert failure is None or isinstance(ends.failures[-1], failure)
        with pytest.raises(StopIteration):
            work.send(None)


async def test_a_handler_may_go_on_after_an_exception() -> None:
    ends = Ends()

    async def handler(ws: Any) -> None:
        try:
            await asyncio.sleep(0)
        except KeyError:
            await asyncio.sleep(0)
        raise OSError

    work = ends.run(handler)
    work.send(None)
    assert work.throw(KeyError()) is None and ends.failures == []
    assert work.send(None) is None and isinstance(ends.failures[0], OSError)
    work.close()


def end_by_close(work: Any) -> None:
    work.close()


def end_by_throw(work: Any) -> None:
    with pytest.raises(KeyError):
        work.throw(KeyError())


@pytest.mark.parametrize("end", [end_by_close, end_by_throw])
async def test_one_that_has_not_begun_calls_nobody(end: Callable[[Any], None]) -> None:
    ends = Ends()
    called: list[Any] = []
    work = ends.run(called.append)
    end(work)
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        work.send(None)
    assert called == [] and ends.failures == []


async def test_one_that_is_closed_closes_its_handler() -> None:
    ends = Ends()
    closed: list[str] = []

    async def handler(ws: Any) -> None:
        try:
            await asyncio.sleep(0)
        finally:
            closed.append("handler")

    work = ends.run(handler)
    work.send(None)
    work.close()
    assert closed == ["handler"] and ends.failures == []


async def test_a_wait_in_another_task_is_that_tasks() -> None:
    inner: list[Any] = []

    async def handler(ws: ServerConnection) -> None:
        reading = asyncio.create_task(ws.recv())
        message = await reading
        inner.append(reading)
        await ws.send(message)

    async with meet(handler) as meeting:
        ws = await meeting.join()
        await ws.send("a")
        assert await ws.recv() == "a"
    assert inner[0].result() == "a"
