"""Both styles of handlers, the browser's API, and both loops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

import trunkline
from tests.interop.certificate import Certificate
from tests.interop.meeting import HANG_GUARD, HOST, meet, port_of
from tests.interop.peers import Conversation, Data, Peer, Settings
from trunkline import Close, Connection, Deflate, Events
from trunkline.protocol.role import Role
from trunkline.server.handler import Handler

MESSAGES = ["Hello", "", b"", bytes(range(256)), "é" * 70_000]


async def echo(ws: Connection) -> None:
    async for message in ws:
        await ws.send(message)


class Echo(Events):
    def on_message(self, ws: Connection, data: Data) -> None:
        ws.send_soon(data)


class Diary(Events):
    """Notes what happens, and tells when it is over."""

    def __init__(self) -> None:
        self.entries: list[object] = []
        self.over = asyncio.Event()

    def on_open(self, ws: Connection) -> None:
        self.entries.append("open")
        ws.send_soon("first")

    def on_message(self, ws: Connection, data: Data) -> None:
        self.entries.append(data)

    def on_ping(self, ws: Connection, data: bytes) -> None:
        self.entries.append(("ping", data))

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self.entries.append((code, reason, was_clean))
        self.over.set()


@asynccontextmanager
async def conversing(peer: Peer, handler: Handler) -> AsyncIterator[Conversation]:
    """Let the peer connect to a server of ours with `handler`."""
    async with asyncio.timeout(HANG_GUARD), trunkline.serve(handler, HOST, 0) as server:
        settings = Settings(deflate=Deflate())
        async with peer.connect(f"ws://{HOST}:{port_of(server)}/", settings) as theirs:
            yield theirs


@pytest.mark.parametrize("handler", [echo, Echo, lambda request: Echo()])
async def test_every_style_of_handler_serves_the_peer(peer: Peer, handler: Handler):
    async with conversing(peer, handler) as theirs:
        for message in MESSAGES:
            await theirs.send(message)
            assert await theirs.receive() == message
        assert await theirs.close(4321, "done") == 4321


async def test_a_handler_that_returns_closes_with_1000(peer: Peer):
    async def greet(ws: Connection) -> None:
        await ws.send("Good day")

    async with conversing(peer, greet) as theirs:
        assert await theirs.receive() == "Good day"
        assert await theirs.closed() == Close(1000, "")


async def test_a_handler_that_fails_closes_with_1011(peer: Peer):
    async def stumble(ws: Connection) -> None:
        raise RuntimeError("on purpose")

    async with conversing(peer, stumble) as theirs:
        assert (await theirs.closed()).code == 1011


async def test_events_of_a_client_follow_the_peer(peer: Peer):
    diary = Diary()
    async with asyncio.timeout(HANG_GUARD), peer.serve(Settings(hears_pongs=True)) as place:
        await trunkline.connect(f"ws://{HOST}:{place.port}/", events=lambda: diary, proxy=None)
        theirs = await place.accept()
        assert await theirs.receive() == "first"
        await theirs.send("text")
        await theirs.send(b"binary")
        assert await theirs.ping(b"payload") == b"payload"
        await theirs.close(3001, "bye")
        await diary.over.wait()
    expected = ["open", "text", b"binary", ("ping", b"payload"), (3001, "bye", True)]
    assert diary.entries == expected


async def test_events_tell_of_a_loss_as_1006(peer: Peer):
    diary = Diary()
    async with asyncio.timeout(HANG_GUARD), peer.serve(Settings()) as place:
        await trunkline.connect(f"ws://{HOST}:{place.port}/", events=lambda: diary, proxy=None)
        theirs = await place.accept()
        assert await theirs.receive() == "first"
        theirs.destroy()
        await diary.over.wait()
    assert diary.entries == ["open", (1006, "", False)]


async def test_the_browser_api_talks_to_the_peer(peer: Peer):
    settings = Settings(subprotocols=["chat"])
    async with asyncio.timeout(HANG_GUARD), peer.serve(settings) as place:
        socket = trunkline.WebSocket(f"ws://{HOST}:{place.port}/", ["chat"])
        events: asyncio.Queue[Any] = asyncio.Queue()
        for name in ("open", "message", "close"):
            socket.add_event_listener(name, events.put_nowait)
        theirs = await place.accept()
        assert (await events.get()).type == "open"
        assert socket.protocol == "chat"
        socket.send("over the fence")
        assert await theirs.receive() == "over the fence"
        await theirs.send("and back")
        assert (await events.get()).data == "and back"
        await theirs.close(3002, "enough")
        closed = await events.get()
    assert (closed.code, closed.reason, closed.was_clean) == (3002, "enough", True)


# uvloop


def run_on_uvloop(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


def test_on_uvloop_messages_pings_and_closes_work(peer: Peer, role: Role):
    async def scenario() -> None:
        wanted = Deflate()
        async with meet(peer, role, Settings(deflate=wanted), compression=wanted) as meeting:
            for message in MESSAGES:
                await meeting.ours.send(message)
                assert await meeting.theirs.receive() == message
                await meeting.theirs.send(message)
                assert await meeting.ours.recv() == message
            assert await meeting.ours.ping(b"payload") > 0
            await asyncio.gather(meeting.theirs.close(4000, "bye"), meeting.ours.wait_closed())
            assert (meeting.ours.close_code, meeting.ours.close_reason) == (4000, "bye")

    run_on_uvloop(scenario)


def test_on_uvloop_tls_works(peer: Peer, role: Role, certificate: Certificate):
    async def scenario() -> None:
        async with meet(peer, role, Settings(certificate=certificate)) as meeting:
            await meeting.ours.send("é" * 70_000)
            assert await meeting.theirs.receive() == "é" * 70_000
            await asyncio.gather(meeting.theirs.closed(), meeting.ours.close(4001, "bye"))
            assert meeting.ours.closed().was_clean

    run_on_uvloop(scenario)


def test_on_uvloop_a_loss_is_noticed_at_once(peer: Peer, role: Role):
    async def scenario() -> None:
        async with meet(peer, role, ping_interval=None, close_timeout=None) as meeting:
            meeting.theirs.destroy()
            with pytest.raises(trunkline.ConnectionClosedError) as caught:
                await meeting.ours.recv()
            assert caught.value.code == 1006

    run_on_uvloop(scenario)
