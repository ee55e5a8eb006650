"""The command `trunkline`: arguments in, exit code out."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from trunkline.app.listening.failure import StartFailure
from trunkline.cli.arguments import (
    COMMAND,
    Arguments,
    ConnectArguments,
    DoctorArguments,
    parse_arguments,
)
from trunkline.cli.connect import run_connect
from trunkline.cli.console import make_console
from trunkline.cli.doctor.doctor import run_doctor
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure, in_one_line
from trunkline.cli.serve import run_serve
from trunkline.errors import UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; `None` means those of this process.

    Returns:
        The exit code.

    Raises:
        SystemExit: after help, version, or a line about wrong usage.
    """
    for stream in (sys.stdout, sys.stderr):
        take_any_text(stream)
    try:
        return run(parse_arguments(argv))
    except StartFailure as failure:
        return report(failure)
    except UsageError as error:
        return report(Failure(str(error), ExitCode.USAGE))
    except BrokenPipeError:
        silence(sys.stdout)
        return ExitCode.ERROR
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def run(arguments: Arguments) -> ExitCode:
    """Run a subcommand."""
    console = make_console(sys.stdin, sys.stdout, sys.stderr)
    if isinstance(arguments, ConnectArguments):
        return run_connect(arguments, console)
    if isinstance(arguments, DoctorArguments):
        return run_doctor(arguments, console)
    return run_serve(arguments, console)


def report(failure: StartFailure) -> ExitCode:
    """Say in one line what does not work."""
    if sys.stderr is not None:
        sys.stderr.write(f"{failure.traceback}{COMMAND}: {in_one_line(failure)}\n")
    return failure.exit_code if isinstance(failure, Failure) else ExitCode.ERROR


def take_any_text(stream: TextIO | None) -> None:
    """Let a stream write what its encoding lacks as escape sequences, instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Let nobody's end of a pipe be: the interpreter would complain about it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
