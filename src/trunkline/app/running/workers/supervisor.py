"""Looks after workers: waits for signals, messages and deaths, and has the crew act on them."""

from __future__ import annotations

import logging
import select
import signal
import time
from collections.abc import Callable

from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.systemd import Notifier
from trunkline.app.running.reload import WatchedFiles
from trunkline.app.running.signals import RESTART_SIGNALS, STOP_SIGNALS, SignalPipe
from trunkline.app.running.workers.crew import Crew
from trunkline.app.running.workers.exchange import Exchange
from trunkline.app.running.workers.member import Member
from trunkline.app.running.workers.message import Message, Say
from trunkline.limits import RELOAD_INTERVAL, SUPERVISOR_TURN

MILLISECONDS = 1000


class Supervisor:
    """Has no event loop: its forks could not have one of their own then.

    Args:
        crew: the workers.
        logger: is told of what happens.
        notifier: tells systemd.
        watched: files after whose change all workers are started again; `None` for none.
        when_ready: is called when all workers serve for the first time.
    """

    def __init__(
        self,
        crew: Crew,
        logger: logging.Logger,
        notifier: Notifier,
        watched: WatchedFiles | None,
        when_ready: Callable[[], None],
    ) -> None:
        self._crew = crew
        self._exchange = Exchange(crew.members)
        self._logger = logger
        self._notifier = notifier
        self._watched = watched
        self._when_ready = when_ready
        self._was_ready = False
        self._was_rolling = False
        self._wishes_to_stop = 0
        self._next_beat = time.monotonic()
        self._next_look = time.monotonic()

    def run(self) -> None:
        """Look after the workers until all have ended.

        Raises:
            StartFailure: they cannot be started.
        """
        signals = SignalPipe((*STOP_SIGNALS, *RESTART_SIGNALS, signal.SIGCHLD))
        self._crew.let_go = lambda: self._let_go(signals)
        try:
            self._crew.start_all()
            while not self._crew.is_over:
                self._wait(signals)
                self._turn(signals)
        finally:
            self._crew.kill()
            signals.close()
        if self._crew.failure is not None:
            raise StartFailure(self._crew.failure)

    def _let_go(self, signals: SignalPipe) -> None:
        signals.close()
        self._crew.let_go_of_members()

    # One turn

    def _wait(self, signals: SignalPipe) -> None:
        """Sleep until there is something to do."""
        poll = select.poll()
        poll.register(signals, select.POLLIN)
        for member in self._crew.members:
            if not member.channel.is_over:
                writing = select.POLLOUT if member.channel.has_unsent else 0
                poll.register(member.channel, select.POLLIN | writing)
        poll.poll(max(0.0, self._seconds_until_due()) * MILLISECONDS)

    def _seconds_until_due(self) -> float:
        turns = [SUPERVISOR_TURN, self._crew.next_due() - time.monotonic()]
        if self._watched is not None:
            turns.append(RELOAD_INTERVAL)
        if self._notifier.interval is not None:
            turns.append(self._next_beat - time.monotonic())
        return min(turns)

    def _turn(self, signals: SignalPipe) -> None:
        for number in signals.read():
            self._heed(number)
        for member in tuple(self._crew.members):
            member.channel.flush()
            for message in member.channel.receive():
                self._take(member, message)
        self._crew.reap()
        self._look_at_files()
        self._crew.tend()
        self._exchange.tend()
        self._tell_how_it_is()

    # Signals

    def _heed(self, number: signal.Signals) -> None:
        if number in STOP_SIGNALS:
            self._stop()
        elif number in RESTART_SIGNALS:
            self._roll("SIGHUP")

    def _stop(self) -> None:
        self._wishes_to_stop += 1
        if self._wishes_to_stop == 1:
            self._logger.info("workers that drain: %d; once more cuts at once", self._count())
            self._notifier.stopping()
            self._crew.drain()
        elif self._wishes_to_stop == 2:
            self._crew.cut()
        else:
            self._crew.kill()

    def _count(self) -> int:
        return len(self._crew.members)

    def _roll(self, why: str) -> None:
        self._logger.info("%s: one worker after the other is started again", why)
        self._notifier.reloading()
        self._crew.roll()

    # Messages and files

    def _take(self, member: Member, message: Message) -> None:
        if message["say"] not in (Say.READY, Say.FAILED):
            self._exchange.take(member, message)
            return
        self._crew.take(member, message)
        if self._watched is not None and message["say"] == Say.READY:
            self._watched.add(message["files"])

    def _look_at_files(self) -> None:
        if self._watched is None or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + RELOAD_INTERVAL
        changed = self._watched.changed()
        if changed is not None:
            self._roll(f"{changed} has changed")

    # Telling

    def _tell_how_it_is(self) -> None:
        crew = self._crew
        if crew.has_been_ready and not self._was_ready:
            self._was_ready = True
            self._when_ready()
            self._notifier.ready()
        if self._was_rolling and not crew.is_rolling and not crew.is_stopping:
            self._logger.info("workers that are ready: %d", self._count())
            self._notifier.ready()
        self._was_rolling = crew.is_rolling
        if self._notifier.interval is not None and time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + self._notifier.interval
            self._notifier.alive()
