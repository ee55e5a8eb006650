"""The scope of a WebSocket: what ASGI tells an application of an opening request (2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, unquote

from trunkline.integrations.interface import Scope
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request

SPEC_VERSION = "2.4"
"""Of ASGI's HTTP and WebSocket format: closes have reasons, and `send()` raises `OSError`."""


def scope_of(request: Request, subprotocols: Sequence[str], root_path: str) -> Scope:
    """Give what the request itself says.

    Args:
        request: the opening request.
        subprotocols: that it offers.
        root_path: path below which the application is reached, put before the request's.
    """
    path, _, query = request.path.partition("?")
    return {
        "type": "websocket",
        "http_version": "1.1",
        "root_path": root_path,
        "path": root_path + unquote(path),
        "raw_path": (root_path + path).encode(),
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in request.headers.raw_items()
        ],
        "subprotocols": list(subprotocols),
        "extensions": {"websocket.http.response": {}},
    }


PROTOCOL_FIELD = "sec-websocket-protocol"
PATH_MARKS = "/:@!$&'()*+,;=~-._"
"""What stands in a path as it is (RFC 3986 §3.3)."""


def request_of(scope: Scope) -> Request:
    """Give the opening request as the application sees it that is mounted at `root_path`.

    Args:
        scope: of a WebSocket; its server has read and checked the request.
    """
    path, root = encoded_path(scope), scope.get("root_path", "")
    encoded_root = quote(root, safe=PATH_MARKS)
    path = path.removeprefix(encoded_root if path.startswith(encoded_root) else root)
    query = scope.get("query_string", b"").decode("latin-1")
    target = (path or "/") + (f"?{query}" if query else "")
    return Request(target, Headers.trusted(fields_of(scope)))


def fields_of(scope: Scope) -> list[tuple[str, str]]:
    """Give the header fields; some servers leave out the one that the scope says by itself."""
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    subprotocols = scope.get("subprotocols")
    if subprotocols and all(name.lower() != PROTOCOL_FIELD for name, _ in fields):
        fields.append((PROTOCOL_FIELD, ", ".join(subprotocols)))
    return fields


def encoded_path(scope: Scope) -> str:
    """Give the whole path as it came, or as it may have come where the server does not say."""
    raw = scope.get("raw_path")
    return quote(scope["path"], safe=PATH_MARKS) if raw is None else raw.decode("latin-1")
