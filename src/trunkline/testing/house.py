"""A server in memory, for the length of a test, and the ways into it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Protocol, Self

from trunkline.client.answer import Answer
from trunkline.client.connect import connect
from trunkline.engines.engine import Address
from trunkline.errors import UsageError
from trunkline.limits import MIB, RECEIVE_TIMEOUT, Limits
from trunkline.protocol.headers import Headers, HeadersLike
from trunkline.protocol.http1 import Request, Response
from trunkline.protocol.refusals import InvalidStatus
from trunkline.server.handler import Handler
from trunkline.server.serve import Server
from trunkline.server.serve import serve as make_server
from trunkline.testing.clock import Clock
from trunkline.testing.connection import Recorder, TestConnection
from trunkline.testing.diary import Diary
from trunkline.testing.failure import Failure, Refused
from trunkline.testing.line import Line
from trunkline.testing.network import Network, join_network
from trunkline.testing.weather import CALM, Weather

HOST = "test"
PORT = 80
ANY_BODY = Limits(max_body=1024 * MIB)
"""A test sees the whole of a body."""


class Application(Protocol):
    """Whatever makes a server of itself."""

    def serve(self, host: str, port: int, **options: Any) -> Server:
        """Make the server."""


class House:
    """A server that nobody outside the test can reach; `serve()` makes it.

    `async with` opens it; at the end it closes as a server does, and everything that is left is
    cut.

    Args:
        server: listens at `host` and port 80.
        host: name of the server.
        clock: of the test; `None` for that which is there, or a new one.
        weather: comes over every line to the server.
    """

    def __init__(self, server: Server, host: str, clock: Clock | None, weather: Weather) -> None:
        self.server = server
        self.host = host
        self._clock = clock
        self._weather = weather
        self._network: Network
        self._stack = AsyncExitStack()
        self._diaries: list[Diary] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._network = stack.enter_context(join_network(self._clock))
            self._network.engine.weathers[self.host] = self._weather
            await stack.enter_async_context(self.server)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the server, and end the test's time.

        Raises:
            Failure: the test was ended because it waited for what did not happen.
        """
        complaint = self._network.watchdog.complaint
        story = [complaint or "", *map(str, self._diaries)]
        # What is left at the end may be waiting for a deadline.
        self.clock.autojump = True
        try:
            await self._stack.aclose()
        finally:
            for line in tuple(self._network.engine.lines):
                line.cut()
        if complaint is not None:
            self._network.watchdog.forgive()
            raise Failure("\n".join(story))

    # What is known

    @property
    def clock(self) -> Clock:
        """The time of the test."""
        return self._network.clock

    @property
    def uri(self) -> str:
        """The address of the server, for whoever connects by itself."""
        return f"ws://{self.host}"

    @property
    def lines(self) -> list[Line]:
        """Every line that is there, in the order of their beginning, whoever made it."""
        return list(self._network.engine.lines)

    # Coming in

    async def connect(
        self,
        path: str = "/",
        *,
        origin: str | None = None,
        headers: HeadersLike | None = None,
        **options: Any,
    ) -> TestConnection:
        """Open a connection, with a real opening handshake.

        Args:
            path: what is asked for, query included.
            origin: value of Origin: the page that a browser would be on.
            headers: further header fields of the request.
            options: everything else that `trunkline.connect()` takes, such as `subprotocols`, or
                `local_addr=("203.0.113.7", 0)` to come from an address.

        Raises:
            Refused: the server answered with another status.
            TimeoutError: there was no answer within `open_timeout` seconds on the test's clock.
            OSError: the line was lost.
            UsageError: the path is none.
        """
        check_path(path)
        self.clock.pat()
        diary = Diary(path, self.clock)
        self._diaries.append(diary)
        recorder = Recorder(diary)
        try:
            connection = await connect(
                self.uri + path,
                events=lambda: recorder,
                origin=origin,
                additional_headers=headers,
                **{"proxy": None} | options,
            )
        except InvalidStatus as error:
            raise Refused(path, error.response) from None
        return TestConnection(connection, recorder, self.clock)

    async def get(self, path: str = "/", *, headers: HeadersLike = ()) -> Response:
        """Ask for a page; see `request()`."""
        return await self.request("GET", path, headers=headers)

    async def request(
        self,
        method: str,
        path: str = "/",
        *,
        headers: HeadersLike = (),
        body: bytes = b"",
        timeout: float | None = RECEIVE_TIMEOUT,
    ) -> Response:
        """Send an HTTP request of any kind, and give the answer.

        Args:
            method: such as `POST`.
            path: what is asked for, query included.
            headers: further header fields.
            body: of the request.
            timeout: seconds on the test's clock; `None` for as long as it takes.

        Raises:
            Failure: there was no answer in time.
            InvalidMessage: what came is not HTTP.
            OSError: the line was lost.
            UsageError: the path is none.
        """
        check_path(path)
        self.clock.pat(timeout or 0.0)
        fields = self._with_defaults(headers, body)
        request = Request(path, fields, method=method)
        try:
            async with asyncio.timeout(timeout):
                return await self._ask(request.serialize() + body)
        except TimeoutError:
            raise Failure(f"{method} {path} was not answered within {timeout} s") from None

    def _with_defaults(self, headers: HeadersLike, body: bytes) -> Headers:
        fields = Headers(headers)
        defaults = {"Host": self.host, "Connection": "close"}
        if body:
            defaults["Content-Length"] = str(len(body))
        for name, value in defaults.items():
            if name not in fields:
                fields[name] = value
        return fields

    async def _ask(self, request: bytes) -> Response:
        answer = Answer(ANY_BODY)
        address = Address(host=self.host, port=PORT)
        limit = ANY_BODY.write_limit
        stream = await self._network.engine.connect(address, answer, tls=None, write_limit=limit)
        try:
            stream.write(request)
            response, _ = await answer.received()
        finally:
            stream.abort()
        return response


def check_path(path: str) -> None:
    """Refuse what would be a part of the name of the host."""
    if not path.startswith("/"):
        raise UsageError(f"{path!r} is not a path in this house: it must begin with /")


def serve(
    target: Handler | Application,
    *,
    host: str = HOST,
    clock: Clock | None = None,
    weather: Weather = CALM,
    **options: Any,
) -> House:
    """Serve an application or a handler in memory: `async with testing.serve(app) as house`.

    Everything is as it would be in production, but for the sockets and the time. While the house
    is open, `trunkline.connect()` and `trunkline.serve()` are in memory, too.

    Args:
        target: a `trunkline.App`, or any handler that `trunkline.serve()` takes.
        host: name of the server; a second house in a test needs another one.
        clock: of the test; `None` for that which is there, or a new one.
        weather: what befalls every line to this server: delay and loss.
        options: everything else that `target.serve()` or `trunkline.serve()` takes.

    Raises:
        TypeError, ValueError: an option cannot be meant like that.
        UsageError: the loop is not one of asyncio's own, or TLS is asked for.
    """
    if options.get("ssl") is not None:
        raise UsageError("a house is entered without TLS: leave ssl= away in the test")
    if hasattr(target, "serve"):
        server = target.serve(host, PORT, **options)
    else:
        server = make_server(target, host, PORT, **options)
    return House(server, host, clock, weather)
