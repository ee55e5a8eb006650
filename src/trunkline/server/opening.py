"""The server's side of one opening handshake: read the request, decide, answer, begin."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from trunkline.connection.mistake import MISTAKES
from trunkline.connection.setting import Setting
from trunkline.engines.engine import Stream, Tls
from trunkline.engines.timers import Timer
from trunkline.errors import InvalidMessage, RequestRefused
from trunkline.limits import LINGER, SLOW_RETRY_AFTER, SLOWEST_DOWNLOAD
from trunkline.protocol.http1 import HeadReader, Request, Response, refusal_for
from trunkline.protocol.retry_hint import refused_for_now
from trunkline.server.beginning import begin
from trunkline.server.body import CONTINUE, Body, expects_continue
from trunkline.server.date import http_date
from trunkline.server.desk import Admission, Desk
from trunkline.server.front_desk import refusal
from trunkline.server.options import ServerOptions
from trunkline.server.reception import teach
from trunkline.server.watch import Watch

if TYPE_CHECKING:
    from trunkline.native.opening import Reception


class Opening(Timer):
    """One accepted stream, until it is a connection or refused. It is the stream's receiver.

    It is also the one timer that it needs: of the handshake, and then of a refusal.

    Args:
        setting: of the connections.
        stream: what was accepted.
        options: the server's.
        watch: told of the connection when it opens, and of the end of everything.
        desk: decides about the request.
        reception: answers later requests that are like this one; `None` for no such thing.
        waited: how many seconds ago the stream was accepted.
        tls: secures the stream behind the preface; `None`: it is secure already, or not to be.
    """

    __slots__ = (
        "_asked_at",
        "_body",
        "_desk",
        "_has_left",
        "_is_answered",
        "_is_lost",
        "_options",
        "_reader",
        "_reception",
        "_setting",
        "_stream",
        "_tls",
        "_turned_away",
        "_watch",
        "task",
    )

    def __init__(
        self,
        setting: Setting,
        stream: Stream,
        options: ServerOptions,
        watch: Watch,
        desk: Desk,
        reception: Reception | None = None,
        *,
        waited: float = 0.0,
        tls: Tls | None = None,
    ) -> None:
        super().__init__()
        self._setting = setting
        self._stream = stream
        self._options = options
        self._watch = watch
        self._desk = desk
        self._reception = reception
        self._tls = tls
        self._turned_away: RequestRefused | None = None
        self._reader: HeadReader | None = None
        self._body: Body | None = None
        self._has_left = False
        self._is_answered = False
        self._is_lost = False
        self.task: asyncio.Task[None] | None = None
        if options.limits.open_timeout is not None:
            setting.engine.timers.set(self, max(options.limits.open_timeout - waited, 0))

    def greet(self) -> None:
        """Let the desk see the stream before anything is read of it."""
        try:
            self._desk.greet()
        except RequestRefused as refused:
            if self._tls is None:
                self.refuse(refused)
            else:
                self._turned_away = refused  # which a client of TLS understands behind it only

    # Called by the stream

    def bytes_received(self, data: bytes) -> None:
        """Collect the request; what comes behind an answer is dropped."""
        if self._is_answered or self.task is not None:
            return
        try:
            self._read(data)
        except InvalidMessage as error:
            self.refuse(refusal_for(error))
        except RequestRefused as refused:
            self.refuse(refused)

    def _read(self, data: bytes) -> None:
        """Read on: what stands before the request, its head, its body."""
        if self._body is not None:
            self._read_body(self._body, data)
            return
        if self._desk.preface is not None:
            behind = self._desk.preface.feed(data)
            if behind is None:
                return
            self._desk.preface, data = None, behind
        if self._tls is not None:
            self._setting.engine.answer_tls(self._stream, self._tls, data, self._secured)
            return
        if self._reader is None:
            self._reader = HeadReader(self._options.limits.max_head)
        whole = self._reader.feed(data)
        if whole is not None:
            self._read_head(*whole)

    def _secured(self) -> None:
        self._tls = None
        if self._turned_away is not None:
            self.refuse(self._turned_away)

    def _read_head(self, head: bytes, rest: bytes) -> None:
        request = self._desk.read(head)
        size = self._desk.body_size(request)
        if size == 0:
            self._start(self._run(head, request, rest))
            return
        if expects_continue(request) and len(rest) < size:
            self._stream.write(CONTINUE)
        self._body = Body(head, request, size)
        self._read_body(self._body, rest)

    def _read_body(self, body: Body, data: bytes) -> None:
        if body.feed(data):
            self._start(self._run(body.head, body.request, b""))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        """Decide at once, or in a task: a hook may want to wait, or to know its task."""
        if self._desk.waits:
            # What follows belongs to nobody yet; it waits in the kernel.
            self._stream.pause_reading()
            self._asked_at = self._setting.engine.now()
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
        self._leave(None)
        if self.task is None:
            self._watch.finished(self)
        elif not self._is_answered:
            self.task.cancel()

    # Deciding

    async def _run(self, head: bytes, request: Request, rest: bytes) -> None:
        try:
            admission = await self._decide(head, request)
        except MISTAKES:
            self._fail()
            return
        if admission is not None:
            begin(self._watch, self._options, admission, rest)

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

    async def _decide(self, head: bytes, request: Request) -> Admission | None:
        """Answer the request; `None` stands for another answer than an upgrade."""
        try:
            decision = await self._desk.decide(request)
        except RequestRefused as refused:
            self.refuse(refused)
            return None
        if isinstance(decision, Response):
            self._answer(decision, opens=False)
            return None
        if not self._answer(decision.response, opens=True):
            return None
        if self._reception is not None:
            teach(self._reception, head, request, decision.response, decision.agreement)
        self._leave(decision)
        return decision

    def _leave(self, admission: Admission | None) -> None:
        """Tell the desk, once, what has come of the stream."""
        if not self._has_left:
            self._has_left = True
            self._desk.left(admission)

    # Answering

    def refuse(self, refused: RequestRefused) -> None:
        """Answer with a status and one line, unless there was an answer."""
        if self._is_answered:
            return
        self._desk.refused(refused)
        if self._tls is None:
            self._answer(refusal(refused), opens=False)
        else:
            self._cut_unanswered()

    def _cut_unanswered(self) -> None:
        """Let go of a client of TLS that cannot be told why: nothing is said in the clear."""
        self._is_answered = True
        self.cancel()
        self._stream.abort()

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
        answer = response.serialize()
        self._send(answer)
        if not opens:
            self._let_go(len(answer))
        return True

    def _send(self, answer: bytes) -> None:
        self._is_answered = True
        self._stream.write(answer)
        self.cancel()

    def _let_go(self, size: int) -> None:
        """End the stream such that the answer is read: unread bytes would make it a reset."""
        self._setting.engine.timers.set(self, LINGER + size / SLOWEST_DOWNLOAD)
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
            self._give_up_deciding(self.task)
            return
        seconds = self._options.limits.open_timeout
        self.refuse(RequestRefused(HTTPStatus.REQUEST_TIMEOUT, f"not opened within {seconds} s"))

    def _give_up_deciding(self, task: asyncio.Task[None]) -> None:
        """Let go of a decision: the client has sent all that it had to, and it was not in time."""
        task.cancel()
        limit = self._options.limits.open_timeout
        seconds = self._setting.engine.now() - self._asked_at
        self._options.logger.warning(
            "%s has not ended after %.1f s, and open_timeout is %s s",
            self._desk.busy_with,
            seconds,
            limit,
        )
        self.refuse(not_decided(limit))

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._watch.finished(self)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        # No `Exception`: it went past all that would have answered.
        if error is not None and not (self._is_answered or self._is_lost):
            self._options.logger.error("opening handshake failed", exc_info=error)
            self.refuse(RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log"))


def not_decided(limit: float | None) -> RequestRefused:
    """Make the refusal where this side was slow."""
    # RFC 9110 §15.5.9: 408 would say that the client was slow
    return refused_for_now(f"not decided within {limit} s", SLOW_RETRY_AFTER)
