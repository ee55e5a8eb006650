"""The same stories on uvicorn's own protocol and on ours: what differs is listed here.

Each story gives what the application was told, and what the client saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import trunkline
from tests.contracts.escapes import Escapes
from tests.integrations.serving import OURS, Recorded, Served, echo, serving
from trunkline.integrations.interface import Application, Message, Receive, Scope, Send

THEIRS = "websockets-sansio"
Client = Callable[[Served], Awaitable[Any]]
Told = list[Message]
STARTED = {"type": "websocket.connect"}


def disconnect(code: int, **more: Any) -> Message:
    return {"type": "websocket.disconnect", "code": code, **more}


def text(data: str) -> Message:
    return {"type": "websocket.receive", "text": data}


# Applications


def scripted(*messages: Message, listens: int = 0) -> Application:
    """Make an application that sends messages, and then listens some times."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in messages:
            await send(message)
        for _ in range(listens):
            await receive()

    return application


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    raise LookupError("a mistake")


async def failing_early(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("a mistake")


ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close", "code": 4000, "reason": "enough"}
START: Message = {"type": "websocket.http.response.start", "status": 401, "headers": []}
BODY: Message = {"type": "websocket.http.response.body", "body": b"no"}


# Clients


def saying(*messages: Any, code: int | None = 1000, reason: str = "", replies: int = 0) -> Client:
    """Make a client that says something, hears as much, and says goodbye."""

    async def client(served: Served) -> Any:
        async with trunkline.connect(served.uri(), compression=None) as ws:
            for message in messages:
                await ws.send(message)
            heard = [await ws.recv() for _ in range(replies)]
            await ws.close(code, reason)
        return heard, ws.close_code, ws.close_reason

    return client


async def listening(served: Served) -> Any:
    """Hear everything until the end."""
    async with trunkline.connect(served.uri()) as ws:
        ws.ends_quietly = True
        heard = [message async for message in ws]
    return heard, ws.close_code, ws.close_reason


async def poking(served: Served) -> Any:
    """Say something, and wait for the end."""
    async with trunkline.connect(served.uri()) as ws:
        await ws.send("x")
        await ws.wait_closed()
    return ws.close_code


async def cutting(served: Served) -> Any:
    """Cut the line without a word."""
    ws = await trunkline.connect(served.uri())
    await ws.send("x")
    await ws.recv()
    ws.abort()
    await ws.wait_closed()


async def blundering(served: Served) -> Any:
    """Send a frame that is not masked (RFC 6455 §5.1)."""
    async with trunkline.connect(served.uri()) as ws:
        ws._stream.write(b"\x81\x01x")  # type: ignore[attr-defined]
        await ws.wait_closed()
    return ws.close_code


async def refused(served: Served) -> Any:
    """Be refused."""
    with pytest.raises(trunkline.InvalidStatus) as caught:
        await trunkline.connect(served.uri())
    return caught.value.response.status_code, caught.value.response.body


async def shutting_down(served: Served) -> Any:
    """Be there when the server goes."""
    async with trunkline.connect(served.uri()) as ws:
        await asyncio.gather(served.stop(), ws.wait_closed())
    return ws.close_code


STORIES: dict[str, tuple[Application, Client]] = {
    "messages": (echo, saying("a", b"b", "", replies=3)),
    "fragments": (echo, saying(["a", "b", "c"], [b"d", b"e"], replies=2)),
    "large": (echo, saying("ä" * 100_000, replies=1)),
    "unread": (scripted(ACCEPT, listens=4), saying("a", "b", "c")),
    "goodbye": (echo, saying(code=3000, reason="words")),
    "goodbye without a code": (echo, saying(code=None)),
    "closed by the application": (scripted(ACCEPT, CLOSE, listens=1), listening),
    "cut": (echo, cutting),
    "blunder": (echo, blundering),
    "refused": (scripted(CLOSE, listens=1), refused),
    "denied": (scripted(START, BODY, listens=1), refused),
    "raises": (failing, poking),
    "raises early": (failing_early, refused),
    "returns": (scripted(ACCEPT, {"type": "websocket.send", "text": "all"}), listening),
    "returns early": (scripted(), refused),
    "shutdown": (echo, shutting_down),
}

# What uvicorn's own does otherwise, and what we do, by story: told, or seen where that is said.
DIFFERENCES: dict[str, dict[str, Any]] = {
    # RFC 6455 §7.1.5: a line that was lost is 1006; theirs tells of a goodbye without a code.
    "cut": {
        THEIRS: ([STARTED, text("x"), disconnect(1005)], None),
        OURS: ([STARTED, text("x"), disconnect(1006, reason="")], None),
    },
    # Both end with 1002, each in its own words.
    "blunder": {
        THEIRS: ([STARTED, disconnect(1002, reason="incorrect masking")], 1002),
        OURS: ([STARTED, disconnect(1002, reason="client frame is not masked")], 1002),
    },
    # Ours says why, in one line; and a disconnect always has a reason, if an empty one.
    "refused": {
        THEIRS: ([STARTED, disconnect(1006)], (403, b"")),
        OURS: (
            [STARTED, disconnect(1006, reason="")],
            (403, b"the application refuses this connection\n"),
        ),
    },
    "denied": {
        THEIRS: ([STARTED, disconnect(1006)], (401, b"no")),
        OURS: ([STARTED, disconnect(1006, reason="")], (401, b"no")),
    },
    "shutdown": {
        THEIRS: ([STARTED, disconnect(1012)], 1012),
        OURS: ([STARTED, disconnect(1012, reason="")], 1012),
    },
    # Theirs cuts the line where an application fails or returns; ours says goodbye.
    "raises": {
        THEIRS: ([STARTED, text("x")], 1006),
        OURS: ([STARTED, text("x")], 1011),
    },
    "returns": {
        THEIRS: ([STARTED], (["all"], 1006, "")),
        OURS: ([STARTED], (["all"], 1000, "")),
    },
    "raises early": {
        THEIRS: ([], (500, b"Internal Server Error")),
        OURS: ([], (500, b"see the server's log\n")),
    },
    "returns early": {
        THEIRS: ([STARTED], (500, b"Internal Server Error")),
        OURS: ([STARTED], (500, b"see the server's log\n")),
    },
}


async def tell(story: str, protocol: str) -> tuple[Told, Any]:
    """Give what the application was told, and what the client saw."""
    application, client = STORIES[story]
    recorded = Recorded()
    async with serving(recorded.wrap(application), ws=protocol) as served:
        seen = await client(served)
        await recorded.until_ended()
    return recorded.told, seen


@pytest.mark.parametrize("story", STORIES)
async def test_a_story_goes_as_with_uvicorns_own_protocol(story: str, escapes: Escapes) -> None:
    found = {protocol: await tell(story, protocol) for protocol in (THEIRS, OURS)}
    expected = DIFFERENCES.get(story)
    if expected is None:
        assert found[OURS] == found[THEIRS]
    else:
        assert found == expected
    escapes.take()


def test_every_difference_is_one() -> None:
    assert DIFFERENCES.keys() <= STORIES.keys()
    assert all(ways[OURS] != ways[THEIRS] for ways in DIFFERENCES.values())
