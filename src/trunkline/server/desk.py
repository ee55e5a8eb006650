"""Where it is decided who comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trunkline.connection.events import Events
from trunkline.errors import RequestRefused
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.http1 import Request, Response
from trunkline.server.connection import ServerConnection
from trunkline.server.handler import CoroutineHandler


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that is accepted, and what comes of it.

    Args:
        connection: has request and response, and is not open yet.
        response: the upgrade.
        agreement: what was agreed on.
        events: take the messages; `None` keeps them for `recv()`.
        coroutine: the handler, where it is one.
    """

    connection: ServerConnection
    response: Response
    agreement: Agreement
    events: Events | None
    coroutine: CoroutineHandler | None


class Preface(Protocol):
    """Reads what stands before TLS and request, such as a header of the PROXY protocol."""

    def feed(self, data: bytes) -> bytes | None:
        """Take what arrived; give what lies behind the preface once that is whole.

        Raises:
            InvalidMessage: it cannot become one.
        """


class Desk(Protocol):
    """Decides about the requests of a server, or about that of one stream.

    Its methods are called in this order, on the loop's thread, and `left()` in every case.
    """

    preface: Preface | None
    """Of the stream that it is for; `None`: the request comes first."""

    @property
    def waits(self) -> bool:
        """Whether a decision may want to wait, or to know its task."""

    @property
    def busy_with(self) -> str:
        """What a decision that is under way waits for, in words for the log."""

    def greet(self) -> None:
        """Take note of a stream before it says anything; raise `RequestRefused` to refuse it."""

    def read(self, head: bytes) -> Request:
        """Read the head of a request; raise `RequestRefused` where it cannot be read."""

    def body_size(self, request: Request) -> int:
        """Give how many bytes of a body follow; raise `RequestRefused` where that is too much."""

    async def decide(self, request: Request) -> Admission | Response:
        """Accept a request, or answer it otherwise; raise `RequestRefused` to refuse it."""

    def refused(self, refused: RequestRefused) -> None:
        """Take note of a refusal, for whatever reason."""

    def left(self, admission: Admission | None) -> None:
        """Take note that the stream is a connection now, or gone."""
