"""How `serve()` decides about a request: one handler, and the user's hooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from inspect import isawaitable

from trunkline.connection.events import Events
from trunkline.connection.lane import connection_type
from trunkline.connection.setting import Setting
from trunkline.engines.engine import Stream
from trunkline.errors import RequestRefused
from trunkline.protocol.handshake import Agreement, Upgrade, check_request, negotiate
from trunkline.protocol.http1 import Request, Response, make_response, parse_request
from trunkline.server.connection import ServerConnection
from trunkline.server.desk import Admission, Preface
from trunkline.server.handler import make_events
from trunkline.server.options import ServerOptions
from trunkline.server.origin import check_origin
from trunkline.server.subprotocol import ask_for_subprotocol, select_subprotocol

Hook = Callable[..., Awaitable[Response | None] | Response | None]
Terms = tuple[Agreement, Events | None]
"""What was agreed on, and who takes the messages."""


class FrontDesk:
    """Decides about the request of one stream, by what `serve()` was told.

    Args:
        setting: of the connections.
        stream: carries the request.
        options: the server's.
    """

    __slots__ = ("_options", "_setting", "_stream", "busy_with")

    preface: Preface | None = None

    def __init__(self, setting: Setting, stream: Stream, options: ServerOptions) -> None:
        self._setting = setting
        self._stream = stream
        self._options = options
        self.busy_with = ""

    @property
    def waits(self) -> bool:
        """Whether there are hooks: one may want to wait, or to know its task."""
        return self._options.has_hooks

    def greet(self) -> None:
        """Refuse nobody."""

    def read(self, head: bytes) -> Request:
        """Read an opening request, and nothing else."""
        return parse_request(head, self._options.limits)

    def body_size(self, request: Request) -> int:
        """Give 0: an opening request has no body."""
        return 0

    async def decide(self, request: Request) -> Admission | Response:
        """Ask the hooks, and judge the request."""
        options = self._options
        connection = connection_type(ServerConnection, self._stream)(self._setting, self._stream)
        connection.request = request
        terms: Terms | None = None
        response = await self._ask(options.process_request, connection, request)
        if response is None:
            response, terms = self._judge(connection, request)
        replaced = await self._ask(options.process_response, connection, request, response)
        connection.response = response = replaced or response
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return response
        if terms is None:
            raise ValueError("a hook answered 101 to a request that was not accepted")
        return Admission(connection, response, *terms, options.coroutine)

    def _judge(
        self, connection: ServerConnection, request: Request
    ) -> tuple[Response, Terms | None]:
        """Accept the request, or refuse it: then there are no terms."""
        try:
            upgrade = check_request(request)
            check_origin(request, self._options.origins)
            agreement, response = self._accept(connection, upgrade)
        except RequestRefused as refused:
            self.refused(refused)
            return refusal(refused), None
        return response, (agreement, self._new_events(request))

    def _accept(self, connection: ServerConnection, upgrade: Upgrade) -> tuple[Agreement, Response]:
        options, offered = self._options, upgrade.subprotocols
        if options.select_subprotocol is None:
            subprotocol = select_subprotocol(offered, options.subprotocols)
        else:
            subprotocol = ask_for_subprotocol(options.select_subprotocol, connection, offered)
        return negotiate(upgrade, subprotocol, options.deflate)

    def _new_events(self, request: Request) -> Events | None:
        source = self._options.events
        return None if source is None else make_events(source, request)

    async def _ask(self, hook: Hook | None, *args: object) -> Response | None:
        """Call a hook of the user's, if there is one."""
        if hook is None:
            return None
        self.busy_with = getattr(hook, "__qualname__", repr(hook))
        result = hook(*args)
        response: object = await result if isawaitable(result) else result
        if response is None or isinstance(response, Response):
            return response
        raise TypeError(f"{hook!r} gave {response!r}, not a Response or None")

    def refused(self, refused: RequestRefused) -> None:
        """Log a refusal."""
        self._options.logger.info("refused a request: %s", refused)

    def left(self, admission: Admission | None) -> None:
        """Nothing is kept of a stream."""


def refusal(refused: RequestRefused) -> Response:
    """Make the answer that refuses a request: its status, and one line."""
    return make_response(refused.status, refused.reason + "\n", refused.headers)
