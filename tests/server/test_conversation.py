"""A handler at work: how its end becomes the end of the connection, and who may hasten it."""

import asyncio
import functools
import logging
import types
from typing import Any

import pytest

from tests.engines.ear import HANG
from tests.reimport import reimport
from tests.server.wire import uri_of
from trunkline import ConnectionClosedOK, ServerConnection, connect, native, serve
from trunkline.engines.choose import forget_closed_loops
from trunkline.server import conversation
from trunkline.server.conversation import work_for

LOGGER = logging.getLogger("trunkline.test")


def server_for(handler: Any, **options: Any) -> Any:
    return serve(handler, "127.0.0.1", 0, **options)


async def close_code_after(handler: Any, **options: Any) -> int | None:
    """Connect to a handler, and tell how it ends."""
    async with server_for(handler, **options) as server, asyncio.timeout(HANG):
        ws = await connect(uri_of(server))
        await ws.wait_closed()
        return ws.close_code


async def test_a_handler_that_returns_closes_with_1000() -> None:
    async def handler(ws: ServerConnection) -> None:
        """Say nothing."""

    assert await close_code_after(handler) == 1000


async def test_the_task_of_a_handler_is_named_after_it() -> None:
    async def handler(ws: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        await ws.send(task.get_name())

    async with server_for(handler) as server, connect(uri_of(server)) as ws:
        assert await ws.recv() == handler.__qualname__


async def test_a_handler_without_a_name_gets_a_task_with_one_of_asyncios() -> None:
    async def handler(greeting: str, ws: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        await ws.send(greeting + task.get_name())

    server = server_for(functools.partial(handler, "I am "))
    async with server, connect(uri_of(server)) as ws:
        assert str(await ws.recv()).startswith("I am Task-")


async def test_a_handler_that_raises_closes_with_1011_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(ws: ServerConnection) -> None:
        raise RuntimeError("oh")

    assert await close_code_after(handler) == 1011
    assert "connection handler failed" in caplog.messages


class Odd(BaseException):
    """As test frameworks and task libraries have: no `Exception`, and none that ends a loop."""


@pytest.mark.parametrize("kind", [Odd, GeneratorExit])
async def test_a_handler_that_raises_what_is_no_exception_closes_with_1011_as_well(
    caplog: pytest.LogCaptureFixture, kind: type[BaseException]
) -> None:
    async def handler(ws: ServerConnection) -> None:
        raise kind

    assert await close_code_after(handler) == 1011
    assert caplog.messages == ["connection handler failed"]


def test_a_loop_that_goes_on_after_an_interrupt_closes_what_it_ended() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.recv()
        raise KeyboardInterrupt

    with asyncio.Runner() as runner:

        async def begin() -> tuple[Any, Any]:
            server = await server_for(handler)
            return server, await connect(uri_of(server))

        server, ws = runner.run(begin())

        async def ask() -> None:
            await ws.send("now")
            await ws.wait_closed()

        with pytest.raises(KeyboardInterrupt):
            runner.run(ask())

        async def end() -> int | None:
            async with asyncio.timeout(HANG):
                await ws.wait_closed()
            server.close()
            await server.wait_closed()
            return ws.close_code

        # Stepped within a batch, its line is lost with what was read.
        assert runner.run(end()) in {1011, 1006}
    forget_closed_loops()


async def test_a_handler_that_cancels_itself_closes_with_1001() -> None:
    async def handler(ws: ServerConnection) -> None:
        raise asyncio.CancelledError

    assert await close_code_after(handler) == 1001


async def test_a_handler_may_end_by_the_end_of_its_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(ws: ServerConnection) -> None:
        while True:
            await ws.recv()

    async with server_for(handler) as server, connect(uri_of(server)):
        pass
    assert caplog.messages == []


async def test_the_end_of_another_connection_is_an_error_of_the_handler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def say_goodbye(ws: ServerConnection) -> None:
        """End at once."""

    async with server_for(say_goodbye) as backend:

        async def relay(ws: ServerConnection) -> None:
            async with connect(uri_of(backend)) as other:
                await other.recv()

        assert await close_code_after(relay) == 1011
    assert "connection handler failed" in caplog.messages


async def test_a_server_that_closes_lets_its_handlers_say_goodbye() -> None:
    goodbye = asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        await ws.send("welcome")
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()
        goodbye.set()

    async with server_for(handler) as server, connect(uri_of(server)) as ws:
        assert await ws.recv() == "welcome"
        server.close()
        await server.wait_closed()
    assert goodbye.is_set()
    assert ws.close_code == 1001


async def test_a_handler_that_hangs_is_cancelled_when_patience_ends() -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with server_for(handler, close_timeout=0.0) as server, connect(uri_of(server)) as ws:
        await began.wait()
        server.close()
        await server.wait_closed()
        await ws.wait_closed()
    assert cancelled.is_set()


# Who runs it


async def nothing(ws: ServerConnection) -> None:
    """End at once."""


def plain_connection() -> Any:
    return object()


def test_the_work_for_a_plain_connection_is_a_coroutine() -> None:
    work = work_for(nothing, plain_connection(), LOGGER)
    assert isinstance(work, types.CoroutineType)
    work.close()


@pytest.mark.skipif(not native.AVAILABLE, reason=str(native.WHY_NOT))
def test_the_work_for_a_native_connection_is_compiled() -> None:
    from trunkline.native.conversation import Conversation
    from trunkline.native.lane import Lane

    lane: Any = Lane.__new__(Lane)
    assert isinstance(work_for(nothing, lane, LOGGER), Conversation)


def test_where_nothing_is_compiled_no_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "AVAILABLE", False)
    pure = reimport(conversation)
    assert not hasattr(pure, "Compiled")
    work = pure.work_for(nothing, plain_connection(), LOGGER)
    assert isinstance(work, types.CoroutineType)
    work.close()
