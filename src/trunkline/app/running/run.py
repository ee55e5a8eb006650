"""Run an application: in this process, or in workers under a supervisor."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.systemd import Notifier
from trunkline.app.running.alone import Say, serve_alone
from trunkline.app.running.reload import WatchedFiles
from trunkline.app.running.run_options import RunOptions, loop_factory
from trunkline.app.running.workers.assignment import Assignment
from trunkline.app.running.workers.crew import Crew
from trunkline.app.running.workers.slot import addresses_of, open_slots
from trunkline.app.running.workers.starter import Fork, Spawn, Starter
from trunkline.app.running.workers.supervisor import Supervisor
from trunkline.app.running.workers.worker import work
from trunkline.errors import InvalidState

if TYPE_CHECKING:
    from trunkline.app.app import App

Load = Callable[[], "App"]
"""Gives the application; imports it, perhaps, and raises `StartFailure` where there is none."""

EXIT_OK = 0
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run_or_exit(app: App, options: RunOptions) -> None:
    """Run an application for `App.run()`; raise `SystemExit` with a sentence where that fails.

    Raises:
        InvalidState: there is an event loop already, or this is not the main thread.
    """
    check_whereabouts()
    show_log(app.logger)
    starter = None if options.reload else fork_of(app, options)
    try:
        exit_code = run(lambda: app, options, partial(app.logger.info, "serving at %s"), starter)
    except StartFailure as failure:
        raise SystemExit(f"{failure.traceback}trunkline: {failure}") from None
    if exit_code != EXIT_OK:
        raise SystemExit(exit_code)


def run(load: Load, options: RunOptions, say: Say, starter: Starter | None = None) -> int:
    """Run an application until a signal ends it; give the exit code.

    Args:
        load: gives the application, in the process that serves it.
        options: how it is run.
        say: tells the user each address.
        starter: starts workers; by default they are this program, started again.

    Raises:
        StartFailure: it cannot be started.
    """
    assignment = Assignment.taken_from(os.environ)
    if assignment is not None:
        return work(load, assignment, options)
    if not options.is_supervised:
        serve_alone(load(), options, say)
    else:
        supervise(options, starter or Spawn.of_this_program(), say)
    return EXIT_OK


def fork_of(app: App, options: RunOptions) -> Fork:
    """Give what makes workers of an object that is here already."""
    return Fork(lambda assignment: work(lambda: app, assignment, options))


def supervise(options: RunOptions, starter: Starter, say: Say) -> None:
    """Start workers and look after them until a signal ends them.

    Raises:
        StartFailure: they cannot be started.
    """
    if not hasattr(os, "fork"):
        raise StartFailure("workers and reload need a Unix system: run one process without them")
    # What cannot be is told once, before anything has been started.
    loop_factory(options.uvloop)
    if options.certificate is not None:
        options.certificate.context()
    logger = logging.getLogger("trunkline.app")
    with open_slots(options.place, options.workers, os.environ) as slots:
        crew = Crew(slots, starter, logger, waits_for_change=options.reload)
        watched = WatchedFiles(os.getcwd()) if options.reload else None
        places = addresses_of(slots, options.scheme)
        Supervisor(crew, logger, Notifier(os.environ), watched, lambda: say_all(say, places)).run()


def say_all(say: Say, places: Sequence[str]) -> None:
    """Tell the user every address."""
    for place in places:
        say(place)


def check_whereabouts() -> None:
    """Refuse to block somebody's loop, or to miss every signal; raise `InvalidState`."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise InvalidState("run() makes a loop of its own; in a loop, use: async with app.serve()")
    if threading.current_thread() is not threading.main_thread():
        raise InvalidState("run() needs the main thread, which alone is told of signals")


def show_log(logger: logging.Logger) -> None:
    """Let the log be seen where the program has said nothing about logs."""
    if not logger.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
