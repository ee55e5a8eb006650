"""A process that serves an application under a supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from trunkline.app.app_server import AppServer
from trunkline.app.listening.failure import StartFailure
from trunkline.app.running.alone import run_on_own_loop
from trunkline.app.running.deadline import Deadline
from trunkline.app.running.reload import loaded_files
from trunkline.app.running.run_options import RunOptions
from trunkline.app.running.signals import handled, leave_to_supervisor
from trunkline.app.running.stop import Stop
from trunkline.app.running.workers.assignment import Assignment
from trunkline.app.running.workers.colleagues import Colleagues
from trunkline.app.running.workers.control import Control
from trunkline.app.running.workers.ledger import SupervisorLedger
from trunkline.app.running.workers.message import Message, Say
from trunkline.app.running.workers.tickets import share_tickets

if TYPE_CHECKING:
    from trunkline.app.app import App

EXIT_OK = 0
EXIT_FAILURE = 1
FIRST = 1
"""The worker that says for all of them who may connect."""


def work(load: Callable[[], App], assignment: Assignment, options: RunOptions) -> int:
    """Be a worker until the supervisor says that it is over; give the exit code.

    What is in the way of a start is told to the supervisor, which tells the user.

    Args:
        load: gives the application.
        assignment: what this worker was given.
        options: how the application is run.
    """
    leave_to_supervisor()
    try:
        serve_on_own_loop(load(), assignment, options)
    except StartFailure as failure:
        sys.stderr.write(failure.traceback)
        assignment.report(str(failure))
        return EXIT_FAILURE
    except Exception as error:
        traceback.print_exc()
        assignment.report(f"the application fails with {type(error).__name__}: {error}")
        return EXIT_FAILURE
    return EXIT_OK


def serve_on_own_loop(app: App, assignment: Assignment, options: RunOptions) -> None:
    """Serve until the supervisor says that it is over."""

    def serving(server: AppServer, deadline: Deadline) -> Coroutine[Any, Any, None]:
        return serve_under_control(app, server, assignment, options, deadline)

    run_on_own_loop(serving, app, options, assignment.sockets())


async def serve_under_control(
    app: App,
    server: AppServer,
    assignment: Assignment,
    options: RunOptions,
    deadline: Deadline,
) -> None:
    """Meet the supervisor, serve, and do what it says."""
    control = await Control.open(assignment.control_socket())
    messages = control.messages()
    try:
        welcome = await anext(messages, None)
        if welcome is not None:
            app.is_announced = assignment.number != FIRST
            app.peers = Colleagues(app, control, assignment.number)
            share_tickets(app, SupervisorLedger(control), bytes.fromhex(welcome["key"]))
            stop = Stop(options.drain_of(app.drain), deadline, app.logger)
            heeding = asyncio.ensure_future(heed(messages, app, control, stop))
            await serve_until_told(server, control, options, stop)
            heeding.cancel()
    finally:
        await control.close()


async def serve_until_told(
    server: AppServer, control: Control, options: RunOptions, stop: Stop
) -> None:
    """Start, tell the supervisor, and drain when it wishes so."""
    # Whoever ends all processes of a service sends this to workers, too: it is no second wish.
    with handled([signal.SIGTERM], stop.terminated):
        await server.start()
        files = loaded_files() if options.reload else []
        control.tell(Say.READY, patience=stop.patience, files=files)
        await stop.wait()
        await stop.carry_out(server)


async def heed(messages: AsyncIterator[Message], app: App, control: Control, stop: Stop) -> None:
    """Do what the supervisor says; drain when it has gone."""
    async for message in messages:
        try:
            obey(message, app, control, stop)
        except Exception:
            # The next one may be the wish to end.
            app.logger.exception("the supervisor said %r, and that failed", message["say"])
    stop.drain()


def obey(message: Message, app: App, control: Control, stop: Stop) -> None:
    """Do what one message of the supervisor says."""
    match message["say"]:
        case Say.ROLL:
            # A successor is ready, and the address stays: nobody need look elsewhere.
            stop.drain(readiness_delay=0.0)
        case Say.DRAIN:
            stop.drain()
        case Say.CUT:
            stop.cut()
        case Say.DISCONNECT:
            app.disconnect_here(message["user"], message["code"], message["reason"])
        case Say.TAKE_SNAPSHOT:
            control.tell(Say.SNAPSHOT, id=message["id"], snapshot=app.snapshot())
