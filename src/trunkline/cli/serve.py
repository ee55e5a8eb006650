"""`trunkline serve`: an application or a handler behind a port."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from trunkline.app.app import App
from trunkline.app.listening.failure import listen_failure
from trunkline.app.listening.sockets import address_of
from trunkline.app.running.run_options import loop_factory
from trunkline.cli.application import (
    check_no_application_options,
    is_supervised,
    load_app,
    run_app,
)
from trunkline.cli.arguments import ANY_ORIGIN, ServeArguments
from trunkline.cli.console import Console
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.cli.log import log_to
from trunkline.cli.target import load_target
from trunkline.cli.tls import server_context
from trunkline.server.handler import Handler
from trunkline.server.origin import SAME_ORIGIN, Origins
from trunkline.server.serve import Server, serve

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_serve(arguments: ServeArguments, console: Console) -> ExitCode:
    """Serve until a signal says to stop.

    Raises:
        Failure: it does not work.
    """
    if is_supervised(arguments):
        return run_app(lambda: load_app(arguments), arguments, console)
    with log_to(console.note, arguments.verbosity):
        target = load_target(arguments.target)
    if isinstance(target, App):
        return run_app(lambda: target, arguments, console)
    check_no_application_options(arguments)
    with log_to(console.note, arguments.verbosity):
        server = make_server(target, arguments)
        with asyncio.Runner(loop_factory=loop_factory(arguments.uvloop)) as runner:
            runner.run(serve_until_told(server, arguments, console))
    return ExitCode.OK


# Making


def make_server(handler: Handler, arguments: ServeArguments) -> Server:
    """Make the server, which does not listen yet; raise `Failure` where that cannot be."""
    context = server_context(arguments)
    try:
        return serve(
            handler,
            arguments.host,
            arguments.port,
            path=arguments.unix,
            ssl=context,
            reuse_port=arguments.reuse_port or None,
            origins=allowed_origins(arguments.origins),
            subprotocols=arguments.subprotocols,
            compression=arguments.compression,
        )
    except ValueError as error:
        raise Failure(str(error), ExitCode.USAGE) from None


def allowed_origins(origins: Sequence[str]) -> Origins:
    """Give the policy: programs that send no Origin may connect in any case."""
    if ANY_ORIGIN in origins:
        return None
    return [*origins, None] if origins else SAME_ORIGIN


# Serving


async def serve_until_told(server: Server, arguments: ServeArguments, console: Console) -> None:
    """Listen, say where, and serve until this is cancelled; the second time it does not wait."""
    task = asyncio.current_task()
    assert task is not None
    await listen(server, arguments)
    scheme = "ws" if arguments.cert is None else "wss"
    with handled(STOP_SIGNALS, task.cancel), suppress(asyncio.CancelledError):
        for listening in server.sockets:
            console.say(f"serving {arguments.target} at {address_of(listening, scheme)}")
        try:
            await server.wait_closed()
        except asyncio.CancelledError:
            console.note("closing; once more does not wait")
            server.close()
            await server.wait_closed()


async def listen(server: Server, arguments: ServeArguments) -> None:
    """Start to listen; raise `Failure` where the address cannot be had."""
    try:
        await server
    except OSError as error:
        place = arguments.unix or f"{arguments.host}:{arguments.port}"
        raise listen_failure(error, place) from error


@contextmanager
def handled(signals: Sequence[signal.Signals], callback: Callable[[], object]) -> Iterator[None]:
    """Call back for signals, where the loop can do that; a third one ends the process."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows: Ctrl-C cancels the main task by itself
        for number in signals:
            loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)
