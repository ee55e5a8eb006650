"""An application: routes, policy, and what runs them."""

from __future__ import annotations

import logging
import socket
import ssl as ssl_module
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, TypeVar

from trunkline.app.admission.policy import Policy, name_insecurities
from trunkline.app.app_server import AppServer, Succession
from trunkline.app.listening.certificate import certificate_of
from trunkline.app.listening.place import Place
from trunkline.app.observation.access_log import AccessLog
from trunkline.app.observation.health import answer_health, answer_ready
from trunkline.app.observation.loop_lag import LoopLag
from trunkline.app.observation.metrics import Metrics
from trunkline.app.observation.observer import Observer, Observers
from trunkline.app.observation.snapshot import Snapshot, take_snapshot
from trunkline.app.observation.status_page import StatusPage
from trunkline.app.observation.tally import Tally
from trunkline.app.observation.tracing import open_tracing
from trunkline.app.observation.watchdog import Watchdog
from trunkline.app.routing.http_route import HttpRoute
from trunkline.app.routing.path import Path
from trunkline.app.routing.router import Inherited, Router
from trunkline.app.routing.websocket_route import WebSocketRoute
from trunkline.app.running.lifespan import Hook, Lifecycle, Lifespan, check_hook
from trunkline.app.running.peers import Peers
from trunkline.app.running.run import run_or_exit
from trunkline.app.running.run_options import RunOptions
from trunkline.app.service import Service
from trunkline.auth.choice import Auth, as_authenticator
from trunkline.close_codes import PolicyCode
from trunkline.connection.topic import Topic
from trunkline.engines.engine import Address, Tls
from trunkline.limits import APP_LIMITS, DEFAULT_DRAIN, Drain, Limits, check_setting
from trunkline.protocol.closing import encode_close
from trunkline.protocol.extensions import Deflate, choose_deflate
from trunkline.protocol.headers import check_field
from trunkline.server.hosts import check_hosts
from trunkline.server.options import ServerOptions
from trunkline.server.origin import SAME_ORIGIN, Origins, check_origins, freeze
from trunkline.server.serve import SERVER_HEADER, Server
from trunkline.server.trust import ForwardingHeader, TrustedProxies

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class App(Router):
    """An application that strangers may connect to: everything is limited unless it says otherwise.

    Args:
        origins: pages that may connect, as `serve()` takes them: by default those of this host.
        hosts: names for which the server answers, such as `example.com` and `*.example.com`;
            `None` for any. Name them where the server is on a private network or on loopback: a
            page could call it by a name of its own (DNS rebinding).
        auth: who finds out who somebody is, before a connection is accepted: something of
            `trunkline.auth`, a function from the request to a name, or several; `None` asks nobody.
        limits: of connections, messages and times.
        trusted_proxies: addresses and networks of proxies that are believed when they say for whom
            they ask; `unix` for whoever comes by a Unix socket.
        forwarding_header: the one that these proxies set: `Forwarded` or `X-Forwarded-For`.
        proxy_protocol: whether these proxies begin each connection with a PROXY header, which
            comes before TLS.
        compression: "deflate", a `Deflate` with details, or `None` for none.
        lifespan: an asynchronous context manager around all of serving, called with the app.
        drain: how connections are asked to leave at the end.
        health: path that says whether the process is well, and `ready` whether it takes more;
            `None` for none.
        ready: see `health`.
        server_header: value of Server; `None` for none.
        logger: instead of `logging.getLogger("trunkline.app")`.
        tracing: whether there are spans, where OpenTelemetry is installed.
        debug: whether the log says where the event loop stands while it is blocked.

    Raises:
        TypeError, ValueError: an argument cannot be meant like that.
    """

    def __init__(
        self,
        *,
        origins: Origins = SAME_ORIGIN,
        hosts: Sequence[str] | None = None,
        auth: Auth = None,
        limits: Limits = APP_LIMITS,
        trusted_proxies: Sequence[str] = (),
        forwarding_header: ForwardingHeader | None = None,
        proxy_protocol: bool = False,
        compression: Deflate | str | None = "deflate",
        lifespan: Lifespan | None = None,
        drain: Drain = DEFAULT_DRAIN,
        health: str | None = "/health",
        ready: str | None = "/ready",
        server_header: str | None = SERVER_HEADER,
        logger: logging.Logger | None = None,
        tracing: bool = True,
        debug: bool = False,
    ) -> None:
        check_origins(origins)
        check_setting("limits", limits, Limits)
        check_setting("drain", drain, Drain)
        check_field("Server", server_header or "")
        policy = Policy(
            origins=freeze(origins),
            hosts=check_hosts(hosts),
            authenticator=as_authenticator(auth),
            limits=limits,
            proxies=TrustedProxies(trusted_proxies, header=forwarding_header),
            proxy_protocol=proxy_protocol,
            deflate=choose_deflate(compression),
        )
        super().__init__(policy)
        self.logger = logger or logging.getLogger("trunkline.app")
        self.lifecycle = Lifecycle(lifespan)
        self._begin_to_watch(tracing=tracing, debug=debug)
        self.services: list[Service] = []
        """One for each server of this application that is running in this process."""
        self.drain = drain
        self.peers = Peers(self)
        """The other processes of this application, where a supervisor has started several."""
        self._server_header = server_header
        self.is_announced = False
        self._serve_health(health, ready)

    def _begin_to_watch(self, *, tracing: bool, debug: bool) -> None:
        self.tally = Tally()
        spans = open_tracing() if tracing else None
        self.observers = Observers([self.tally, AccessLog(), *([] if spans is None else [spans])])
        self.topics: dict[str, Topic] = {}
        """Topics that metrics and status page are to show, by the names that they have there."""
        watchdog = Watchdog() if debug else None
        self.loop_lag = LoopLag(self.tally.lag_seconds.add, watchdog)
        self.on_start(self.loop_lag.start)
        self.on_stop(self.loop_lag.stop)
        self._exposed: list[str] = []

    def _serve_health(self, health: str | None, ready: str | None) -> None:
        for path, answer in ((health, answer_health), (ready, answer_ready)):
            if path is not None:
                self._add(HttpRoute.of(Path(path), ["GET"], answer(self)))

    # Around serving

    def on_start(self, hook: Hook) -> Hook:
        """Decorate what is called before anybody is accepted.

        Raises:
            TypeError: it cannot be called without arguments.
        """
        check_hook("on_start", hook)
        self.lifecycle.when_started.append(hook)
        return hook

    def on_stop(self, hook: Hook) -> Hook:
        """Decorate what is called after everybody has left; the last one first.

        Raises:
            TypeError: it cannot be called without arguments.
        """
        check_hook("on_stop", hook)
        self.lifecycle.when_stopped.append(hook)
        return hook

    def observe(self, observer: Observer) -> None:
        """Have somebody told of everything: arrivals, refusals, connections and their ends.

        Raises:
            TypeError: it is no observer, or a class of observers.
        """
        if not isinstance(observer, Observer):
            raise TypeError(f"an observer is an instance of a trunkline.Observer, not {observer!r}")
        self.observers.observers.append(observer)

    def announce(self) -> None:
        """Log once who may connect, and what was switched off that is on for a reason."""
        if not self.is_announced:
            self.is_announced = True
            self.logger.info("%s", self.policy.describe())
            for insecurity in self.insecurities():
                self.logger.warning("insecure: %s", insecurity)

    def insecurities(self) -> list[str]:
        """Name what was switched off that is on for a reason; logged, and told by `/health`."""
        return self.policy.insecurities() + self._insecure_routes() + self._exposed

    def _insecure_routes(self) -> list[str]:
        """Name what only some routes have switched off."""
        known = self.policy.insecurities()
        return [
            f"{route.path.template}: {insecurity}"
            for route in self.routes
            if isinstance(route, WebSocketRoute)
            for insecurity in name_insecurities(route.origins, route.limits)
            if insecurity not in known
        ]

    # Seeing

    def metrics(
        self, path: str = "/metrics", *, auth: Auth | Inherited = None, registry: Any = None
    ) -> None:
        """Answer Prometheus at a path; nothing is counted for messages until it asks.

        Args:
            path: begins with a slash.
            auth: who finds out who asks; by default nobody is asked.
            registry: of prometheus-client, such as its `REGISTRY`, whose figures are to be in the
                answer, too.

        Raises:
            ImportError: prometheus-client is not installed.
        """
        self.get(path, auth=auth)(Metrics(self._snapshots, registry).answer)

    def status_page(
        self, path: str = "/status", *, auth: Auth | Inherited = None, unprotected: bool = False
    ) -> None:
        """Show at a path what is going on: a page, with a WebSocket of its own.

        Args:
            path: begins with a slash, and has no parameters.
            auth: who finds out who asks; a browser has to bring it along by itself, as it does
                with `Basic` and with cookies.
            unprotected: whether everybody may see it; `/health` and the log say so.

        Raises:
            ValueError: nobody would be asked who they are, or the path has parameters.
        """
        page = StatusPage(self._snapshots, path)
        exposed = page.serve(self, self._authenticator(auth), unprotected=unprotected)
        self._exposed += exposed

    async def _snapshots(self) -> list[Snapshot]:
        """Give the snapshots of all processes of this application."""
        return await self.peers.snapshots()

    # Serving

    def serve(
        self,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        path: str | None = None,
        sock: socket.socket | None = None,
        ssl: ssl_module.SSLContext | None = None,
        reuse_port: bool | None = None,
        shared: Sequence[socket.socket] = (),
        drain: Drain | None = None,
    ) -> AppServer:
        """Make a server of this application: `async with app.serve(...) as server`.

        Args:
            host: address to listen at, or several; `None` for every interface.
            port: port to listen at; 0 for one that is free.
            path: path of a Unix socket to listen at, instead of host and port.
            sock: a socket to listen at, bound already, instead of host and port.
            ssl: TLS context; `None` serves in the clear.
            reuse_port: whether several processes may listen at the same port.
            shared: sockets to listen at that other processes have, too, instead of all these.
            drain: how connections are asked to leave, instead of the application's.

        Raises:
            ValueError: an argument cannot be meant like that.
        """
        limits = self.policy.limits
        service = Service(self, self.observers)
        server = Server(
            Address(
                host=host, port=port, path=path, sock=sock, reuse_port=reuse_port, shared=shared
            ),
            None if ssl is None else Tls(context=ssl, handshake_timeout=limits.open_timeout),
            self.options(),
            watch=service,
            new_desk=service.new_desk,
            has_preface=self.policy.proxy_protocol,
        )
        succession = Succession.SHARED if shared or reuse_port else Succession.NONE
        return AppServer(self, server, service, drain or self.drain, succession)

    def options(self) -> ServerOptions:
        """Give what the server needs to know; all the rest is decided by visits."""
        return ServerOptions(
            coroutine=None,
            events=None,
            origins=self.policy.origins,
            subprotocols=(),
            select_subprotocol=None,
            deflate=self.policy.deflate,
            process_request=None,
            process_response=None,
            server_header=self._server_header,
            limits=self.policy.limits,
            logger=self.logger,
        )

    # Who is there

    def disconnect(
        self, user: str, *, code: int = PolicyCode.DISCONNECTED, reason: str = ""
    ) -> int:
        """Close every connection of a user at once; say how many there were in this process.

        What they have sent and no handler has received is dropped. Where there are several
        workers, the connections of the others are closed as well.

        Args:
            user: as the authenticator calls them.
            code: by default one after which a client does not come back by itself.
            reason: the words for it.

        Raises:
            TypeError: the user is not a string, so that nobody could be called so.
            ValueError: code or reason must not be sent; nobody is disconnected.
        """
        if not isinstance(user, str):
            raise TypeError(f"user is of type {type(user).__name__}, not a string")
        # Other workers are told before it is tried here.
        encode_close(code, reason)
        self.peers.disconnect(user, code, reason)
        return self.disconnect_here(user, code, reason)

    def disconnect_here(self, user: str, code: int, reason: str) -> int:
        """Close every connection of a user in this process; say how many there were."""
        return sum(service.disconnect(user, code, reason) for service in self.services)

    def snapshot(self) -> Snapshot:
        """Say in numbers what this process does."""
        return take_snapshot(self)

    # Running

    def run(
        self,
        host: str | Sequence[str] | None = "127.0.0.1",
        port: int | None = 8000,
        *,
        path: str | None = None,
        fd: int | None = None,
        workers: int = 1,
        tls_cert: str | PathLike[str] | None = None,
        tls_key: str | PathLike[str] | None = None,
        reload: bool = False,
        uvloop: bool = False,
        reuse_port: bool = False,
    ) -> None:
        """Serve until SIGTERM or SIGINT, which drains; a second one cuts at once.

        Workers are forks of this process, each with an event loop of its own: what was opened
        before, a file or a thread, is not theirs; open it in `lifespan`. SIGHUP starts a new worker
        for each old one, which drains then. Sockets that systemd has opened are used instead of
        host and port.

        Args:
            host: address to listen at, or several; `None` for every interface.
            port: port to listen at; 0 for one that is free.
            path: path of a Unix socket to listen at, instead of host and port.
            fd: number of a socket that this process has inherited, instead of host and port.
            workers: processes that serve.
            tls_cert: file with the certificate, in PEM; SIGHUP reads it again.
            tls_key: file with its private key, where that is not in it.
            reload: for development: start this program again when one of its files has changed.
            uvloop: whether to run on uvloop.
            reuse_port: whether somebody else may listen at the same port.

        Raises:
            InvalidState: an event loop is running; there is `serve()` for that.
            SystemExit: with one sentence where it cannot be started.
            TypeError, ValueError: an argument cannot be meant like that.
        """
        run_or_exit(
            self,
            RunOptions(
                place=Place(host=host, port=port, path=path, fd=fd, reuse_port=reuse_port),
                certificate=certificate_of(tls_cert, tls_key),
                workers=workers,
                reload=reload,
                uvloop=uvloop,
            ),
        )
