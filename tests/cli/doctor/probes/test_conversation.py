import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import trunkline
from tests.cli.doctor.targets import target_at
from tests.client.scripted import HANG_SECONDS, Script, read_head, scripted, switching
from trunkline.cli.doctor.probes.conversation import begin, feel_pulse, keep_silent, say_goodbye
from trunkline.cli.doctor.probes.opening import ask
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.probes.tunnel import open_stream
from trunkline.connection.connection import Connection
from trunkline.engines.engine import Stream
from trunkline.errors import Closer, ConnectionClosed

Handler = Callable[[trunkline.ServerConnection], Awaitable[None]]
SHORT = 0.05  # seconds


@asynccontextmanager
async def talking(
    port: int, close_timeout: float = HANG_SECONDS
) -> AsyncIterator[tuple[Connection, Stream]]:
    target = await target_at(port)
    limits = replace(target.limits, close_timeout=close_timeout)
    reply = Reply(target.limits)
    stream, _ = await open_stream(target, reply)
    assert stream is not None
    opening = await ask(stream, reply, target.question.request, target.timeout)
    assert opening.response is not None
    agreement = target.question.check(opening.response)
    try:
        yield begin(stream, agreement, opening.rest, limits), stream
    finally:
        stream.abort()


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[tuple[Connection, Stream]]:
    server = await trunkline.serve(handler, "127.0.0.1", 0)
    async with server, talking(server.sockets[0].getsockname()[1]) as both:
        yield both


async def flood(ws: trunkline.ServerConnection) -> None:
    for _ in range(100):
        await ws.send("something that nobody reads")
    await ws.wait_closed()


async def idle(ws: trunkline.ServerConnection) -> None:
    await ws.wait_closed()


async def leave(ws: trunkline.ServerConnection) -> None:
    await ws.close(1008, "no token")


async def vanish(ws: trunkline.ServerConnection) -> None:
    ws.abort()


def deaf(ended: asyncio.Event) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(switching(await read_head(reader)))
        await reader.read()
        await ended.wait()

    return script


async def test_round_trips_are_measured_whatever_else_comes() -> None:
    async with served(flood) as (connection, _):
        pulse = await feel_pulse(connection, 3, HANG_SECONDS)
        assert (len(pulse.round_trips), pulse.error) == (3, None)
        goodbye = await say_goodbye(connection)
    assert goodbye.closed.was_clean
    assert (goodbye.closed.code, goodbye.closed.closer) == (1000, Closer.LOCAL)


async def test_a_server_that_closes_at_once_is_a_fact() -> None:
    async with served(leave) as (connection, _):
        await connection.wait_closed()
        pulse = await feel_pulse(connection, 3, HANG_SECONDS)
    assert isinstance(pulse.error, ConnectionClosed)
    assert (pulse.error.code, pulse.error.reason) == (1008, "no token")


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    ended = asyncio.Event()
    async with scripted(deaf(ended)) as port, talking(port, SHORT) as (connection, _):
        pulse = await feel_pulse(connection, 3, SHORT)
        assert isinstance(pulse.error, TimeoutError)
        goodbye = await say_goodbye(connection)
        ended.set()
    assert not goodbye.closed.was_clean


async def test_a_line_that_is_cut_in_silence_is_a_fact() -> None:
    async with served(vanish) as (connection, stream):
        silence = await keep_silent(connection, stream, HANG_SECONDS, HANG_SECONDS)
    assert silence.closed is not None
    assert (silence.closed.code, silence.closed.rcvd) == (1006, None)
    assert silence.lasted < HANG_SECONDS


async def test_a_line_that_holds_is_a_fact() -> None:
    async with served(idle) as (connection, stream):
        silence = await keep_silent(connection, stream, SHORT, HANG_SECONDS)
        assert silence.closed is None and not silence.was_broken
        assert silence.pulse is not None and silence.pulse.error is None


async def test_a_server_that_speaks_meanwhile_is_a_fact() -> None:
    class Chatty:
        """A stream on which bytes arrive whenever one looks."""

        def __init__(self) -> None:
            self._moments = iter([1.0, 2.0])

        @property
        def last_heard(self) -> float:
            return next(self._moments)

    async with served(idle) as (connection, _):
        stream = cast(Stream, Chatty())
        silence = await keep_silent(connection, stream, SHORT, HANG_SECONDS)
        assert silence.was_broken
