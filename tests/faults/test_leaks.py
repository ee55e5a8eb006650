"""Thousands of connections, ended in every way, leave nothing behind."""

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import cycle, islice
from typing import Any

import pytest

from tests.contracts.engines import STREAM_KINDS
from tests.faults.fault_proxy import HOST
from tests.faults.idle_loop import until_quiet
from tests.server.wire import ask, port_of, visit
from tests.tidiness import open_descriptors
from trunkline import (
    Connection,
    ConnectionClosed,
    Events,
    InvalidStatus,
    Server,
    ServerConnection,
    WebSocket,
    connect,
    serve,
)
from trunkline.connection.events import Dispatcher
from trunkline.connection.inbox import Inbox
from trunkline.connection.link import Link
from trunkline.engines.choose import current_engine
from trunkline.engines.timers import Call
from trunkline.server.opening import Opening

CONNECTIONS = 2_000
WARM_UP = 100
"""Connections after which every cache is filled."""
AT_ONCE = 20
KINDS = (
    Connection,
    ServerConnection,
    Link,
    Inbox,
    Dispatcher,
    Call,
    Opening,
    *STREAM_KINDS,
    WebSocket,
    asyncio.Task,
    asyncio.Future,
)
FORBIDDEN = 403
BAD_REQUEST = 400


class Echo(Events):
    """Sends back what comes, or does what is asked for."""

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        if data == "cut":
            ws.abort()
        elif data == "close":
            ws.close_soon(4000, "as you wish")
        else:
            ws.send_soon(data)


async def echo(ws: ServerConnection) -> None:
    """Do the same as a coroutine."""
    async for data in ws:
        if data == "cut":
            ws.abort()
        elif data == "close":
            await ws.close(4000, "as you wish")
        else:
            await ws.send(data)


def doorman(ws: ServerConnection, request: Any) -> Any:
    """Refuse whoever asks for it."""
    return ws.respond(FORBIDDEN, "no\n") if request.path == "/refused" else None


def uri_of(server: Server) -> str:
    return f"ws://{HOST}:{port_of(server)}"


# Visits, each with another end


async def say_goodbye(server: Server) -> None:
    async with connect(uri_of(server)) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def ping_and_cut(server: Server) -> None:
    ws = await connect(uri_of(server))
    await ws.ping()
    ws.abort()
    await ws.wait_closed()


async def ask_for(server: Server, end: str) -> None:
    ws = await connect(uri_of(server))
    await ws.send(end)
    with pytest.raises(ConnectionClosed):
        await ws.recv()
    await ws.wait_closed()


async def be_closed(server: Server) -> None:
    await ask_for(server, "close")


async def be_cut(server: Server) -> None:
    await ask_for(server, "cut")


async def break_a_rule(server: Server) -> None:
    ws = await connect(uri_of(server))
    ws._link.send_frames(b"\xff\xff", messages=0)
    with pytest.raises(ConnectionClosed):
        await ws.recv()
    await ws.wait_closed()


async def be_refused(server: Server) -> None:
    with pytest.raises(InvalidStatus):
        await connect(f"{uri_of(server)}/refused")


async def talk_nonsense(server: Server) -> None:
    answer = await ask(server, b"nonsense\r\n\r\n")
    assert answer.status_code == BAD_REQUEST


async def say_nothing(server: Server) -> None:
    async with visit(server):
        pass


async def change_its_mind(server: Server) -> None:
    opening = asyncio.ensure_future(connect(uri_of(server)))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])


async def use_the_browsers_interface(server: Server) -> None:
    socket = WebSocket(uri_of(server))
    socket.on_open = lambda event: socket.send("hello")
    socket.on_message = lambda event: socket.close(1000)
    await socket.wait_closed()


async def use_events(server: Server) -> None:
    ws = await connect(uri_of(server), events=Events)
    ws.send_soon("close")
    await ws.wait_closed()


VISITS: tuple[Callable[[Server], Awaitable[None]], ...] = (
    say_goodbye,
    ping_and_cut,
    be_closed,
    be_cut,
    break_a_rule,
    be_refused,
    talk_nonsense,
    say_nothing,
    change_its_mind,
    use_the_browsers_interface,
    use_events,
)


async def visit_often(server: Server, count: int) -> None:
    """Visit a server `count` times, in every way in turn."""
    visits = islice(cycle(VISITS), count)
    while some := list(islice(visits, AT_ONCE)):
        await asyncio.gather(*(visit(server) for visit in some))
    await until_quiet()


def remains() -> Counter[str]:
    """Count what is there."""
    gc.collect()
    counts = Counter(type(thing).__name__ for thing in gc.get_objects() if type(thing) in KINDS)
    counts["descriptors"] = open_descriptors()
    counts["timers on the wheel"] = len(current_engine().timers)
    return counts


@pytest.mark.parametrize("handler", [echo, Echo])
async def test_connections_of_every_kind_leave_nothing_behind(handler: Any) -> None:
    async with serve(handler, HOST, 0, process_request=doorman) as server:
        await visit_often(server, WARM_UP)
        before = remains()
        await visit_often(server, CONNECTIONS)
        assert remains() == before
        assert server.connections == set()
