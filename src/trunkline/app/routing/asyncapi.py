"""AsyncAPI 3: the typed routes of an application, for people and for generators of clients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from trunkline.app.messages.definitions import Definitions
from trunkline.app.messages.invalid import ERROR_REPLY
from trunkline.app.routing.websocket_route import WebSocketRoute

VERSION = "3.0.0"
JSON = "application/json"
SCHEMAS = "#/components/schemas/"
MESSAGES = "#/components/messages/"
SECURITY = "#/components/securitySchemes/"

SERVER_NAME = re.compile(r"[A-Za-z0-9._-]+")
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


def write_document(
    routes: Iterable[WebSocketRoute],
    *,
    title: str,
    version: str,
    servers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Describe routes in one document; those without types of messages are left out.

    Args:
        routes: of an application.
        title: of the application.
        version: of the application.
        servers: addresses of servers by their names, such as `wss://example.com/chat`.

    Raises:
        TypeError: title, version, or an address of a server is no string.
        ValueError: an address of a server is none of a WebSocket, or its name cannot be one.
    """
    info = {"title": text_of("title", title), "version": text_of("version", version)}
    found = {"servers": describe_servers({} if servers is None else servers)}
    document = Document()
    for route in routes:
        if route.schema is not None or route.outgoing is not None:
            document.add(route)
    return {
        "asyncapi": VERSION,
        "info": info,
        "defaultContentType": JSON,
        **{key: value for key, value in found.items() if value},
        **document.parts(),
    }


class Document:
    """Channels, operations, and what they refer to."""

    def __init__(self) -> None:
        self._channels: dict[str, Any] = {}
        self._operations: dict[str, Any] = {}
        self._messages: dict[str, Any] = {}
        self._security: dict[str, Any] = {}
        self._definitions = Definitions(SCHEMAS)

    def add(self, route: WebSocketRoute) -> None:
        """Describe a route, by what is known of it: what it may send besides is left out."""
        name = name_of(route.path.address, self._channels)
        # AsyncAPI 3 §Operation: actions are those of the application that is described
        messages = {"receive": self._add(received_by(route)), "send": self._add(sent_by(route))}
        self._channels[name] = describe_channel(route, chain(*messages.values()))
        security = self._describe_security(route)
        for action, names in messages.items():
            if names:
                self._operations[f"{action}_{name}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{name}"},
                    "messages": [{"$ref": f"#/channels/{name}/messages/{each}"} for each in names],
                    **({"security": security} if security else {}),
                }

    def _add(self, schemas: Iterable[Mapping[str, Any]]) -> list[str]:
        """Describe messages; give the names that they have here."""
        names = list(chain.from_iterable(map(self._definitions.add, schemas)))
        for name in names:
            self._messages[name] = {"name": name, "payload": {"$ref": SCHEMAS + name}}
        return names

    def _describe_security(self, route: WebSocketRoute) -> list[dict[str, str]]:
        """Refer to the ways in which somebody may say who they are."""
        schemes = [] if route.authenticator is None else route.authenticator.security
        names = []
        for scheme in schemes:
            name = "_".join(NOT_IN_NAMES.sub("_", word) for word in list(scheme.values())[1:])
            self._security[name] = dict(scheme)
            names.append(name)
        return [{"$ref": SECURITY + name} for name in names]

    def parts(self) -> dict[str, Any]:
        """Give everything that was described."""
        components = {
            "messages": self._messages,
            "schemas": self._definitions.schemas,
            "securitySchemes": self._security,
        }
        return {
            "channels": self._channels,
            "operations": self._operations,
            "components": {key: value for key, value in components.items() if value},
        }


def received_by(route: WebSocketRoute) -> list[Mapping[str, Any]]:
    """Give the schemas of what a route takes."""
    return [] if route.schema is None else [route.schema.describe()]


def sent_by(route: WebSocketRoute) -> list[Mapping[str, Any]]:
    """Give the schemas of what a route is known to send."""
    described = [] if route.outgoing is None else route.outgoing.describe()
    return [*described, ERROR_REPLY] if route.replies_with_errors else described


def describe_channel(route: WebSocketRoute, messages: Iterable[str]) -> dict[str, Any]:
    """Describe where messages go."""
    found: dict[str, Any] = {
        "description": route.handler.description,
        "parameters": {name: {} for name in sorted(route.path.parameters)},
    }
    return {
        "address": route.path.address,
        **{key: value for key, value in found.items() if value},
        "messages": {message: {"$ref": MESSAGES + message} for message in messages},
        # AsyncAPI's binding for WebSockets, version 0.1.0: a WebSocket is opened with GET
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }


def text_of(what: str, value: object) -> str:
    """Give a text as it stands, or say that it is none: `what` is its name."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is a string, not {value!r}")
    return value


def describe_servers(servers: Mapping[str, str]) -> dict[str, Any]:
    """Describe servers by their names."""
    if not isinstance(servers, Mapping):
        raise TypeError(f"servers are addresses by their names, not {servers!r}")
    for name in servers:
        # AsyncAPI 3 §Servers Object: other names are not valid
        if not SERVER_NAME.fullmatch(text_of("the name of a server", name)):
            problem = "cannot be the name of a server: it is letters, digits, '.', '-' and '_'"
            raise ValueError(f"{name!r} {problem}")
    return {name: describe_server(uri) for name, uri in servers.items()}


def describe_server(uri: str) -> dict[str, str]:
    """Describe a server by its address."""
    parts = urlsplit(text_of("the address of a server", uri))
    if parts.scheme not in ("ws", "wss") or not parts.netloc:
        raise ValueError(
            f"{uri!r} is not the address of a server; one looks like wss://example.com"
        )
    described = {"host": parts.netloc, "protocol": parts.scheme}
    return described | {"pathname": parts.path} if parts.path else described


def name_of(address: str, taken: Mapping[str, Any]) -> str:
    """Give a name for an address that no other one has."""
    name = base = NOT_IN_NAMES.sub("_", address).strip("_") or "root"
    number = 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name
