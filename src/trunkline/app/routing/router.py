"""Where the handlers of an application are named: its WebSockets, pages and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from os import PathLike
from typing import Any, TypeVar

from trunkline.app.admission.policy import AppAuthenticator, Policy
from trunkline.app.messages.invalid import Invalid
from trunkline.app.messages.outgoing import Outgoing
from trunkline.app.messages.schema import schema_for
from trunkline.app.routing.asyncapi import write_document
from trunkline.app.routing.http import HttpHandler, HttpRequest
from trunkline.app.routing.http_route import HttpRoute
from trunkline.app.routing.path import Path
from trunkline.app.routing.route_handler import RouteHandler
from trunkline.app.routing.routes import Route, Routes
from trunkline.app.routing.static import static_files
from trunkline.app.routing.websocket_route import WebSocketRoute
from trunkline.auth.choice import Auth, as_authenticator
from trunkline.limits import Limits, check_setting
from trunkline.protocol.handshake import check_subprotocols
from trunkline.server.handler import Handler
from trunkline.server.origin import Origins, check_origins, freeze

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Inherited(Enum):
    """In place of a setting of a route: as the application has it."""

    INHERITED = "as the application has it"


INHERITED = Inherited.INHERITED


class Router:
    """Names handlers by decorators; an `App` is one.

    Args:
        policy: of all routes, where they have none of their own.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.routes: Routes[Any] = Routes()

    def websocket(
        self,
        path: str,
        *,
        origins: Origins | Inherited = INHERITED,
        auth: Auth | Inherited = INHERITED,
        limits: Limits | None = None,
        subprotocols: Sequence[str] = (),
        message: Any = None,
        sends: Any = None,
        invalid: Invalid = Invalid.REPLY,
    ) -> Callable[[Decorated], Decorated]:
        """Decorate a handler of WebSockets.

        It is a coroutine function that takes a connection and, by their names, the parameters of
        the path; or a subclass of `Events`, as for `serve()`.

        Args:
            path: begins with a slash; may have parameters, `{name}`, `{name:int}`, `{name:path}`.
            origins: instead of the application's.
            auth: instead of the application's.
            limits: of each connection, instead of the application's.
            subprotocols: supported ones, the preferred one first.
            message: type of the messages: a msgspec Struct, a dataclass, a pydantic model, or a
                union of such. The handler is given objects of it.
            sends: type of the objects that the handler sends, of the same kinds; any other object
                is a `TypeError` for who sends it, and text and bytes go out as they are. By
                default it may send objects of any such type where `message` is given.
            invalid: what becomes of a message that is not of type `message`.

        Raises:
            TypeError, ValueError: an argument cannot be meant like that, or another handler has
                the path.
        """

        Path(path)  # who has left out the parentheses is told at once

        def decorate(handler: Decorated) -> Decorated:
            self.add_websocket(
                path,
                handler,
                origins=origins,
                auth=auth,
                limits=limits,
                subprotocols=subprotocols,
                message=message,
                sends=sends,
                invalid=invalid,
            )
            return handler

        return decorate

    def add_websocket(
        self,
        path: str,
        handler: Handler | Callable[..., Any],
        *,
        origins: Origins | Inherited = INHERITED,
        auth: Auth | Inherited = INHERITED,
        limits: Limits | None = None,
        subprotocols: Sequence[str] = (),
        message: Any = None,
        sends: Any = None,
        invalid: Invalid = Invalid.REPLY,
    ) -> None:
        """Add a handler of WebSockets, as `websocket()` does."""
        where = Path(path)
        policy = self.policy
        limits = policy.limits if limits is None else limits
        check_setting("limits", limits, Limits)
        check_setting("invalid", invalid, Invalid)
        if message is None and invalid is not Invalid.REPLY:
            raise ValueError(f"invalid={invalid} needs message=: without it no message is invalid")
        check_subprotocols(subprotocols)
        if isinstance(origins, Inherited):
            origins = policy.origins
        check_origins(origins)
        self._add(
            WebSocketRoute(
                where,
                frozenset(),
                handler=RouteHandler.of(handler, where),
                origins=freeze(origins),
                authenticator=self._authenticator(auth),
                limits=limits,
                subprotocols=tuple(subprotocols),
                schema=None if message is None else schema_for(message),
                invalid=invalid,
                outgoing=None if message is None and sends is None else Outgoing(sends),
            )
        )

    def http(
        self, path: str, methods: Sequence[str] = ("GET",), *, auth: Auth | Inherited = None
    ) -> Callable[[HttpHandler], HttpHandler]:
        """Decorate an HTTP handler: a function, or coroutine function, that takes a request.

        Args:
            path: begins with a slash; may have parameters, as that of `websocket()`.
            methods: that it answers; HEAD goes with GET.
            auth: who finds out who asks; by default nobody is asked.

        Raises:
            TypeError, ValueError: an argument cannot be meant like that, or another handler has
                the path.
        """

        where = Path(path)

        def decorate(handler: HttpHandler) -> HttpHandler:
            self._add(HttpRoute.of(where, methods, handler, self._authenticator(auth)))
            return handler

        return decorate

    def get(
        self, path: str, *, auth: Auth | Inherited = None
    ) -> Callable[[HttpHandler], HttpHandler]:
        """Decorate a handler of GET; otherwise as `http()`."""
        return self.http(path, ("GET",), auth=auth)

    def post(
        self, path: str, *, auth: Auth | Inherited = None
    ) -> Callable[[HttpHandler], HttpHandler]:
        """Decorate a handler of POST; otherwise as `http()`."""
        return self.http(path, ("POST",), auth=auth)

    def static(
        self,
        path: str,
        folder: str | PathLike[str],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Serve the files of a folder, and below it.

        Args:
            path: where they are; `/` for the whole site.
            folder: must be there; `index.html` stands for its folder, to whose final slash a
                browser is sent.
            headers: sent with every file, such as Content-Security-Policy; Cache-Control is
                `no-cache` unless it is here.

        Raises:
            TypeError, ValueError: there is no such folder, or a header cannot be one of a file.
        """
        answer = static_files(folder, headers)
        inside = path.rstrip("/")
        for where in (f"{inside}/", f"{inside}/{{name:path}}"):
            self._add(HttpRoute.of(Path(where), ["GET"], answer))

    def asyncapi(
        self, *, title: str, version: str, servers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Describe the routes with types of messages, in a document of AsyncAPI 3.

        Args:
            title: of the application.
            version: of the application.
            servers: addresses by names: `{"production": "wss://example.com"}`.

        Raises:
            TypeError, ValueError: an argument cannot be meant like that.
        """
        routes = (route for route in self.routes if isinstance(route, WebSocketRoute))
        return write_document(routes, title=title, version=version, servers=servers)

    def serve_asyncapi(
        self,
        path: str = "/asyncapi.json",
        *,
        title: str,
        version: str,
        servers: Mapping[str, str] | None = None,
        auth: Auth | Inherited = None,
    ) -> None:
        """Serve the document of `asyncapi()`, also of routes that are added later.

        Args:
            path: where it is.
            title: of the application.
            version: of the application.
            servers: addresses by names.
            auth: who finds out who asks; by default nobody is asked.

        Raises:
            TypeError, ValueError: an argument cannot be meant like that, or another handler has
                the path.
        """
        # What cannot be written is told now, not to whoever asks.
        write_document((), title=title, version=version, servers=servers)

        def document(request: HttpRequest) -> dict[str, Any]:
            return self.asyncapi(title=title, version=version, servers=servers)

        self.get(path, auth=auth)(document)

    def _authenticator(self, auth: Auth | Inherited) -> AppAuthenticator:
        return self.policy.authenticator if isinstance(auth, Inherited) else as_authenticator(auth)

    def _add(self, route: Route) -> None:
        self.routes.add(route)
