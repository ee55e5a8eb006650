"""`trunkline serve` where what is served is an `App`."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.app.app import App
from trunkline.app.listening.place import Place
from trunkline.app.running.run import run
from trunkline.app.running.run_options import RunOptions
from trunkline.cli.arguments import ServeArguments
from trunkline.cli.console import Console
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.cli.log import log_to
from trunkline.cli.target import load_target
from trunkline.cli.tls import server_certificate

APP_VERBOSITY = 1
"""What workers and drains do is worth a line each."""


def is_supervised(arguments: ServeArguments) -> bool:
    """Whether other processes do the work, so that this one need not import anything."""
    return arguments.reload or (arguments.workers or 1) > 1


def run_app(load: Callable[[], App], arguments: ServeArguments, console: Console) -> ExitCode:
    """Serve an application until a signal says to stop.

    Raises:
        StartFailure: it cannot be started.
    """

    def say(place: str) -> None:
        console.say(f"serving {arguments.target} at {place}")

    check_no_handler_options(arguments)
    options = options_of(arguments)
    with log_to(console.note, max(arguments.verbosity, APP_VERBOSITY)):
        return ExitCode(run(load, options, say))


def load_app(arguments: ServeArguments) -> App:
    """Import the application; raise `Failure` where there is none."""
    app = load_target(arguments.target)
    if isinstance(app, App):
        return app
    problem = f"--workers and --reload need a trunkline.App, and {arguments.target} is a handler"
    raise Failure(problem, ExitCode.USAGE)


def options_of(arguments: ServeArguments) -> RunOptions:
    """Give what the command line says; raise `Failure` where it cannot be meant like that."""
    try:
        return RunOptions(
            place=Place(
                host=arguments.host,
                port=arguments.port,
                path=arguments.unix,
                fd=arguments.fd,
                reuse_port=arguments.reuse_port,
            ),
            certificate=server_certificate(arguments),
            workers=1 if arguments.workers is None else arguments.workers,
            reload=arguments.reload,
            uvloop=arguments.uvloop,
            window=arguments.drain,
        )
    except ValueError as error:
        raise Failure(str(error), ExitCode.USAGE) from None


# What does not go together


def check_no_application_options(arguments: ServeArguments) -> None:
    """Refuse for a handler what only an application has."""
    given = {
        "--fd": arguments.fd is not None,
        "--workers": arguments.workers is not None,
        "--reload": arguments.reload,
        "--drain": arguments.drain is not None,
    }
    for name, is_given in given.items():
        if is_given:
            problem = f"{name} needs a trunkline.App, and {arguments.target} is a handler"
            raise Failure(problem, ExitCode.USAGE)


def check_no_handler_options(arguments: ServeArguments) -> None:
    """Refuse for an application what it says by itself."""
    given = {
        "--origin": bool(arguments.origins),
        "--subprotocol": bool(arguments.subprotocols),
        "--no-compression": arguments.compression is None,
    }
    for name, is_given in given.items():
        if is_given:
            problem = f"{name} is for a handler: an App says that itself, where it is made"
            raise Failure(problem, ExitCode.USAGE)
