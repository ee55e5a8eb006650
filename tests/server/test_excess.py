"""Messages above a rate, told to a function of the user's."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server.handlers import echo, server_for
from tests.server.wire import uri_of
from trunkline import ConnectionClosed, Excess, Limits, Rate, ServerConnection, connect
from trunkline.server.excess import told_of_drops

DROPPING = Limits(message_rate=Rate(1, per=3600), on_excess=Excess.DROP)


def tell_peer(ws: ServerConnection, message: str | bytes) -> None:
    ws.send_soon(f"dropped {message!r}")


async def test_the_peer_is_told_of_what_was_dropped_and_the_rest_arrives() -> None:
    async with server_for(limits=DROPPING, when_dropped=tell_peer) as server:
        async with connect(uri_of(server)) as ws:
            for message in ("one", "two", b"three"):
                await ws.send(message)
            heard = {await ws.recv() for _ in range(3)}
        assert heard == {"one", "dropped 'two'", "dropped b'three'"}
        assert (server.traffic.messages_received, server.traffic.dropped) == (1, 2)


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
async def test_a_mistake_ends_its_connection_and_no_other(
    kind: type[BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(ws: ServerConnection, message: str | bytes) -> None:
        raise kind("a mistake")

    async with (
        server_for(limits=DROPPING, when_dropped=fail) as server,
        connect(uri_of(server)) as other,
        connect(uri_of(server)) as ws,
    ):
        await ws.send("one")
        assert await ws.recv() == "one"
        await ws.send("two")
        with pytest.raises(ConnectionClosed, match="1011"):
            await ws.recv()
        await other.send("still here")
        assert await other.recv() == "still here"
    assert "when_dropped failed" in caplog.text and "a mistake" in caplog.text


async def waiting(ws: ServerConnection, message: str | bytes) -> None:
    await asyncio.sleep(0)


def counting(ws: ServerConnection, message: str | bytes) -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("when_dropped", [waiting, counting, "log", 1])
def test_what_cannot_be_called_at_once_is_refused(when_dropped: Any) -> None:
    with pytest.raises(TypeError, match="when_dropped is a function that does not wait"):
        server_for(limits=DROPPING, when_dropped=when_dropped)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(),
        Limits(message_rate=Rate(1)),
        Limits(message_rate=Rate(1), on_excess=Excess.CLOSE),
        Limits(control_rate=Rate(1), on_excess=Excess.DROP),
    ],
)
def test_what_would_never_be_called_is_refused(limits: Limits) -> None:
    with pytest.raises(ValueError, match="when_dropped is never called"):
        server_for(echo, limits=limits, when_dropped=tell_peer)


def test_nobody_need_hear_of_drops() -> None:
    assert told_of_drops(None, Limits()) is None
    hears: Callable[..., None] | None = told_of_drops(tell_peer, DROPPING)
    assert hears is not None
