"""One process that serves an application."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from trunkline.app.app_server import AppServer
from trunkline.app.listening.failure import listen_failure
from trunkline.app.listening.sockets import Sockets, address_of, close_all, given_sockets
from trunkline.app.listening.systemd import Notifier
from trunkline.app.running.deadline import Deadline
from trunkline.app.running.run_options import RunOptions, loop_factory
from trunkline.app.running.signals import RESTART_SIGNALS, STOP_SIGNALS, handled
from trunkline.app.running.stop import Stop
from trunkline.engines.choose import forget_closed_loops

if TYPE_CHECKING:
    from trunkline.app.app import App

Serving = Callable[[AppServer, Deadline], Coroutine[Any, Any, None]]
Say = Callable[[str], object]
"""Tells the user where the application is."""


def serve_alone(app: App, options: RunOptions, say: Say) -> None:
    """Serve until a signal says to stop.

    Raises:
        StartFailure: it cannot be started.
    """
    notifier = Notifier(os.environ)

    def serving(server: AppServer, deadline: Deadline) -> Coroutine[Any, Any, None]:
        return serve_until_told(app, server, options, deadline, notifier, say)

    run_on_own_loop(serving, app, options, given_sockets(options.place, os.environ))


def run_on_own_loop(serving: Serving, app: App, options: RunOptions, sockets: Sockets) -> None:
    """Serve on a loop that is made for it; what is open is closed at the end.

    Args:
        serving: is given the server, not started, and the deadline for its end.
        app: is served.
        options: how it is run.
        sockets: to listen at; empty where the options say where.

    Raises:
        StartFailure: it cannot be started.
    """
    deadline = Deadline(app.logger)
    try:
        make = make_server(app, options, sockets)
        with asyncio.Runner(loop_factory=loop_factory(options.uvloop)) as runner:
            runner.run(serving(make(), deadline))
    finally:
        deadline.cancel()
        close_all(sockets)
        forget_closed_loops()


def make_server(app: App, options: RunOptions, sockets: Sockets) -> Callable[[], AppServer]:
    """Give what makes the server, once there is a loop; raise `StartFailure` where it cannot."""
    context = None if options.certificate is None else options.certificate.context()
    place = options.place
    if sockets:
        return lambda: app.serve(shared=sockets, ssl=context, drain=options.drain_of(app.drain))
    return lambda: app.serve(
        place.host,
        place.port,
        path=place.path,
        ssl=context,
        reuse_port=place.reuse_port or None,
        drain=options.drain_of(app.drain),
    )


async def serve_until_told(
    app: App,
    server: AppServer,
    options: RunOptions,
    deadline: Deadline,
    notifier: Notifier,
    say: Say,
) -> None:
    """Start, say where, and drain when a signal comes."""
    stop = Stop(options.drain_of(app.drain), deadline, app.logger)
    # Without a supervisor a restart is somebody else's business: this process makes room for it.
    with handled((*STOP_SIGNALS, *RESTART_SIGNALS), stop.signalled):
        try:
            await server.bind()
        except OSError as error:
            raise listen_failure(error, str(options.place)) from error
        await server.start()
        for listening in server.sockets:
            say(address_of(listening, options.scheme))
        notifier.ready()
        beating = asyncio.ensure_future(beat(notifier))
        await stop.wait()
        notifier.stopping()
        await stop.carry_out(server)
        beating.cancel()


async def beat(notifier: Notifier) -> None:
    """Tell that the loop turns, as often as somebody wants to hear it."""
    while notifier.interval is not None:
        notifier.alive()
        await asyncio.sleep(notifier.interval)
