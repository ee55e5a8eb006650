import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.app.running.workers.crews import Puppet, Rehearsal
from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.systemd import Notifier
from trunkline.app.running.reload import WatchedFiles
from trunkline.app.running.signals import SignalPipe
from trunkline.app.running.workers import supervisor as module
from trunkline.app.running.workers.message import Say
from trunkline.app.running.workers.supervisor import Supervisor

logger = logging.getLogger("trunkline.app")


class Told(Notifier):
    """In place of systemd."""

    def __init__(self, interval: float | None = None) -> None:
        super().__init__({})
        self.interval = interval
        self.states: list[str] = []

    def ready(self) -> None:
        self.states.append("ready")

    def reloading(self) -> None:
        self.states.append("reloading")

    def stopping(self) -> None:
        self.states.append("stopping")

    def alive(self) -> None:
        if "alive" not in self.states:
            self.states.append("alive")


class Changes:
    """In place of files."""

    def __init__(self) -> None:
        self.named: list[str] = []
        self.change: Path | None = None

    def add(self, files: list[str]) -> None:
        self.named += files

    def changed(self) -> Path | None:
        change, self.change = self.change, None
        return change


Step = Callable[[], object]


class Play:
    """A supervisor with puppets for workers, and one step of the test in each of its turns."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, count: int, steps: list[Step], **options: Any
    ) -> None:
        self.rehearsal = Rehearsal(count, waits_for_change=bool(options.get("watched")))
        self.puppets = self.rehearsal.puppets.started
        self.notifier = Told(options.get("interval"))
        self.readies: list[int] = []
        self.steps = steps
        self.supervisor = Supervisor(
            self.rehearsal.crew,
            logger,
            self.notifier,
            cast(WatchedFiles | None, options.get("watched")),
            lambda: self.readies.append(1),
        )
        turn = self.supervisor._turn

        def with_a_step(signals: SignalPipe) -> None:
            if self.steps:
                self.steps.pop(0)()
            turn(signals)

        monkeypatch.setattr(self.supervisor, "_turn", with_a_step)
        # Each turn comes at once.
        monkeypatch.setattr(module, "SUPERVISOR_TURN", 0.0)

    def ready(self, number: int) -> None:
        self.puppets[number].tell(Say.READY, patience=0.0, files=["/a.py"])

    def heard(self, number: int) -> list[str]:
        return [each["say"] for each in self.puppets[number].heard()]


@pytest.fixture
def play(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[..., Play]]:
    caplog.set_level(logging.INFO)
    made = []

    def play(count: int, steps: list[Step], **options: Any) -> Play:
        made.append(Play(monkeypatch, count, steps, **options))
        return made[-1]

    yield play
    for each in made:
        each.rehearsal.close()


def send(number: int) -> Step:
    return lambda: os.kill(os.getpid(), number)


def end_of(puppets: list[Puppet], number: int, exit_code: int = 0) -> Step:
    return lambda: puppets[number].end(exit_code)


def test_workers_come_and_go_with_the_supervisor(play: Callable[..., Play]) -> None:
    stage = play(2, [])
    stage.steps += [
        lambda: stage.ready(0),
        lambda: stage.ready(1),
        send(signal.SIGCHLD),
        send(signal.SIGTERM),
        end_of(stage.puppets, 0),
        end_of(stage.puppets, 1),
    ]
    before = signal.getsignal(signal.SIGTERM)
    stage.supervisor.run()
    assert stage.notifier.states == ["ready", "stopping"]
    assert stage.readies == [1]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_hang_up_restarts_them_one_by_one(
    play: Callable[..., Play], caplog: pytest.LogCaptureFixture
) -> None:
    stage = play(1, [])
    stage.steps += [
        lambda: stage.ready(0),
        send(signal.SIGHUP),
        lambda: stage.ready(1),
        end_of(stage.puppets, 0),
        lambda: None,
        send(signal.SIGINT),
        end_of(stage.puppets, 1),
    ]
    stage.supervisor.run()
    assert stage.notifier.states == ["ready", "reloading", "ready", "stopping"]
    assert stage.readies == [1]
    assert "SIGHUP: one worker after the other is started again" in caplog.text
    assert "workers that are ready: 1" in caplog.text


def test_the_second_signal_cuts_and_the_third_one_kills(play: Callable[..., Play]) -> None:
    stage = play(1, [])
    stage.steps += [
        send(signal.SIGTERM),
        send(signal.SIGTERM),
        send(signal.SIGTERM),
    ]
    heard: list[str] = []
    stage.steps.insert(2, lambda: heard.extend(stage.heard(0)))
    stage.supervisor.run()
    assert heard == [Say.WELCOME, Say.DRAIN, Say.CUT]
    assert stage.puppets[0].exit_code == -signal.SIGKILL


def test_a_failure_is_raised_after_all_have_ended(play: Callable[..., Play]) -> None:
    stage = play(1, [])

    def fail() -> None:
        stage.puppets[0].tell(Say.FAILED, why="there is no module 'x'")
        stage.puppets[0].end(1)

    stage.steps.append(fail)
    with pytest.raises(StartFailure, match="there is no module 'x'"):
        stage.supervisor.run()


def test_a_mistake_of_the_supervisor_leaves_no_worker(play: Callable[..., Play]) -> None:
    stage = play(1, [])

    def fail() -> None:
        raise ArithmeticError

    stage.steps.append(fail)
    with pytest.raises(ArithmeticError):
        stage.supervisor.run()
    assert stage.puppets[0].exit_code == -signal.SIGKILL


def test_questions_are_answered(play: Callable[..., Play]) -> None:
    stage = play(2, [])
    heard: list[dict[str, Any]] = []
    stage.steps += [
        lambda: stage.puppets[0].tell(Say.SPEND, id=1, ticket_id="a", expires_at=1e12),
        lambda: heard.extend(stage.puppets[0].heard()),
        send(signal.SIGTERM),
        end_of(stage.puppets, 0),
        end_of(stage.puppets, 1),
    ]
    stage.supervisor.run()
    assert heard[1:] == [{"say": Say.ANSWER, "id": 1, "is_first": True}]


def test_a_changed_file_restarts_the_worker(
    play: Callable[..., Play], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RELOAD_INTERVAL", 0.0)
    changes = Changes()
    stage = play(1, [], watched=changes)

    def change() -> None:
        changes.change = Path("a.py")

    stage.steps += [
        lambda: stage.ready(0),
        change,
        lambda: stage.ready(1),
        end_of(stage.puppets, 0),
        send(signal.SIGTERM),
        end_of(stage.puppets, 1),
    ]
    stage.supervisor.run()
    assert changes.named == ["/a.py", "/a.py"]
    assert "a.py has changed: one worker after the other is started again" in caplog.text


def test_files_are_not_looked_at_all_the_time(play: Callable[..., Play]) -> None:
    changes = Changes()
    stage = play(1, [], watched=changes)

    def change() -> None:
        changes.change = Path("a.py")

    # The first look comes at once, the next one much later than this test ends.
    stage.steps += [lambda: None, change, send(signal.SIGTERM), end_of(stage.puppets, 0)]
    stage.supervisor.run()
    assert changes.change == Path("a.py")


def test_whoever_watches_is_told_that_it_lives(play: Callable[..., Play]) -> None:
    stage = play(1, [], interval=1000.0)
    stage.steps += [lambda: None, send(signal.SIGTERM), end_of(stage.puppets, 0)]
    stage.supervisor.run()
    assert stage.notifier.states == ["alive", "stopping"]


def test_it_waits_for_workers_that_do_not_read(
    play: Callable[..., Play], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = play(1, [])
    heard: list[dict[str, Any]] = []
    text = "x" * 1_000_000
    stage.steps += [
        lambda: stage.rehearsal.crew.members[0].channel.tell(Say.DISCONNECT, user=text),
        *[lambda: heard.extend(stage.puppets[0].heard())] * 50,
        send(signal.SIGTERM),
        end_of(stage.puppets, 0),
    ]
    stage.supervisor.run()
    assert heard[-1] == {"say": Say.DISCONNECT, "user": text}


def test_a_worker_that_says_nothing_more_is_waited_for_until_it_has_ended(
    play: Callable[..., Play],
) -> None:
    stage = play(1, [])
    stage.steps += [
        lambda: stage.puppets[0]._control.close(),
        lambda: None,
        send(signal.SIGTERM),
        end_of(stage.puppets, 0),
    ]
    stage.supervisor.run()
    assert stage.notifier.states == ["stopping"]


def test_a_fork_lets_go_of_signals_and_of_the_other_workers(play: Callable[..., Play]) -> None:
    stage = play(1, [])
    wakeups: list[int] = []

    def be_a_fork() -> None:
        stage.rehearsal.crew.let_go()
        wakeups.append(signal.set_wakeup_fd(-1))
        raise ChildProcessError

    stage.steps.append(be_a_fork)
    with pytest.raises((ChildProcessError, OSError)):
        stage.supervisor.run()
    assert wakeups == [-1]
