"""An application at work: what its end means for the client."""

from __future__ import annotations

import asyncio
import logging
import types
from typing import Any

import pytest

from tests.contracts.engines import ENGINES
from tests.contracts.escapes import Escapes
from tests.integrations.exchanging import Visit
from tests.integrations.serving import OPENING, serving
from tests.reimport import reimport
from trunkline import native
from trunkline.close_codes import CloseCode
from trunkline.integrations import application
from trunkline.integrations.application import work_for
from trunkline.integrations.exchange import ClientDisconnected
from trunkline.integrations.interface import Receive, Scope, Send
from trunkline.protocol.events import Close

LOGGER = logging.getLogger("trunkline.test")
SCOPE: Scope = {"type": "websocket"}


class Framework(Exception):
    """What a framework raises when it is told of the end."""

    def __init__(self, code: int) -> None:
        self.code = code


def failing(error: BaseException) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope is SCOPE
        await receive()
        await send({"type": "websocket.accept"})
        raise error

    return app


async def closed_after(app: Any) -> Close | None:
    visit = Visit()
    await work_for(app, SCOPE, visit.exchange, visit.stream, LOGGER)
    visit.peer._seen = 1
    return visit.peer.closed


async def test_one_that_returns_closes_with_1000() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    assert await closed_after(app) == Close(CloseCode.NORMAL_CLOSURE, "")


@pytest.mark.parametrize("error", [LookupError(), SystemExit()])
async def test_one_that_raises_closes_with_1011_and_is_logged(
    error: BaseException, escapes: Escapes
) -> None:
    assert await closed_after(failing(error)) == Close(CloseCode.INTERNAL_ERROR, "")
    assert escapes.take() == [error]


async def test_one_that_hears_that_the_client_is_gone_may_raise_it() -> None:
    assert await closed_after(failing(ClientDisconnected())) == Close(1000, "")


async def test_one_that_is_cancelled_closes_with_1001() -> None:
    visit = Visit()
    with pytest.raises(asyncio.CancelledError):
        await work_for(
            failing(asyncio.CancelledError()), SCOPE, visit.exchange, visit.stream, LOGGER
        )
    visit.peer._seen = 1
    assert visit.peer.closed == Close(CloseCode.GOING_AWAY, "")


async def test_one_that_returns_without_an_answer_is_500(escapes: Escapes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Say nothing."""

    visit = Visit()
    await work_for(app, SCOPE, visit.exchange, visit.stream, LOGGER)
    assert visit.answer.startswith(b"HTTP/1.1 500 ")
    assert escapes.take() == ["ASGI application returned without an answer to the client"]


@pytest.mark.parametrize("code", [4000, 4001])
async def test_one_that_raises_what_it_was_told_has_not_failed(code: int, escapes: Escapes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        visit.peer.close(4000)
        assert (await receive())["code"] == 4000
        raise Framework(code)

    visit = Visit()
    await work_for(app, SCOPE, visit.exchange, visit.stream, LOGGER)
    assert [type(error) for error in escapes.take()] == [Framework] * (code != 4000)


# Compiled


@pytest.mark.parametrize("engine_name", ENGINES, indirect=True)
async def test_on_a_native_stream_the_work_is_compiled(engine_name: str) -> None:
    kinds: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        kinds.append(type(task.get_coro()).__name__)
        await receive()
        await send({"type": "websocket.close"})

    async with serving(app) as served:
        assert b" 403 " in await served.ask(*OPENING)
    assert kinds == ["Conversation" if engine_name == "native" else "coroutine"]


def test_where_nothing_is_compiled_no_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "AVAILABLE", False)
    pure = reimport(application)
    assert not hasattr(pure, "Compiled")
    visit: Any = types.SimpleNamespace(exchange=None, stream=None)
    work = pure.work_for(failing(LookupError()), SCOPE, visit.exchange, visit.stream, LOGGER)
    assert isinstance(work, types.CoroutineType)
    work.close()
