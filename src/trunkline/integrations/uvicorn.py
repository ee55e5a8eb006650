"""A WebSocket protocol for uvicorn: ASGI applications on Trunkline, without a change of theirs.

uvicorn --ws trunkline.integrations.uvicorn:WebSocketProtocol app:app
"""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache, partial
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.utils import (
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
    is_ssl,
)
from uvicorn.server import ServerState

from trunkline.connection.setting import Setting
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Stream
from trunkline.errors import RequestRefused
from trunkline.integrations.application import work_for
from trunkline.integrations.exchange import Exchange
from trunkline.integrations.interface import Scope
from trunkline.integrations.opening import Opening, read_opening
from trunkline.integrations.refusal import Refusal, refusal_of
from trunkline.integrations.scope import SPEC_VERSION, scope_of
from trunkline.limits import DEFAULT_LIMITS, Limits, with_options
from trunkline.protocol.extensions import Deflate
from trunkline.protocol.role import Role

logger = logging.getLogger("uvicorn.error")

Guest = Exchange | Refusal


class WebSocketProtocol(asyncio.Protocol):
    """One connection that uvicorn hands over: its `ws_protocol_class`.

    Args:
        config: uvicorn's; `ws_max_size`, `ws_max_queue`, `ws_ping_interval`, `ws_ping_timeout` and
            `ws_per_message_deflate` mean what they mean in uvicorn.
        server_state: who is there, for uvicorn to wait for.
        app_state: what the application's lifespan has left for each request.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._transport: asyncio.Transport
        self._guest: Guest | None = None

    # Called by uvicorn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be counted."""
        self._transport = cast(asyncio.Transport, transport)
        self._state.connections.add(cast(Any, self))

    def data_received(self, data: bytes) -> None:
        """Take the opening request, which the HTTP protocol has read and put together again."""
        self._transport.pause_reading()
        # Until its caller has returned, the transport is the HTTP protocol's.
        asyncio.get_running_loop().call_soon(self._take_over, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport was lost before it was taken over."""
        self._lost()

    def shutdown(self) -> None:
        """Ask the client to leave (1012); uvicorn waits until it has."""
        if self._guest is None:
            self._transport.abort()
        else:
            self._guest.shut_down()

    # Opening

    def _take_over(self, head: bytes) -> None:
        if self._transport.is_closing():
            return
        limits = limits_of(self._config)
        setting = Setting(current_engine(), Role.SERVER, limits, logger, self._lost)
        accept = partial(self._accept, setting, head, self._ends())
        try:
            setting.engine.adopt(self._transport, accept, write_limit=limits.write_limit)
        except BaseException:
            self._transport.abort()
            self._lost()  # otherwise uvicorn would wait for it
            raise

    def _accept(self, setting: Setting, head: bytes, ends: Scope, stream: Stream) -> Guest:
        """Call the application, or refuse a request that breaks a rule."""
        try:
            opening = read_opening(head, setting.limits, deflate_of(self._config))
        except RequestRefused as refused:
            logger.info("refused a request: %s", refused)
            answer = refusal_of(refused, self._state.default_headers)
            self._guest = Refusal(setting, stream, answer)
        else:
            self._guest = self._start(setting, opening, ends, stream)
        return self._guest

    def _ends(self) -> Scope:
        """Give what the scope says of both ends; asked while the transport knows it."""
        return {
            "asgi": {"version": self._config.asgi_version, "spec_version": SPEC_VERSION},
            "scheme": "wss" if is_ssl(self._transport) else "ws",
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
            "state": self._app_state.copy(),
        }

    def _start(self, setting: Setting, opening: Opening, ends: Scope, stream: Stream) -> Exchange:
        request, subprotocols = opening.request, opening.subprotocols
        scope = {**scope_of(request, subprotocols, self._config.root_path), **ends}
        tell = partial(log_answer, scope)
        exchange = Exchange(setting, stream, opening, self._state.default_headers, tell)
        work = work_for(self._config.loaded_app, scope, exchange, stream, logger)
        task = asyncio.get_running_loop().create_task(work)
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)
        return exchange

    def _lost(self, connection: object = None) -> None:
        self._state.connections.discard(cast(Any, self))


def deflate_of(config: Config) -> Deflate | None:
    """Give the compression that uvicorn was told to do."""
    return Deflate() if config.ws_per_message_deflate else None


def limits_of(config: Config) -> Limits:
    """Give the limits that uvicorn was told."""
    return make_limits(
        config.ws_max_size, config.ws_max_queue, config.ws_ping_interval, config.ws_ping_timeout
    )


@lru_cache
def make_limits(
    max_size: int, max_queue: int, ping_interval: float | None, ping_timeout: float | None
) -> Limits:
    """Give the limits, the same object for all connections of a server."""
    return with_options(
        DEFAULT_LIMITS,
        {
            "max_size": max_size,
            "max_queue": max_queue,
            "ping_interval": ping_interval,
            "ping_timeout": ping_timeout,
        },
    )


def log_answer(scope: Scope, answer: str) -> None:
    """Write the line that uvicorn writes for each WebSocket, without a query: tokens are in it."""
    if logger.isEnabledFor(logging.INFO):
        known = cast(Any, {**scope, "query_string": b""})
        client, path = get_client_addr(known), get_path_with_query_string(known)
        logger.info('%s - "WebSocket %s" %s', client, path, answer)
