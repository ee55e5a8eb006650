"""The answer to a request: what a client's stream receives before it is a connection."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

from trunkline.errors import InvalidMessage
from trunkline.limits import LINGER, Limits
from trunkline.protocol.bodies import BodyReader
from trunkline.protocol.http1 import HeadReader, Response, parse_response

RESPONSE_START = re.compile(rb"H")
# RFC 9112 §6.3: whatever their headers say
WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
NO_ANSWER = "the server closed the connection without an answer"


class Answer:
    """Receives one response of a server or a proxy. It is its stream's receiver.

    Args:
        limits: of the head and of the body.
        tunnel: whether a success has no body, as the answer to CONNECT (RFC 9110 §9.3.6).
    """

    def __init__(self, limits: Limits, *, tunnel: bool = False) -> None:
        self._limits = limits
        self._tunnel = tunnel
        self._head = HeadReader(limits.max_head, RESPONSE_START)
        self._interim_bytes = 0
        self._body: BodyReader | None = None
        self._response: Response | None = None
        self._done: asyncio.Future[tuple[Response, bytes]] = (
            asyncio.get_running_loop().create_future()
        )

    async def received(self) -> tuple[Response, bytes]:
        """Wait for the response, and for the bytes behind it that are not HTTP any more.

        Raises:
            InvalidMessage: it is not a response, or there is none.
            OSError: the stream was lost.
        """
        return await self._done

    # Called by the stream

    def bytes_received(self, data: bytes) -> None:
        """Collect head and body."""
        if self._done.done():
            return
        try:
            self._read(data)
        except InvalidMessage as error:
            self._fail(error)

    def end_received(self) -> None:
        """The end of the stream is the end of a body without a length."""
        self._finish_early(EOFError("the stream ended"))

    def writing_resumed(self) -> None:
        """Requests are short."""

    def stream_lost(self, error: Exception | None) -> None:
        """No more will come."""
        self._finish_early(error or EOFError("the stream was closed"))

    # Reading

    def _read(self, data: bytes) -> None:
        if self._body is not None:
            if self._body.feed(data):
                self._finish_body()
            return
        while (whole := self._head.feed(data)) is not None:
            head, data = whole
            response = parse_response(head, self._limits)
            if not self._is_interim(response.status_code):
                self._begin_body(response, data)
                return
            self._count_interim(head)
            self._head = HeadReader(self._limits.max_head, RESPONSE_START)

    def _count_interim(self, head: bytes) -> None:
        self._interim_bytes += len(head)
        limit = self._limits.max_head
        if self._interim_bytes > limit:
            size = f"{self._interim_bytes:,}"
            raise InvalidMessage(f"interim answers are {size} bytes, limit {limit:,}")

    def _begin_body(self, response: Response, rest: bytes) -> None:
        self._response = response
        if self.is_success(response.status_code):
            self._done.set_result((response, rest))
            return
        self._body = BodyReader(response.headers, self._limits.max_body)
        if self._body.feed(rest) or response.status_code in WITHOUT_BODY:
            self._finish_body()
        else:
            self._limit_body()

    def _limit_body(self) -> None:
        """Wait a moment for the words: the status says the most, and is known."""
        timer = asyncio.get_running_loop().call_later(LINGER, self._finish_body)
        self._done.add_done_callback(lambda done: timer.cancel())

    def _is_interim(self, status: int) -> bool:
        # RFC 9110 §15.2: any number of 1xx answers may come before the real one
        return status < HTTPStatus.OK and status != HTTPStatus.SWITCHING_PROTOCOLS

    def is_success(self, status: int) -> bool:
        """Whether what follows is not HTTP any more: a tunnel, or WebSocket."""
        if self._tunnel:
            return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return status == HTTPStatus.SWITCHING_PROTOCOLS

    def _finish_body(self) -> None:
        assert self._response is not None and self._body is not None
        self._response.body = self._body.body()
        self._done.set_result((self._response, b""))

    def _finish_early(self, cause: Exception) -> None:
        if self._done.done():
            return
        if self._body is not None:
            self._finish_body()
            return
        error = cause if isinstance(cause, OSError) else InvalidMessage(NO_ANSWER)
        error.__cause__ = None if error is cause else cause
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._done.set_exception(error)
        # Whoever has given up waiting, because TLS failed first, was told in that way.
        self._done.exception()
