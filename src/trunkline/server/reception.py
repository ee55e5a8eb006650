"""Requests that are like earlier ones: answered at once, by compiled code, as those were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.connection.heads import END_OF_LINE, SHARED, OwnValues, fold_lines, patterns
from trunkline.engines.choose import reception_class
from trunkline.protocol.date import date_of
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.http1 import END_OF_HEAD, Request, Response
from trunkline.server.options import ServerOptions

if TYPE_CHECKING:
    from trunkline.native.opening import Reception

SHARED_NAMES = frozenset(name.encode() for name in SHARED)


def open_reception(options: ServerOptions) -> Reception | None:
    """Make the reception of a server; hooks want to see every request, so there is none then."""
    kind = reception_class()
    if kind is None or options.has_hooks:
        return None
    return kind(options.limits, date_of, SHARED_NAMES, patterns.share)


def teach(
    reception: Reception, head: bytes, request: Request, response: Response, agreement: Agreement
) -> None:
    """Have others that ask the same answered as this request was.

    Args:
        reception: of the server.
        head: the request as it arrived, without its empty line.
        request: what was read there.
        response: what was answered: an upgrade, with a Date.
        agreement: what was agreed on.
    """
    headers = response.headers
    before, _, behind = response.serialize().partition(headers["Sec-WebSocket-Accept"].encode())
    between, _, after = behind.rpartition(headers["Date"].encode())
    lines = [f"{response.status_code} {response.reason_phrase}"]
    fold_lines(headers, lines, OwnValues(), request.headers["Sec-WebSocket-Key"])
    pattern = END_OF_LINE.join(lines).encode("latin-1")
    reception.learn(head + END_OF_HEAD, agreement, (before, between, after), pattern)
