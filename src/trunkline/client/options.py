"""What a client was told."""

from __future__ import annotations

import logging
import socket
import ssl as ssl_module
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from trunkline.connection.events import Events
from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate
from trunkline.protocol.headers import Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """What `connect()` was told; its docstring explains each."""

    origin: str | None
    subprotocols: Sequence[str]
    deflate: Deflate | None
    additional_headers: Headers
    user_agent: str | None
    proxy: str | Literal[True] | None
    ssl: ssl_module.SSLContext | None
    proxy_ssl: ssl_module.SSLContext | None
    server_hostname: str | None
    host: str | None
    port: int | None
    path: str | None
    sock: socket.socket | None
    family: int
    local_addr: tuple[str, int] | None
    events: Callable[[], Events] | None
    limits: Limits
    logger: logging.Logger

    @property
    def is_directed(self) -> bool:
        """Whether the stream goes elsewhere than the URI says."""
        return any((self.host, self.port, self.path, self.sock))
