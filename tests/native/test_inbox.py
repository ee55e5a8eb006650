"""The unread messages of a connection: their order, their number, and who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.native.line import new_engine, talk, text
from tests.server.wire import HANG_SECONDS
from trunkline.errors import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK

pytestmark = needs("inbox")

MANY = 500
GOODBYE = bytes([0x88, 2]) + (1000).to_bytes(2, "big")
"""A close frame as a server sends it."""

ROUNDS = 100
"""Of a loop, in any of which something would have come."""


def binary(payload: bytes) -> bytes:
    """Make a short frame as a server sends it."""
    return bytes([0x82, len(payload)]) + payload


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = new_engine()
    yield engine
    engine.close()


async def until_paused(one: Any) -> None:
    while not one.ws._link.is_reading_paused:
        await asyncio.sleep(0)


async def test_messages_come_in_their_order_however_many_wait(engine: Any) -> None:
    one = talk(engine, max_queue=MANY)
    one.say(*(text(str(number)) for number in range(MANY)))
    assert [await one.ws.recv() for _ in range(MANY)] == [str(number) for number in range(MANY)]
    await one.end()


async def test_an_inbox_that_never_empties_keeps_the_order(engine: Any) -> None:
    one = talk(engine, max_queue=MANY)
    one.say(text("first"), text("second"))
    taken = [await one.ws.recv()]
    for number in range(MANY):
        one.say(text(str(number)))
        taken.append(await one.ws.recv())
    taken.append(await one.ws.recv())
    assert taken == ["first", "second", *map(str, range(MANY))]
    await one.end()


@pytest.mark.parametrize("limits", [{"max_queue": 4}, {"max_queue_bytes": 20}])
async def test_a_full_inbox_lets_the_peer_wait(engine: Any, limits: dict[str, int]) -> None:
    one = talk(engine, **limits)
    one.say(*[text("12345")] * 8)
    await until_paused(one)
    one.say(text("later"))
    for _ in range(6):
        assert await one.ws.recv() == "12345"
    for _ in range(2):
        assert await one.ws.recv() == "12345"
    assert not one.ws._link.is_reading_paused
    assert await one.ws.recv() == "later"
    await one.end()


async def test_what_has_come_can_be_read_after_the_end(engine: Any) -> None:
    one = talk(engine, max_queue=MANY)
    one.say(text("a"), binary(b"b"))
    one.line.peer.close()
    await one.ws.wait_closed()
    assert [await one.ws.recv(), await one.ws.recv()] == ["a", b"b"]
    with pytest.raises(ConnectionClosedError):
        await one.ws.recv()


async def test_a_reader_that_waits_is_told_of_the_end(engine: Any) -> None:
    one = talk(engine)
    receiving = asyncio.ensure_future(one.ws.recv())
    await asyncio.sleep(0)
    one.line.peer.close()
    with pytest.raises(ConnectionClosedError):
        await receiving
    await one.ws.wait_closed()


async def test_one_reader_at_a_time(engine: Any) -> None:
    one = talk(engine)
    receiving = asyncio.ensure_future(one.ws.recv())
    await asyncio.sleep(0)
    with pytest.raises(ConcurrencyError):
        await one.ws.recv()
    one.say(text("a"))
    assert await receiving == "a"
    await one.end()


@pytest.mark.parametrize(
    ("frame", "decode", "message"),
    [
        (text("é"), False, "é".encode()),
        (text("é"), True, "é"),
        (binary(b"x"), True, "x"),
        (binary(b"x"), False, b"x"),
    ],
)
async def test_a_message_comes_in_the_form_that_is_asked_for(
    engine: Any, frame: bytes, decode: bool, message: str | bytes
) -> None:
    one = talk(engine)
    one.say(frame)
    assert await one.ws.recv(decode) == message
    await one.end()


class NestableLoop(asyncio.SelectorEventLoop):
    """As nest_asyncio makes one: a task may run it until something is done."""

    _nest_patched = True

    def run_nested(self, work: Any) -> Any:
        task, outer = self.create_task(work), asyncio.current_task()
        assert outer is not None
        asyncio.tasks._leave_task(self, outer)
        for _ in range(ROUNDS):
            self.call_soon(int)  # so that no round waits
            self._run_once()  # type: ignore[attr-defined]
            if task.done():
                break
        for _ in range(ROUNDS):
            self.call_soon(int)  # the outer round has counted what was taken here
        asyncio.tasks._enter_task(self, outer)
        return task.result()


@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_a_task_may_run_the_loop_again_while_it_handles_a_message(whose: str) -> None:
    loop = NestableLoop()
    loop.set_exception_handler(lambda _, context: None)

    async def script() -> None:
        engine = new_engine()
        one, another = talk(engine), talk(engine)
        other = one if whose == "its own" else another

        async def handle() -> tuple[Any, Any]:
            first = await one.ws.recv()
            other.say(text("second"))
            return first, loop.run_nested(other.ws.recv())

        handling = asyncio.create_task(handle())
        await asyncio.sleep(0)
        one.say(text("first"))
        assert await handling == ("first", "second")
        await one.end()
        await another.end()
        engine.close()

    loop.run_until_complete(script())
    loop.close()


@pytest.mark.parametrize("taken", [0, 1, 2, 3])
async def test_what_is_discarded_is_counted_and_gone(engine: Any, taken: int) -> None:
    one = talk(engine)
    one.say(text("a"), text("b"), binary(b"c"))
    while one.ws._setting.traffic.messages_received < 3:
        await asyncio.sleep(0)
    for _ in range(taken):
        await one.ws.recv()
    one.ws.close_soon(4000)
    assert [one.ws.inbox.discard(), one.ws.inbox.discard()] == [3 - taken, 0]
    with pytest.raises(ConnectionClosedError, match="4000"):
        await one.ws.recv()
    await one.end()


async def test_whoever_could_not_be_told_of_a_goodbye_hears_of_the_loss(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = talk(engine)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    call_soon, refused = loop.call_soon, []

    def refuse_first(callback: Any, *args: Any, context: Any = None) -> Any:
        if not refused:
            refused.append(callback)
            raise MemoryError
        return call_soon(callback, *args, context=context)

    reading = asyncio.create_task(one.ws.recv())
    await asyncio.sleep(0)
    monkeypatch.setattr(loop, "call_soon", refuse_first)
    one.say(GOODBYE)
    with pytest.raises(ConnectionClosedOK):
        await asyncio.wait_for(reading, HANG_SECONDS)
    assert len(refused) == 1
    await one.end()
