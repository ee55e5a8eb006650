"""One line for each life: who came, what became of it, how long it took and why it ended."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from trunkline.app.observation.observer import Observer
from trunkline.errors import ConnectionClosed, RequestRefused
from trunkline.limits import LARGEST_LOGGED
from trunkline.protocol.http1 import Request, Response

if TYPE_CHECKING:
    from trunkline.app.connection import AppConnection
    from trunkline.app.visit import Visit


class AccessLog(Observer):
    """Writes to a logger: a line for people, and the same as fields for programs.

    The fields are attributes of the record (`extra`). Each has `event`, `client`, `user`, `route`,
    `method`, `path` and `seconds`; then there are `status`, `step` and `reason` of a refusal,
    `status` of an answer, and `code`, `reason`, `closer`, `silence` and `error` of an end. Neither
    queries nor header fields are in them, nor anything that cannot be printed.

    Args:
        logger: `logging.getLogger("trunkline.access")` by default.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("trunkline.access")

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        """Write who was refused, at which step, and why."""
        # One whose WebSocket is open already has sent a token that is refused.
        event = "refused" if visit.connection is None else "token refused"
        reason = printable(refused.reason)
        self._write(
            visit,
            visit.request,
            f"{event} with {refused.status:d} at {visit.step.value}: {reason}",
            event=event,
            status=int(refused.status),
            step=visit.step.value,
            reason=reason,
        )

    def answered(self, visit: Visit, response: Response) -> None:
        """Write what was answered over HTTP."""
        status = response.status_code
        self._write(
            visit, visit.request, f"answered {status:d}", event="answered", status=int(status)
        )

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        """Write how long a WebSocket was there, and the cause of its end."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        end = connection.closed()
        self._write(
            visit,
            connection.request,
            f"{describe_end(end)} after {visit.seconds():.1f} s",
            event="closed",
            code=int(end.code),
            reason=printable(end.reason),
            closer=end.closer.name.lower(),
            silence=end.silence,
            error=None if end.__cause__ is None else type(end.__cause__).__name__,
        )

    def _write(
        self, visit: Visit, request: Request | None, what: str, **fields: str | float | None
    ) -> None:
        if not self._logger.isEnabledFor(logging.INFO):
            return
        client, method, path = printable(visit.address), None, None
        if request is not None:
            method, path = request.method, shown_path(request)
        user = None if visit.identity is None else visit.identity.user
        extra = {
            "client": client,
            "user": user,
            "route": visit.route,
            "method": method,
            "path": path,
            "seconds": visit.seconds(),
        }
        who = client if user is None else f"{client} ({user})"
        self._logger.info(
            "%s %s %s: %s", who, method or "-", path or "-", what, extra=extra | fields
        )


def describe_end(end: ConnectionClosed) -> str:
    """Say in one line with which code a connection has ended, by whom, and why."""
    words = f" {end.reason!r}" if end.reason else ""
    cause = "" if end.__cause__ is None else f" ({type(end.__cause__).__name__})"
    return f"closed with {end.code:d}{words} by {end.closer.value}{cause}"


def shown_path(request: Request) -> str:
    """Give the path of a request as it may stand in a log: no query, and not endless."""
    path = request.path.partition("?")[0]
    return path if len(path) <= LARGEST_LOGGED else f"{path[:LARGEST_LOGGED]}…"


def printable(text: str) -> str:
    """Write out what would be more in a log than a character: ends of lines, escapes, marks."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else escaped(each) for each in text)


def escaped(character: str) -> str:
    """Give a character as Python would write it."""
    return character.encode("unicode_escape").decode()
