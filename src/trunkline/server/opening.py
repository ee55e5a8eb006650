"""The server's side of one opening handshake: read the request, decide, answer, begin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from inspect import isawaitable
from typing import TYPE_CHECKING

from trunkline.connection.events import Events
from trunkline.connection.lane import connection_type
from trunkline.connection.setting import Setting
from trunkline.engines.engine import Stream
from trunkline.engines.timers import Timer
from trunkline.errors import InvalidMessage, RequestRefused
from trunkline.limits import LINGER
from trunkline.protocol.handshake import Agreement, Upgrade, check_request, negotiate
from trunkline.protocol.http1 import (
    HeadReader,
    Request,
    Response,
    make_response,
    parse_request,
    refusal_for,
)
from trunkline.server.beginning import begin
from trunkline.server.connection import ServerConnection
from trunkline.server.date import http_date
from trunkline.server.handler import make_events
from trunkline.server.options import ServerOptions
from trunkline.server.origin import check_origin
from trunkline.server.reception import teach
from trunkline.server.subprotocol import select_subprotocol
from trunkline.server.watch import Watch

if TYPE_CHECKING:
    from trunkline.native.opening import Reception

Hook = Callable[..., Awaitable[Response | None] | Response | None]
Terms = tuple[Agreement, Events | None]
"""What was agreed on, and who takes the messages."""
Opened = tuple[ServerConnection, Agreement, Events | None]
"""A connection that was accepted, and its terms."""


class Opening(Timer):
    """One accepted stream, until it is a connection or refused. It is the stream's receiver.

    It is also the one timer that it needs: of the handshake, and then of a refusal.

    Args:
        setting: of the connections.
        stream: what was accepted.
        options: the server's.
        watch: told of the connection when it opens, and of the end of everything.
        reception: answers later requests that are like this one; `None` for no such thing.
        waited: how many seconds ago the stream was accepted.
    """

    __slots__ = (
        "_is_answered",
        "_is_lost",
        "_options",
        "_reader",
        "_reception",
        "_setting",
        "_stream",
        "_watch",
        "task",
    )

    def __init__(
        self,
        setting: Setting,
        stream: Stream,
        options: ServerOptions,
        watch: Watch,
        reception: Reception | None = None,
        *,
        waited: float = 0.0,
    ) -> None:
        super().__init__()
        self._setting = setting
        self._stream = stream
        self._options = options
        self._watch = watch
        self._reception = reception
        self._reader: HeadReader | None = None
        self._is_answered = False
        self._is_lost = False
        self.task: asyncio.Task[None] | None = None
        if options.limits.open_timeout is not None:
            setting.engine.timers.set(self, max(options.limits.open_timeout - waited, 0))

    # Called by the stream

    def bytes_received(self, data: bytes) -> None:
        """Collect the request; what comes behind an answer is dropped."""
        if self._is_answered or self.task is not None:
            return
        if self._reader is None:
            self._reader = HeadReader(self._options.limits.max_head)
        try:
            whole = self._reader.feed(data)
        except InvalidMessage as error:
            self.refuse(refusal_for(error))
            return
        if whole is not None:
            self._start(self._run(*whole))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        """Decide at once, or in a task: a hook may want to wait, or to know its task."""
        if self._options.has_hooks:
            # What follows belongs to nobody yet; it waits in the kernel.
            self._stream.pause_reading()
            self.task = asyncio.get_running_loop().create_task(work)
            self.task.add_done_callback(self._task_done)
        else:
            with suppress(StopIteration):
                work.send(None)
            self._watch.finished(self)

    def end_received(self) -> None:
        """A client that ends before it was answered is not waiting for an answer."""
        self._stream.close()

    def writing_resumed(self) -> None:
        """Answers are short."""

    def stream_lost(self, error: Exception | None) -> None:
        """Nobody is there any more."""
        self.cancel()
        self._is_lost = True
        if self.task is None:
            self._watch.finished(self)
        elif not self._is_answered:
            self.task.cancel()

    # Deciding

    async def _run(self, head: bytes, rest: bytes) -> None:
        try:
            opened = await self._decide(head)
        except Exception:
            self._fail()
            return
        if opened is not None:
            begin(self._watch, self._options, *opened, rest)

    def fail(self) -> None:
        """Answer that a mistake on this side is in the way; called where it is handled."""
        self._fail()
        self._watch.finished(self)

    def _fail(self) -> None:
        """A mistake on this side; called where it is handled."""
        self._options.logger.exception("opening handshake failed")
        if self._is_answered:
            self._stream.abort()  # it is too late to say so
            return
        self.refuse(RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log"))

    async def _decide(self, head: bytes) -> Opened | None:
        """Answer the request; `None` stands for another answer than an upgrade."""
        try:
            return await self._negotiate(head)
        except RequestRefused as refused:
            self.refuse(refused)
            return None

    async def _negotiate(self, head: bytes) -> Opened | None:
        options = self._options
        request = parse_request(head, options.limits)
        connection = self._new_connection()
        connection.request = request
        terms: Terms | None = None
        response = await self._ask(options.process_request, connection, request)
        if response is None:
            response, terms = self._judge(connection, request)
        replaced = await self._ask(options.process_response, connection, request, response)
        connection.response = response = replaced or response
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._answer(response, opens=False)
            return None
        if terms is None:
            raise ValueError("a hook answered 101 to a request that was not accepted")
        if not self._answer(response, opens=True):
            return None
        if self._reception is not None:
            teach(self._reception, head, request, response, terms[0])
        return connection, *terms

    def _new_connection(self) -> ServerConnection:
        kind = connection_type(ServerConnection, self._stream)
        return kind(self._setting, self._stream)

    def _new_events(self, request: Request) -> Events | None:
        source = self._options.events
        return None if source is None else make_events(source, request)

    def _judge(
        self, connection: ServerConnection, request: Request
    ) -> tuple[Response, Terms | None]:
        """Accept the request, or refuse it: then there are no terms."""
        try:
            upgrade = check_request(request)
            check_origin(request, self._options.origins)
            agreement, response = self._accept(connection, upgrade)
        except RequestRefused as refused:
            return self._refusal(refused), None
        return response, (agreement, self._new_events(request))

    def _accept(self, connection: ServerConnection, upgrade: Upgrade) -> tuple[Agreement, Response]:
        options = self._options
        if options.select_subprotocol is not None:
            subprotocol = options.select_subprotocol(connection, upgrade.subprotocols)
            if subprotocol is not None and subprotocol not in upgrade.subprotocols:
                raise ValueError(f"selected subprotocol {subprotocol!r} was not offered")
        else:
            subprotocol = select_subprotocol(upgrade.subprotocols, options.subprotocols)
        return negotiate(upgrade, subprotocol, options.deflate)

    async def _ask(self, hook: Hook | None, *args: object) -> Response | None:
        """Call a hook of the user's, if there is one."""
        if hook is None:
            return None
        result = hook(*args)
        response: object = await result if isawaitable(result) else result
        if response is None or isinstance(response, Response):
            return response
        raise TypeError(f"{hook!r} gave {response!r}, not a Response or None")

    # Answering

    def refuse(self, refused: RequestRefused) -> None:
        """Answer with a status and one line, unless there was an answer."""
        if not self._is_answered:
            self._answer(self._refusal(refused), opens=False)

    def _refusal(self, refused: RequestRefused) -> Response:
        self._options.logger.info("refused a request: %s", refused)
        return make_response(refused.status, refused.reason + "\n", refused.headers)

    def cut(self) -> None:
        """Let go of the stream, and cancel the task."""
        self._stream.abort()
        if self.task is not None:
            self.task.cancel()

    def _answer(self, response: Response, *, opens: bool) -> bool:
        """Send the answer, unless there was one; say whether it was sent."""
        if self._is_lost or self._is_answered:
            return False
        if self._options.server_header is not None:
            response.headers["Server"] = self._options.server_header
        response.headers["Date"] = http_date()
        if not opens:
            # RFC 9110 §7.8: whoever sends Upgrade names it in Connection
            upgrade = ", Upgrade" if "Upgrade" in response.headers else ""
            response.headers["Connection"] = f"close{upgrade}"
        self._send(response.serialize())
        if not opens:
            self._let_go()
        return True

    def _send(self, answer: bytes) -> None:
        self._is_answered = True
        self._stream.write(answer)
        self.cancel()

    def _let_go(self) -> None:
        """End the stream such that the answer is read: unread bytes would make it a reset."""
        self._setting.engine.timers.set(self, LINGER)
        self._stream.resume_reading()
        self._stream.end_writing()

    def fire(self) -> None:
        """Called by the timer wheel: the handshake took too long, or a refused client stays."""
        if self._is_answered:
            self._stream.abort()
        else:
            self._give_up()

    def _give_up(self) -> None:
        if self.task is not None:
            self.task.cancel()
        seconds = self._options.limits.open_timeout
        self.refuse(RequestRefused(HTTPStatus.REQUEST_TIMEOUT, f"not opened within {seconds} s"))

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._watch.finished(self)
