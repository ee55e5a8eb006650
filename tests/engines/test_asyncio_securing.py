"""A server's TLS handshake on an asyncio stream: each of its ways once, on both loops.

What it has in common with others is asked for in `tests/contracts/test_answering_tls.py`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.ear import Harbour
from tests.engines.porter import HEADER, meet
from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.asyncio_securing import AsyncioSecuring, feed
from trunkline.engines.engine import Engine


@pytest.fixture
async def engine() -> Engine:
    return AsyncioEngine(asyncio.get_running_loop())


async def test_what_came_before_and_behind_the_handshake_is_not_lost(plain: Harbour) -> None:
    caller, porter = await meet(plain)
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await porter.ear.until_data(b"question")
    assert porter.seen == ["secure", "received"]
    porter.stream.write(b"answer")
    assert await caller.read(6) == b"answer"
    await porter.let_go(caller)


async def test_a_handshake_that_fails_is_a_loss_by_its_error(plain: Harbour) -> None:
    caller, porter = await meet(plain)
    caller.stream.write(HEADER + b"this is not TLS")
    assert isinstance(await porter.ear.until_lost(), ssl.SSLError)
    await porter.let_go(caller)


async def test_a_stream_that_is_let_go_at_once_is_lost(plain: Harbour) -> None:
    caller, porter = await meet(plain)
    porter.when_begun = porter.stream.abort
    caller.stream.write(HEADER + caller.hello())
    assert isinstance(await porter.ear.until_lost(), ConnectionResetError)
    await porter.let_go(caller)


async def test_a_task_that_is_cancelled_ends_the_stream(plain: Harbour) -> None:
    caller, porter = await meet(plain)
    caller.stream.write(HEADER)
    begun = asyncio.Event()
    porter.when_begun = begun.set
    await begun.wait()
    (handshake,) = asyncio.all_tasks() - {asyncio.current_task()}
    handshake.cancel()
    assert isinstance(await porter.ear.until_lost(), ConnectionResetError)
    await porter.let_go(caller)


@pytest.mark.parametrize("fails", [False, True])
async def test_who_lets_go_or_fails_as_soon_as_it_is_secure_hears_of_the_loss_only(
    plain: Harbour, fails: bool
) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    caller, porter = await meet(plain)

    def fail() -> None:
        raise LookupError

    porter.when_secure = fail if fails else porter.stream.abort
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await porter.ear.until_lost()
    assert porter.seen == ["secure"]
    assert [type(context["exception"]) for context in told] == [LookupError] * fails
    await porter.let_go(caller)


class StubTransport:
    """Takes note of what is asked of it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def note(*_: object) -> bool:
            self.seen.append(name)
            return False

        return note


class StubStream:
    """Has a transport, and remembers its loss."""

    def __init__(self) -> None:
        self.transport = StubTransport()
        self.losses: list[Exception | None] = []

    def connection_lost(self, error: Exception | None) -> None:
        self.losses.append(error)


async def test_an_end_before_the_task_goes_on_is_a_loss() -> None:
    stream: Any = StubStream()
    given: list[asyncio.Protocol] = []

    async def lay_tls(protocol: asyncio.Protocol) -> asyncio.Transport:
        given.append(protocol)
        protocol.data_received(b"question")
        protocol.eof_received()
        return stream.transport

    loop = asyncio.get_running_loop()
    securing = AsyncioSecuring(loop, stream, lay_tls, b"", lambda: pytest.fail("it is secure"))
    while not stream.losses:
        await asyncio.sleep(0)
    assert given == [securing]
    assert [type(error) for error in stream.losses] == [ConnectionResetError]
    assert "abort" in stream.transport.seen


class Buffers(asyncio.BufferedProtocol):
    """Gives buffers of three bytes."""

    def __init__(self) -> None:
        self.buffer = bytearray(3)
        self.pieces: list[bytes] = []

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.pieces.append(bytes(self.buffer[:nbytes]))


def test_buffers_are_filled_as_long_as_there_is_something() -> None:
    protocol = Buffers()
    feed(protocol, b"abcdefgh")
    assert protocol.pieces == [b"abc", b"def", b"gh"]
