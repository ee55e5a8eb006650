"""Lets the k-th allocation of a conversation fail, for one k after the other, each in a child.

Preload scarce_memory.c. Everything has to come to its end, no message may be lost without a word,
and with memory back new connections have to work. Prints a line for each k for which this is not
so, and at last how many children there were and how many of them have seen an allocation fail.

Where asyncio itself loses a task, whoever waits for that one is excused.

"""

import argparse
import asyncio
import ctypes
import faulthandler
import gc
import itertools
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import urlsplit

import trustme

import trunkline
from trunkline.engines import securing
from trunkline.native import tls
from trunkline.server.serve import Server

HANG = 90
"""Seconds until a child is taken to hang."""

STALL = 15
"""Seconds until what a failure has stopped is cut."""

POLL = 0.02
"""Seconds between two looks at what goes on."""

RESCUE = 2
"""Seconds until a look is taken by a signal, where asyncio has lost the call that asked for it."""

LOST = 50
"""How many looks in a row have to find a task lost: one that is only due is stepped before."""

CONVERSATIONS = ["plain", "tls", "tls through memory", "fanout"]
UNHARMED, HARMED, STALLED, DEAF, WRONG = 0, 3, 4, 5, 6
NAMES = {STALLED: "stalled", DEAF: "serves no more", WRONG: "a message was lost"}
SMALL_BUFFER = 4096
FLOOD = 8
LIMITS = trunkline.Limits(max_unsent=None, open_timeout=3, close_timeout=2)
LARGE = "Grüße, " * 40_000
RANDOM = os.urandom(300_000)
AUDIENCE = 4
PUBLISHED = [bytes([number]) * size for number, size in enumerate([20, 3000, 90_000] * 3)]

memory = ctypes.CDLL(None)
calls_left = ctypes.c_long.in_dll(memory, "scarce_after")
calls_refused = ctypes.c_long.in_dll(memory, "scarce_for")
has_failed = ctypes.c_long.in_dll(memory, "scarce_failed")


Tasks = AbstractSet[asyncio.Task[Any]]


audience: set[asyncio.Task[Any] | None] = set()
"""Those who listen."""


class Wrong(Exception):
    """Something else arrived than was sent, and nobody was told."""


class Unclosed(Exception):
    """A server does not close."""


def while_plentiful(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let no allocation fail in `call`."""

    def called(*arguments: Any) -> Any:
        left, calls_left.value = calls_left.value, -1
        try:
            return call(*arguments)
        finally:
            calls_left.value = left

    return called


@while_plentiful
def connected(uri: str) -> socket.socket:
    """Connect without asyncio, which forgets to forget a socket that had no memory to connect."""
    address = urlsplit(uri)
    return socket.create_connection((address.hostname, address.port))


# A conversation of two at a time: events, and a task; with compression, and without


def flood(ws: trunkline.Connection, message: str | bytes) -> None:
    """Send more than there is room for, where the message asks for it."""
    if message == "flood":
        for _ in range(FLOOD):
            ws.send_soon(RANDOM[:50_000], compress=False)


class Mirror(trunkline.Events):
    """Answers from on_message."""

    def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
        """Send it back."""
        flood(ws, data)
        ws.send_soon(data)


async def echo(ws: trunkline.Connection) -> None:
    """Send back what comes, on a socket with little room."""
    sock = ws.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
    async for message in ws:
        flood(ws, message)
        await ws.send(message)


async def pieces() -> AsyncIterator[str]:
    """Give a message in fragments."""
    for piece in ("Grüße", " ", LARGE[:20_000]):
        yield piece


async def receive(ws: trunkline.Connection, expected: str | bytes) -> None:
    """Receive what has to come next."""
    if await ws.recv() != expected:
        raise Wrong


async def converse(uri: str, **options: Any) -> None:
    """Say everything there is to say."""
    async with trunkline.connect(uri, sock=connected(uri), limits=LIMITS, **options) as ws:
        for message in ("Hello", b"x" * 300, LARGE, RANDOM):
            await ws.send(message)
            await receive(ws, message)
        await ws.send(pieces())
        await receive(ws, "Grüße " + LARGE[:20_000])
        await (await ws.ping())
        await ws.send("flood")
        for _ in range(FLOOD):
            await receive(ws, RANDOM[:50_000])
        await receive(ws, "flood")


# Many at a time


async def publish(server: Server) -> None:
    """Publish and broadcast to an audience, and send it home."""
    topic = trunkline.Topic()
    for connection in server.connections:
        topic.subscribe(connection)
    for message in PUBLISHED:
        topic.publish(message)
        await asyncio.sleep(0)
        trunkline.broadcast(server.connections, message)
        await asyncio.sleep(0)


async def stay(ws: trunkline.Connection) -> None:
    """Be there until it is over."""
    await ws.wait_closed()


def announce(arrival: asyncio.Event) -> None:
    """Let the conductor look; an event that had no memory to wake anybody is set all the same."""
    arrival.clear()
    arrival.set()


async def listen(uri: str, arrival: asyncio.Event) -> None:
    """Hear everything twice, in its order, up to the end."""
    async with trunkline.connect(uri, sock=connected(uri), limits=LIMITS, max_queue=2) as ws:
        audience.add(asyncio.current_task())
        announce(arrival)
        expected = iter([message for message in PUBLISHED for _ in range(2)])
        async for message in ws:
            if message != next(expected, None):
                raise Wrong
        if next(expected, None) is not None and ws.close_code == trunkline.CloseCode.GOING_AWAY:
            raise Wrong


async def conduct(
    server: Server, listeners: list[asyncio.Task[None]], arrival: asyncio.Event
) -> None:
    """Wait for the audience, tell it everything, and send it home."""
    try:
        for listener in listeners:
            listener.add_done_callback(lambda _: announce(arrival))
        while not all(listener.done() or listener in audience for listener in listeners):
            arrival.clear()
            await arrival.wait()
        await publish(server)
        for connection in server.connections:
            connection.close_soon(trunkline.CloseCode.GOING_AWAY)
    except BaseException:
        for listener in listeners:
            listener.cancel()  # also those that are still to come
        raise


# One child


class Conversation:
    """Servers, and what is said with them.

    The loop is run from outside of it, a moment at a time: no task of this program can be lost.
    """

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.loop.add_signal_handler(signal.SIGALRM, self.loop.stop)
        self.client_tls: ssl.SSLContext | None = None
        self.server_tls: ssl.SSLContext | None = None
        self.is_fan_out = name == "fanout"
        if name.startswith("tls"):
            tls.is_borrowing = tls.is_borrowing and name == "tls"
            self.authority = trustme.CA()
            self.server_tls = identified(self.authority)
            self.client_tls = trusting(self.authority)
            # Where SSL_new() fails, CPython 3.11 uses what it has just freed (_ssl.c).
            securing.wrap = while_plentiful(securing.wrap)
        self.servers = [self.loop.run_until_complete(self.serve(kind)) for kind in self.kinds()]

    def trust_anew(self) -> None:
        """Forget certificates that OpenSSL read without memory: to it they stay wrong for ever."""
        if self.client_tls is not None:
            self.client_tls = trusting(self.authority)

    def kinds(self) -> list[Any]:
        """Give the handlers."""
        return [stay] if self.is_fan_out else [echo, Mirror]

    async def serve(self, kind: Any) -> Server:
        """Begin to serve."""
        return await trunkline.serve(kind, "127.0.0.1", 0, limits=LIMITS, ssl=self.server_tls)

    def uri(self, server: Server) -> str:
        """Give the address of a server."""
        scheme = "ws" if self.server_tls is None else "wss"
        return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def begin(self) -> list[asyncio.Task[None]]:
        """Begin everything that is to be done at once."""
        begin = self.loop.create_task
        if self.is_fan_out:
            (server,) = self.servers
            audience.clear()
            arrival = asyncio.Event()
            listeners = [begin(listen(self.uri(server), arrival)) for _ in range(AUDIENCE)]
            return [*listeners, begin(conduct(server, listeners, arrival))]
        one, other = map(self.uri, self.servers)
        return [
            begin(converse(one, ssl=self.client_tls, max_queue=2)),
            begin(converse(other, ssl=self.client_tls, compression=None)),
        ]

    def run(
        self, tasks: list[asyncio.Task[None]], seconds: float, ghosts: Tasks = frozenset()
    ) -> bool:
        """Run until all are done, or one is lost beside the ghosts; say whether they are done."""
        until, lost = time.monotonic() + seconds, 0
        while time.monotonic() < until and lost < LOST:
            try:
                if all([task.done() for task in tasks]):
                    return True
                signal.setitimer(signal.ITIMER_REAL, RESCUE)
                self.loop.call_later(POLL, self.loop.stop)
                self.loop.run_forever()
                lost = lost + 1 if self.lost_tasks() - ghosts else 0
            except MemoryError:
                self.leave_loop()
        return False

    def leave_loop(self) -> None:
        """Do what run_forever() has no memory left for."""
        self.loop._thread_id = None  # type: ignore[attr-defined]
        asyncio._set_running_loop(None)

    def lost_tasks(self) -> Tasks:
        """Give those that wait for nothing and are never stepped again.

        asyncio loses a task that has no memory to wait for a future, or to be called soon when
        the future is done.
        """
        waits = {task: task._fut_waiter for task in asyncio.all_tasks(self.loop)}
        return {task for task, wait in waits.items() if wait is None or wait.done()}

    def end(self) -> None:
        """Close the servers, and the loop."""
        closing = [self.loop.create_task(close(server)) for server in self.servers]
        if not (self.run(closing, STALL) or self.lost_tasks()):
            raise Unclosed
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.loop.close()


async def close(server: Server) -> None:
    """Serve no more."""
    server.close()
    await server.wait_closed()


def identified(authority: trustme.CA) -> ssl.SSLContext:
    """Make the context of the servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Make the context of the clients."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def live(name: str, k: int, width: int) -> int:
    """Be the child: go through a conversation with the k-th allocation failing."""
    faulthandler.dump_traceback_later(HANG, exit=True)
    logging.disable()
    conversation = Conversation(name)
    calls_refused.value = width
    tasks = conversation.begin()
    calls_left.value = k
    has_ended = conversation.run(tasks, STALL)
    calls_left.value = -1
    failed = has_failed.value
    ended = [task for task in tasks if task.done() and not task.cancelled()]
    wrong = any(isinstance(task.exception(), Wrong) for task in ended)
    ghosts = conversation.lost_tasks()
    for task in tasks:
        task.cancel()
    for server in conversation.servers:
        for connection in server.connections:
            connection.abort()
    conversation.trust_anew()
    again = conversation.begin()
    if not conversation.run(again, STALL, ghosts) or any(task.exception() for task in again):
        return DEAF
    if wrong:
        return WRONG
    conversation.end()
    gc.collect()
    if not (has_ended or ghosts):
        return STALLED
    return HARMED if failed else UNHARMED


def warm_up(name: str) -> None:
    """Have everything there is once: what fails to begin in OpenSSL never works again."""
    conversation = Conversation(name)
    conversation.run(conversation.begin(), STALL)
    conversation.end()


def child_for(name: str, k: int, width: int) -> int:
    """Fork a child; give its process ID."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(live(name, k, width))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return child


def outcome_of(child: int, what: str) -> int:
    """Give the exit code of a child, or the signal that killed it, negative; print a bad one."""
    _, status = os.waitpid(child, 0)
    outcome = os.waitstatus_to_exitcode(status)
    if outcome not in (UNHARMED, HARMED):
        cause = signal.Signals(-outcome).name if outcome < 0 else NAMES.get(outcome, outcome)
        print(f"{what}: {cause}", flush=True)
    return outcome


def outcomes(name: str, numbers: Iterable[int], width: int, jobs: int) -> Iterator[int]:
    """Go through the k, several at a time."""
    children: deque[tuple[int, str]] = deque()
    for k in numbers:
        children.append((child_for(name, k, width), f"{name}, allocation {k}"))
        if len(children) == jobs:
            yield outcome_of(*children.popleft())
    yield from itertools.starmap(outcome_of, children)


def main() -> int:
    """Go through some k, or through all; say whether anything was as it should not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("conversation", choices=CONVERSATIONS)
    parser.add_argument("--first", type=int, default=0, metavar="K")
    parser.add_argument("--step", type=int, default=1, metavar="K")
    parser.add_argument("--count", type=int, help="by default, until nothing fails any more")
    parser.add_argument("--width", type=int, default=1, help="how many fail in a row")
    parser.add_argument("--jobs", type=int, default=1, help="how many children at a time")
    chosen = parser.parse_args()
    warm_up(chosen.conversation)
    numbers = itertools.islice(itertools.count(chosen.first, chosen.step), chosen.count)
    every = outcomes(chosen.conversation, numbers, chosen.width, chosen.jobs)
    tried = list(every if chosen.count else itertools.takewhile(lambda it: it != UNHARMED, every))
    print(len(tried), sum(outcome != UNHARMED for outcome in tried))
    return int(not {*tried} <= {UNHARMED, HARMED})


faulthandler.enable()
sys.exit(main())
