"""What must not go wrong where a handler, or the machine, does the worst at the worst moment."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import trunkline
from tests.contracts.twins import needs
from tests.native.line import new_engine, talk
from trunkline import native

if native.AVAILABLE:
    from trunkline.native.listener import ListeningSocket
    from trunkline.native.poller import Poller
    from trunkline.native.stream import Stream

pytestmark = needs("stream")

HANG = 20
LITTLE = 4096
WRITE_LIMIT = 1 << 20
PIECE = 30_000
MASKED_EMPTY_KEY = bytes(4)


def text(payload: bytes) -> bytes:
    """Encode a small text message as a client does, masked with zeros."""
    return bytes([0x81, 0x80 | len(payload)]) + MASKED_EMPTY_KEY + payload


class Ear:
    """A receiver that does what a test wants."""

    def __init__(self) -> None:
        self.when_received: Callable[[bytes], object] = lambda _: None
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def bytes_received(self, data: bytes) -> None:
        self.when_received(data)

    def end_received(self) -> None: ...

    def writing_resumed(self) -> None: ...

    def stream_lost(self, error: Exception | None) -> None:
        self.lost.set_result(error)


class Line:
    """A stream, and the other end of its socket."""

    def __init__(self, poller: Any) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LITTLE)
        self.ear = Ear()
        self.stream = Stream(poller, near.detach(), self.ear, WRITE_LIMIT)


@pytest.fixture
def told() -> list[BaseException]:
    """What the loop was told of; `listen()` begins."""
    return []


def listen(told: list[BaseException]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))


class Handler(trunkline.Events):
    """Does what a test wants with each message."""

    def __init__(self, when_message: Callable[[trunkline.Connection, str], object]) -> None:
        self.when_message = when_message
        self.ended = asyncio.get_running_loop().create_future()

    def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
        assert isinstance(data, str)
        self.when_message(ws, data)

    def on_close(self, ws: trunkline.Connection, code: int, reason: str, was_clean: bool) -> None:
        self.ended.set_result(code)


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def raw_client(server: trunkline.Server) -> socket.socket:
    """Open a WebSocket by hand, on a socket whose bytes nothing reads by itself."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    sock.setblocking(False)
    await loop.sock_connect(sock, server.sockets[0].getsockname())
    await loop.sock_sendall(sock, UPGRADE)
    answer = b""
    # Up to its end, or that of a connection that is aborted behind it.
    while not answer.endswith(b"\r\n\r\n") and (byte := await loop.sock_recv(sock, 1)):
        answer += byte
    return sock


async def read_exactly(sock: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    async with asyncio.timeout(HANG):
        while len(data) < size:
            data += await loop.sock_recv(sock, size - len(data))
    return data


@pytest.fixture
def native_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_ENGINE", "native")


@pytest.mark.usefixtures("native_engine")
async def test_what_is_held_back_keeps_its_order_when_the_kernel_takes_a_part() -> None:
    connections: list[trunkline.Connection] = []
    sent: list[bytes] = []

    def when_message(ws: Any, data: str) -> None:
        if data == "first":
            # In the event of another connection of the same batch
            connections[1]._link.stream.gather()
        elif data == "second":
            for letter in (b"a", b"b"):
                ws.send_soon(letter * PIECE)
                sent.append(b"\x82\x7e" + PIECE.to_bytes(2, "big") + letter * PIECE)
            ws._link.stream.write(b"c" * PIECE)
            sent.append(b"c" * PIECE)

    def make(request: trunkline.Request) -> Handler:
        return Handler(when_message)

    async with trunkline.serve(make, "127.0.0.1", 0) as server:
        clients = []
        for _ in range(2):
            clients.append(await raw_client(server))
            while len(server.connections) < len(clients):
                await asyncio.sleep(0)
            connections += server.connections - set(connections)
        for connection in connections:
            sock = connection.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LITTLE)
        for client, message in zip(clients, (b"first", b"second"), strict=True):
            client.send(text(message))
        assert await read_exactly(clients[1], 3 * PIECE + 8) == b"".join(sent)
        for client in clients:
            client.close()


@pytest.mark.usefixtures("native_engine")
@pytest.mark.parametrize("kind", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
async def test_what_follows_an_interrupted_message_is_not_misread(kind: Any) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: None)
    seen: list[str] = []
    handlers: list[Handler] = []

    def when_message(ws: trunkline.Connection, data: str) -> None:
        seen.append(data)
        if data == "stop":
            raise kind

    def make(request: trunkline.Request) -> Handler:
        handlers.append(Handler(when_message))
        return handlers[-1]

    async with trunkline.serve(make, "127.0.0.1", 0) as server:
        client = await raw_client(server)
        while not handlers:
            await asyncio.sleep(0)
        poller = next(iter(server.connections))._link.engine.poller
        # A frame inside of the payload that is cut off by the end of what is read at once
        whole = text(b"stop") + text(b"a" * 20)
        client.send(whole[:-14])
        with suppress(kind):
            while "stop" not in seen:
                poller.process()
        client.send(text(b"smuggled")[:14])
        async with asyncio.timeout(HANG):
            assert await handlers[0].ended == trunkline.CloseCode.ABNORMAL_CLOSURE
        assert seen == ["stop"]
        client.close()
    loop.set_exception_handler(None)


@pytest.mark.parametrize("kind", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize(("name", "first"), [("on_ping", 0x89), ("on_pong", 0x8A)])
async def test_what_follows_an_interrupted_ping_is_not_misread(
    kind: Any, name: str, first: int
) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: None)
    heard: list[str] = []

    class Interrupted(trunkline.Events):
        def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
            heard.append("message")

        def on_close(self, ws: trunkline.Connection, code: int, *_: object) -> None:
            heard.append(f"close {code}")

    def interrupt(self: Interrupted, ws: trunkline.Connection, data: bytes) -> None:
        heard.append(name)
        raise kind

    setattr(Interrupted, name, interrupt)
    engine = new_engine()
    one = talk(engine, events=Interrupted())
    one.say(bytes([first, 0]) + b"\x81\x01a")
    with suppress(kind):
        while name not in heard:
            engine.poller.process()
    while "close 1006" not in heard:
        await asyncio.sleep(0)
    assert heard == [name, "close 1006"]
    await one.end()
    engine.close()


async def test_a_handler_may_close_the_set_while_others_wait_for_their_event(poller: Any) -> None:
    lines = [Line(poller) for _ in range(8)]
    heard: list[int] = []

    def close(index: int) -> None:
        heard.append(index)
        poller.close()
        lines.clear()
        gc.collect()

    for index, line in enumerate(lines):
        line.ear.when_received = lambda _, index=index: close(index)
        line.stream.open()
    far = [line.far for line in lines]
    for sock in far:
        sock.send(b"?")
    del line
    poller.process()
    assert len(heard) == 1
    for sock in far:
        sock.close()


@pytest.mark.parametrize("name", ["Poller", "Stream", "ListeningSocket"])
async def test_nothing_can_be_made_without_its_parts(name: str) -> None:
    kind = {"Poller": Poller, "Stream": Stream, "ListeningSocket": ListeningSocket}[name]
    with pytest.raises(TypeError):
        kind.__new__(kind)


async def test_a_call_that_is_interrupted_keeps_no_other_from_being_made(poller: Any) -> None:
    line = Line(poller)
    line.stream.open()

    def interrupt() -> None:
        raise KeyboardInterrupt

    done = asyncio.Event()
    poller.call_from_thread(interrupt)
    poller.call_from_thread(done.set)
    with pytest.raises(KeyboardInterrupt):
        while True:
            poller.process()
    async with asyncio.timeout(HANG):
        await done.wait()
    line.stream.abort()
    line.far.close()


@pytest.mark.usefixtures("native_engine")
async def test_a_server_closes_although_a_connection_could_not_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object) -> None:
        raise MemoryError

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: None)
    monkeypatch.setattr(trunkline.Connection, "_fold_heads", fail)

    async def handler(ws: trunkline.Connection) -> None: ...

    async with asyncio.timeout(HANG), trunkline.serve(handler, "127.0.0.1", 0) as server:
        client = await raw_client(server)
        assert await loop.sock_recv(client, 1) == b""
        client.close()
    loop.set_exception_handler(None)


def test_a_child_has_no_hand_on_its_parents_connections() -> None:
    program = Path(__file__).with_name("programs") / "child.py"
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=HANG
    )
    assert (done.returncode, done.stdout.split()) == (0, ["untouched", "heard"]), done.stderr
