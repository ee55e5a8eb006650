"""How a server treats the requests that reach it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate
from trunkline.protocol.http1 import Request, Response
from trunkline.server.connection import ServerConnection
from trunkline.server.excess import WhenDropped
from trunkline.server.handler import CoroutineHandler, EventsSource
from trunkline.server.origin import Origins

ProcessRequest = Callable[[ServerConnection, Request], Awaitable[Response | None] | Response | None]
ProcessResponse = Callable[
    [ServerConnection, Request, Response], Awaitable[Response | None] | Response | None
]
SelectSubprotocol = Callable[[ServerConnection, Sequence[str]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What `serve()` was told; its docstring explains each."""

    coroutine: CoroutineHandler | None
    events: EventsSource | None
    origins: Origins
    subprotocols: Sequence[str]
    select_subprotocol: SelectSubprotocol | None
    deflate: Deflate | None
    process_request: ProcessRequest | None
    process_response: ProcessResponse | None
    server_header: str | None
    limits: Limits
    logger: logging.Logger
    when_dropped: WhenDropped | None = None

    @property
    def has_hooks(self) -> bool:
        """Whether a user's function takes part in the opening handshake."""
        hooks = (self.process_request, self.process_response, self.select_subprotocol)
        return any(hook is not None for hook in hooks)
