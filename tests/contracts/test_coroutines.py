"""What tasks may expect of a connection: everything that they may expect of asyncio."""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import functools
import gc
import sys
import traceback
import warnings
from typing import Any

import pytest

from tests.contracts.escapes import Escapes
from tests.contracts.meeting import HANG, Guests, echo, meet, pair, until_delivered
from trunkline import (
    ConcurrencyError,
    Connection,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    ServerConnection,
)

pytestmark = pytest.mark.usefixtures("engine_name")

MANY = 200
MIB = 1 << 20
FRAME = b"\x81\x81\0\0\0\0x"
FLOOD = 100_000
"""Frames, which are several times what any engine reads at once."""
WHOSE: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody's")


async def rounds(count: int = 5) -> None:
    """Let the loop turn: whoever can go on does."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_to_run_in_debug_mode_does(request: pytest.FixtureRequest) -> None:
    assert asyncio.get_running_loop().get_debug() == ("-debug" in request.node.name)


# What is asked for


@pytest.mark.parametrize("wrong", ["x", 5, 1, 0, 1.0, []])
async def test_a_form_that_is_none_is_refused_and_takes_no_message(wrong: Any) -> None:
    async with pair() as (client, server):
        await server.send("hello")
        for ask in (lambda: client.recv(wrong), lambda: client.recv(decode=wrong)):
            with pytest.raises(TypeError) as caught:
                await ask()
            assert str(caught.value) == f"decode is True, False or None, not {wrong!r}"
        assert await client.recv(False) == b"hello"


# Whose task, whose context


async def test_a_handler_is_its_own_task_with_its_own_context() -> None:
    tasks: dict[ServerConnection, Any] = {}

    async def handler(ws: ServerConnection) -> None:
        tasks[ws] = asyncio.current_task()
        WHOSE.set(str(id(ws)))
        async for message in ws:
            assert asyncio.current_task() is tasks[ws]
            assert WHOSE.get() == str(id(ws))
            await ws.send(message)
            assert asyncio.current_task() is tasks[ws]
            assert WHOSE.get() == str(id(ws))

    mine = asyncio.current_task()
    async with meet(handler) as meeting:
        clients = [await meeting.join() for _ in range(5)]
        for number in range(MANY):
            for client in clients:
                await client.send(str(number))
            for client in clients:
                assert await client.recv() == str(number)
            assert asyncio.current_task() is mine
            assert WHOSE.get() == "nobody's"
        assert len(set(tasks.values()) | {mine}) == 6


async def test_a_handler_may_be_behind_a_decorator_that_is_no_coroutine_function() -> None:
    @functools.wraps(echo)
    def decorated(ws: ServerConnection) -> Any:
        return echo(ws)

    async with meet(decorated) as meeting:
        client = await meeting.join()
        for number in range(3):
            await client.send(str(number))
            assert await client.recv() == str(number)


async def test_a_message_brings_nothing_of_its_deliverer_along() -> None:
    async with pair() as (client, server):

        async def read() -> tuple[str | bytes, str]:
            WHOSE.set("the reader's")
            return await client.recv(), WHOSE.get()

        reader = asyncio.create_task(read())
        await rounds()
        WHOSE.set("the sender's")
        await server.send("hello")
        assert await reader == ("hello", "the reader's")
        assert WHOSE.get() == "the sender's"


async def test_what_a_callback_schedules_has_its_own_context() -> None:
    seen = asyncio.get_running_loop().create_future()

    async def handler(ws: ServerConnection) -> None:
        WHOSE.set("the handler's")
        await ws.recv()
        asyncio.get_running_loop().call_soon(lambda: seen.set_result(WHOSE.get()))

    async with meet(handler) as meeting:
        await (await meeting.join()).send("go")
        assert await seen == "the handler's"


# Waiting, and no longer


async def test_whoever_waits_can_be_cancelled_and_loses_nothing() -> None:
    async with pair() as (client, server):
        for number in range(20):
            reader = asyncio.create_task(client.recv())
            await rounds(number % 4)
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader
            await server.send(str(number))
            assert await client.recv() == str(number)


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancel_at_any_moment_of_an_arrival_loses_nothing(turns: int) -> None:
    async with pair() as (client, server):
        for number in range(10):
            reader = asyncio.create_task(client.recv())
            await asyncio.sleep(0)
            server.send_soon(str(number))
            await rounds(turns)
            reader.cancel()
            try:
                got = await reader
            except asyncio.CancelledError:
                got = await client.recv()
            assert got == str(number)


class Stubborn(asyncio.Future[None]):
    """What does not let itself be cancelled."""

    def cancel(self, msg: Any = None) -> bool:
        return False


def end_soon(future: asyncio.Future[None]) -> asyncio.Future[None]:
    asyncio.get_running_loop().call_soon(future.set_result, None)
    return future


WAITS: dict[str, Any] = {
    "a message": lambda ws: ws.recv(),
    "a time": lambda ws: asyncio.sleep(HANG),
    "a turn of the loop": lambda ws: asyncio.sleep(0),
    "a future": lambda ws: asyncio.get_running_loop().create_future(),
    "what cannot be cancelled": lambda ws: end_soon(Stubborn()),
}


@pytest.mark.parametrize("wait", WAITS)
async def test_a_handler_that_cancels_itself_hears_of_it_where_it_waits(wait: str) -> None:
    heard: list[tuple[Any, ...]] = []

    async def handler(ws: ServerConnection) -> None:
        async for _ in ws:
            task = asyncio.current_task()
            assert task is not None
            task.cancel("enough")
            try:
                # What cannot be cancelled is waited for to its end, and the next wait fails.
                await WAITS[wait](ws)
                await asyncio.sleep(HANG)
            except asyncio.CancelledError as error:
                heard.append(error.args)
                raise

    async with meet(handler) as meeting:
        ws = await meeting.join()
        await ws.send("go")
        await ws.wait_closed()
    assert heard == [("enough",)]
    assert ws.close_code == 1001


async def test_a_handler_may_take_its_own_cancellation_back() -> None:
    async def handler(ws: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        async for message in ws:
            task.cancel()
            try:
                await ws.recv()
            except asyncio.CancelledError:
                task.uncancel()
            await ws.send(message)

    async with meet(handler) as meeting:
        ws = await meeting.join()
        for message in ("a", "b", "c"):
            await ws.send(message)
            assert await ws.recv() == message


@pytest.mark.parametrize("ending", ["returns", "raises"])
async def test_a_handler_may_end_behind_its_own_cancellation(ending: str) -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def handler(ws: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        await ws.recv()
        task.cancel()
        if ending == "raises":
            raise asyncio.CancelledError

    async with meet(handler) as meeting:
        ws = await meeting.join()
        await ws.send("go")
        await ws.wait_closed()
        await asyncio.wait(tasks)
    assert tasks[0].cancelled()
    assert ws.close_code == (1001 if ending == "raises" else 1000)


async def test_a_handler_may_wait_for_everything_in_turn() -> None:
    async def handler(ws: ServerConnection) -> None:
        task = asyncio.current_task()
        queue: asyncio.Queue[Any] = asyncio.Queue()
        async for message in ws:
            queue.put_nowait(message)
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
            async with asyncio.timeout(HANG):
                await ws.send(await queue.get())
            await asyncio.create_task(ws.send(await ws.recv()))
            assert asyncio.current_task() is task

    async with meet(handler) as meeting:
        ws = await meeting.join()
        for number in range(20):
            await ws.send(f"{number}")
            assert await ws.recv() == f"{number}"
            await ws.send(f"{number} again")
            assert await ws.recv() == f"{number} again"


async def test_a_timeout_before_the_message_loses_nothing() -> None:
    async with pair() as (client, server):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.001)
        await server.send("late")
        assert await client.recv() == "late"


async def test_a_message_before_the_timeout_is_given() -> None:
    async with pair() as (client, server):
        await server.send("early")
        assert await asyncio.wait_for(client.recv(), 3600) == "early"
        await server.send("here already")
        await until_delivered(server, client)
        assert await asyncio.wait_for(client.recv(), 3600) == "here already"
        await server.send("and here")
        await until_delivered(server, client)
        # asyncio.wait_for() with 0 only looks whether it is done.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0)
        assert await client.recv() == "and here"


@pytest.mark.parametrize("turns", range(8))
async def test_a_message_at_the_moment_of_the_timeout_is_not_lost(turns: int) -> None:
    async with pair() as (client, server):
        loop = asyncio.get_running_loop()

        async def read() -> str | bytes:
            try:
                async with asyncio.timeout(None) as deadline:
                    end.append(deadline)
                    return await client.recv()
            except TimeoutError:
                return await client.recv()

        end: list[asyncio.Timeout] = []
        reader = asyncio.create_task(read())
        await asyncio.sleep(0)
        server.send_soon("now")
        await rounds(turns)
        if not reader.done():
            end[0].reschedule(loop.time())
        assert await reader == "now"


async def test_a_timeout_around_a_block_ends_the_wait() -> None:
    async with pair() as (client, server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await client.recv()
        await server.send("after")
        assert await client.recv() == "after"


# Other ways to wait


async def test_every_way_to_wait_gives_the_message() -> None:
    async with pair() as (client, server):
        for way in (
            asyncio.create_task,
            asyncio.ensure_future,
            asyncio.gather,
            lambda waiting: asyncio.wait_for(waiting, None),
            lambda waiting: asyncio.shield(waiting),
        ):
            waiting = way(client.recv())
            await server.send("hello")
            got = await waiting
            assert got in ("hello", ["hello"])


async def test_a_task_of_it_can_be_waited_for_beside_others() -> None:
    async with pair() as (client, server):
        never = asyncio.get_running_loop().create_future()
        reader = asyncio.create_task(client.recv())
        await server.send("hello")
        done, _ = await asyncio.wait({reader, never}, return_when=asyncio.FIRST_COMPLETED)
        assert done == {reader} and reader.result() == "hello"
        never.cancel()


async def test_several_connections_are_gathered() -> None:
    async with meet(echo) as meeting:
        clients = [await meeting.join() for _ in range(5)]
        for number, client in enumerate(clients):
            client.send_soon(str(number))
        assert await asyncio.gather(*(ws.recv() for ws in clients)) == list("01234")


async def test_anext_and_async_for_can_be_mixed_with_recv() -> None:
    async with pair() as (client, server):
        for number in range(6):
            await server.send(str(number))
        await server.send("end")
        assert await anext(client) == "0"
        assert await client.recv() == "1"
        assert await anext(client, "default") == "2"
        got = []
        async for message in client:
            if message == "end":
                break
            got.append(message)
        assert got == ["3", "4", "5"]


async def test_a_group_of_tasks_reads_and_writes() -> None:
    async with meet(echo) as meeting:
        client = await meeting.join()

        async def write() -> None:
            for number in range(MANY):
                await client.send(str(number))

        async def read() -> list[str | bytes]:
            return [await client.recv() for _ in range(MANY)]

        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read())
            group.create_task(write())
        assert reading.result() == list(map(str, range(MANY)))


async def test_a_group_that_fails_cancels_whoever_waits() -> None:
    async with pair() as (client, server):
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(client.recv())
                await rounds()
                raise LookupError
        assert caught.group_contains(LookupError)
        assert waiting.cancelled()
        await server.send("after")
        assert await client.recv() == "after"


# Factories of tasks


async def test_a_task_factory_makes_the_tasks_of_handlers() -> None:
    class OurTask(asyncio.Task[Any]):
        pass

    kinds: list[type] = []

    async def handler(ws: ServerConnection) -> None:
        async for message in ws:
            kinds.append(type(asyncio.current_task()))
            await ws.send(message)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(lambda loop, coro, **options: OurTask(coro, loop=loop, **options))
    try:
        async with meet(handler) as meeting:
            client = await meeting.join()
            for number in range(3):
                await client.send(str(number))
                assert await asyncio.create_task(client.recv()) == str(number)
        assert kinds == [OurTask] * 3
    finally:
        loop.set_task_factory(None)


class EagerTask(asyncio.Future[Any]):
    """A task in Python that takes its first step at once, as eager tasks of later Pythons do."""

    def __init__(self, coro: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._coro = coro
        self._loop_of_it = loop
        self._step()

    def _step(self, waited: Any = None) -> None:
        try:
            future = self._coro.send(None)
        except StopIteration as stop:
            self.set_result(stop.value)
        except BaseException as error:
            self.set_exception(error)
        else:
            if future is None:
                self._loop_of_it.call_soon(self._step)
            else:
                future._asyncio_future_blocking = False
                future.add_done_callback(self._step)


async def test_whatever_drives_a_coroutine_gets_messages() -> None:
    async with pair() as (client, server):
        loop = asyncio.get_running_loop()
        for number in range(3):
            task = EagerTask(client.recv(), loop)
            assert not task.done()
            await server.send(str(number))
            assert await task == str(number)
        await server.send("here already")
        await until_delivered(server, client)
        assert await EagerTask(client.recv(), loop) == "here already"


# One reader


async def test_two_tasks_cannot_wait_for_the_same_message() -> None:
    async with pair() as (client, server):
        first = asyncio.create_task(client.recv())
        await rounds()
        with pytest.raises(ConcurrencyError):
            await client.recv()
        with pytest.raises(ConcurrencyError):
            await anext(client)
        await server.send("hello")
        assert await first == "hello"
        await server.send("again")
        assert await client.recv() == "again"


async def test_tasks_may_read_in_turn() -> None:
    async with pair() as (client, server):
        for number in range(5):
            await server.send(str(number))
        got = [await asyncio.create_task(client.recv()) for _ in range(5)]
        assert got == list("01234")


# The end


async def test_after_the_end_recv_tells_code_and_reason() -> None:
    async with pair() as (client, server):
        waiting = asyncio.create_task(client.recv())
        await rounds()
        await server.close(1000, "enough")
        for attempt in (waiting, client.recv(), asyncio.create_task(client.recv())):
            with pytest.raises(ConnectionClosedOK) as caught:
                await attempt
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1000, "enough")
        with pytest.raises(ConnectionClosedOK):
            await client.send("too late")
        with pytest.raises(StopAsyncIteration):
            await anext(client)
        assert [message async for message in client] == []


async def test_what_came_before_the_end_is_read_first() -> None:
    async with pair() as (client, server):
        for number in range(3):
            await server.send(str(number))
        await server.close(4000, "not so good")
        got = []
        with pytest.raises(ConnectionClosedError, match="4000"):
            async for message in client:
                got.append(message)
        assert got == ["0", "1", "2"]


async def test_an_abort_by_the_peer_wakes_whoever_waits() -> None:
    async with pair() as (client, server):
        waiting = asyncio.create_task(client.recv())
        await rounds()
        server.abort()
        with pytest.raises(ConnectionClosedError):
            await waiting
        assert client.close_code == 1006


async def test_an_abort_of_its_own_wakes_whoever_waits() -> None:
    async with pair() as (client, _):
        waiting = asyncio.create_task(client.recv())
        await rounds()
        client.abort()
        with pytest.raises(ConnectionClosedError):
            await waiting


async def test_a_handler_may_abort_itself() -> None:
    ends: list[BaseException] = []

    async def handler(ws: ServerConnection) -> None:
        await ws.recv()
        ws.abort()
        for attempt in (ws.recv(), ws.send("x")):
            try:
                await attempt
            except ConnectionClosed as error:
                ends.append(error)

    async with meet(handler) as meeting:
        client = await meeting.join()
        await client.send("go")
        with pytest.raises(ConnectionClosedError):
            await client.recv()
    assert [type(end) for end in ends] == [ConnectionClosedError] * 2


async def test_a_handler_may_close_another_connection() -> None:
    connections: list[ServerConnection] = []

    async def handler(ws: ServerConnection) -> None:
        connections.append(ws)
        async for message in ws:
            if message == "abort":
                connections[1].abort()
            if message == "close":
                await connections[2].close(4001, "by another")
            await ws.send(message)

    async with meet(handler) as meeting:
        clients = [await meeting.join() for _ in range(3)]
        for message in ("abort", "close", "echo"):
            await clients[0].send(message)
            assert await clients[0].recv() == message
        with pytest.raises(ConnectionClosedError):
            await clients[1].recv()
        with pytest.raises(ConnectionClosedError, match="4001"):
            await clients[2].recv()


async def test_an_exception_closes_its_connection_with_1011_and_no_other(
    escapes: Escapes,
) -> None:
    async def handler(ws: ServerConnection) -> None:
        async for message in ws:
            if message == "boom":
                raise LookupError("boom")
            await ws.send(message)

    async with meet(handler) as meeting:
        unlucky, lucky = await meeting.join(), await meeting.join()
        await unlucky.send("boom")
        with pytest.raises(ConnectionClosedError, match="1011"):
            await unlucky.recv()
        await lucky.send("still here")
        assert await lucky.recv() == "still here"
    (error,) = escapes.take()
    assert isinstance(error, LookupError)
    frames = traceback.extract_tb(error.__traceback__)
    assert frames[-1].name == "handler" and frames[-1].line == 'raise LookupError("boom")'


async def test_the_traceback_of_an_end_leads_through_everybody_who_waited() -> None:
    async with pair() as (client, server):

        async def inner() -> None:
            await client.recv()

        async def outer() -> None:
            await inner()

        task = asyncio.create_task(outer())
        await rounds()
        server.abort()
        with pytest.raises(ConnectionClosedError) as caught:
            await task
        names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert names.index("outer") < names.index("inner")
        assert caught.value.__context__ is None or caught.value.__suppress_context__


# Between tasks


async def test_others_may_send_while_a_handler_waits() -> None:
    async with meet(guests := Guests()) as meeting:
        client = await meeting.join()
        server = await guests.next()
        waiting = asyncio.create_task(server.recv())
        await rounds()
        await asyncio.gather(*(server.send(str(number)) for number in range(MANY)))
        got = [await client.recv() for _ in range(MANY)]
        assert sorted(map(int, got)) == list(range(MANY))
        await client.send("answer")
        assert await waiting == "answer"


async def test_deep_chains_of_coroutines_wait_as_one() -> None:
    async def deep(ws: Connection, depth: int) -> str | bytes:
        return await deep(ws, depth - 1) if depth else await ws.recv()

    async def handler(ws: ServerConnection) -> None:
        while True:
            await ws.send(await deep(ws, 100))

    async with meet(handler) as meeting:
        client = await meeting.join()
        for number in range(3):
            await client.send(str(number))
            assert await client.recv() == str(number)


async def test_a_handler_may_wait_for_itself_through_a_generator() -> None:
    async def upper(ws: Connection) -> Any:
        async for message in ws:
            yield str(message).upper()

    async def handler(ws: ServerConnection) -> None:
        async for message in upper(ws):
            await ws.send(message)

    async with meet(handler) as meeting:
        client = await meeting.join()
        await client.send("hello")
        assert await client.recv() == "HELLO"


async def test_a_flood_does_not_starve_other_connections() -> None:
    handled = 0
    flooded = asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        nonlocal handled
        async for message in ws:
            if message == "hello":
                await ws.send(message)
            else:
                handled += 1
                flooded.set()

    async with meet(handler) as meeting:
        flooder, other = await meeting.join(), await meeting.join()
        flooder._link.send_frames(FRAME * FLOOD, messages=FLOOD)
        await flooded.wait()
        await other.send("hello")
        assert await other.recv() == "hello"
        assert handled < FLOOD


async def test_what_was_called_soon_comes_before_what_was_called_later() -> None:
    loop = asyncio.get_running_loop()
    order: list[int] = []
    async with pair() as (client, server):
        for number in range(5):
            loop.call_soon(order.append, number)
        await server.send("hello")
        assert await client.recv() == "hello"
        loop.call_soon(order.append, 5)
        await rounds(1)
        assert order == [0, 1, 2, 3, 4, 5]


async def test_a_handler_is_not_entered_while_another_task_runs() -> None:
    running: list[object] = []

    async def handler(ws: ServerConnection) -> None:
        async for message in ws:
            assert running == []
            running.append(ws)
            await ws.send(message)
            # send() below high water does not wait, and nobody else runs meanwhile.
            assert running == [ws]
            running.remove(ws)

    async with meet(handler) as meeting:
        clients = [await meeting.join() for _ in range(5)]
        for _ in range(20):
            for client in clients:
                client.send_soon("x")
            for client in clients:
                await client.recv()


# Under observation


def observe(frame: Any, event: str, argument: Any) -> Any:
    return observe


@pytest.mark.parametrize("install", [sys.settrace, sys.setprofile])
async def test_tracing_changes_nothing(install: Any) -> None:
    before = sys.gettrace() if install is sys.settrace else sys.getprofile()
    async with meet(echo) as meeting:
        client = await meeting.join()
        install(observe)
        try:
            for number in range(20):
                await client.send(str(number))
                assert await client.recv() == str(number)
        finally:
            install(before)


# Objects that wait


async def test_what_waits_is_a_coroutine_object() -> None:
    async with pair() as (client, _):
        for waiting in (client.recv(), client.send("x")):
            assert asyncio.iscoroutine(waiting)
            assert isinstance(waiting, collections.abc.Coroutine)
            waiting.close()
            waiting.close()


async def test_nothing_happens_to_what_is_never_awaited() -> None:
    async with pair() as (client, server):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            client.recv()
            client.send("never")
            client.__anext__()
            gc.collect()
        await client.send("hello")
        assert await server.recv() == "hello"
        await server.send("hello")
        assert await client.recv() == "hello"


async def test_what_was_closed_cannot_be_awaited() -> None:
    async with pair() as (client, server):
        waiting = client.recv()
        waiting.close()
        with pytest.raises(RuntimeError):
            await waiting
        sending = client.send("never")
        sending.close()
        with pytest.raises(RuntimeError):
            await sending
        await client.send("hello")
        assert await server.recv() == "hello"


async def test_what_was_awaited_cannot_be_awaited_again() -> None:
    async with pair() as (client, server):
        await server.send("hello")
        waiting = client.recv()
        assert await waiting == "hello"
        with pytest.raises(RuntimeError):
            await waiting
        sending = client.send("hello")
        await sending
        with pytest.raises(RuntimeError):
            await sending
        assert await server.recv() == "hello"


async def test_an_exception_can_be_thrown_into_what_waits() -> None:
    async with pair() as (client, server):
        fresh = client.recv()
        with pytest.raises(LookupError):
            fresh.throw(LookupError())
        begun = client.recv()
        begun.send(None)
        with pytest.raises(LookupError):
            begun.throw(LookupError())
        closed = client.recv()
        closed.send(None)
        closed.close()
        await server.send("hello")
        assert await client.recv() == "hello"


@pytest.mark.filterwarnings("ignore:the .* signature of throw:DeprecationWarning")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((LookupError("whole"),), "whole"),
        ((LookupError, LookupError("value"), None), "value"),
        ((LookupError, "words", None), "words"),
        ((LookupError, None, None), ""),
    ],
)
async def test_an_exception_can_be_thrown_into_a_send_that_waits(
    arguments: tuple[Any, ...], words: str
) -> None:
    async with pair(write_limit=1000, max_size=4 * MIB, compression=None) as (client, server):
        server.pause_reading()
        sending = client.send(bytes(4 * MIB))
        sending.send(None)
        with pytest.raises(LookupError, match=f"^{words}$"):
            sending.throw(*arguments)
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            sending.send(None)
        server.resume_reading()
        assert await server.recv() == bytes(4 * MIB)


async def test_a_recv_that_the_collector_frees_keeps_nobody_from_reading() -> None:
    async with pair() as (client, server):
        dropped: list[Any] = [client.recv()]
        dropped.append(dropped)
        dropped[0].send(None)
        del dropped
        gc.collect()
        await server.send("hello")
        assert await client.recv() == "hello"
