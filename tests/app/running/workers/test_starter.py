import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from trunkline.app.running.signals import HELD_BACK
from trunkline.app.running.workers import starter
from trunkline.app.running.workers.assignment import VARIABLE, Assignment
from trunkline.app.running.workers.starter import Fork, Forked, Process, Spawn, environment_for

HANG_GUARD = 20.0  # seconds


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        os.close(end)


def let_go() -> None:
    """Nothing is there."""


def test_a_program_is_started_with_its_assignment(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    text = f"import os; os.write({writing}, os.environ[{VARIABLE!r}].encode())"
    assignment = Assignment(1, writing, [])
    process = Spawn([sys.executable, "-c", text]).start(assignment, let_go)
    assert process.wait(HANG_GUARD) == 0  # type: ignore[attr-defined]
    assert os.read(reading, 1000).decode() == str(assignment)
    assert process.poll() == 0
    process.send_signal(signal.SIGKILL)


def test_this_program_is_started_again_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "app.py"])
    assert Spawn.of_this_program()._command == [sys.executable, "-X", "dev", "app.py"]


def test_a_worker_does_not_speak_for_the_service() -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1", "PATH": "/"}
    assignment = Assignment(1, 2, [3])
    assert environment_for(assignment, environ) == {"PATH": "/", VARIABLE: str(assignment)}


# Forks: what happens in the copy is tried here, in the original


class Copy(BaseException):
    """The copy has ended."""


@pytest.fixture
def in_the_copy(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    exits: list[int] = []

    def end(code: int) -> None:
        exits.append(code)
        raise Copy

    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(starter, "warn_of_threads", lambda: None)
    return exits


def test_a_copy_lets_go_works_and_ends(in_the_copy: list[int]) -> None:
    done: list[object] = []
    assignment = Assignment(1, 2, [])

    def work(given: Assignment) -> int:
        done.append(given)
        return 5

    with pytest.raises(Copy):
        Fork(work).start(assignment, lambda: done.append("let go"))
    assert (done, in_the_copy) == (["let go", assignment], [5])


def test_a_copy_that_fails_ends_as_well(in_the_copy: list[int]) -> None:
    def work(given: Assignment) -> int:
        raise KeyboardInterrupt

    with pytest.raises(Copy):
        Fork(work).start(Assignment(1, 2, []), let_go)
    assert in_the_copy == [1]


def test_a_copy_never_goes_on_as_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "_exit", lambda code: None)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(AssertionError):
        Fork(lambda given: 0).start(Assignment(1, 2, []), let_go)


def test_the_original_gets_the_process_and_its_signals_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "fork", lambda: 4711)
    monkeypatch.setattr(starter, "warn_of_threads", lambda: None)
    assert Fork(lambda given: 0).start(Assignment(1, 2, []), let_go).pid == 4711
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(HELD_BACK)


def forked(command: str) -> Process:
    """Start a child that is waited for as a fork is."""
    return Forked(os.posix_spawn("/bin/sh", ["sh", "-c", command], {}))


def wait(process: Process) -> int:
    """Wait until a child has ended."""
    while (exit_code := process.poll()) is None:
        os.sched_yield()
    return exit_code


def test_the_end_of_a_copy_is_noticed_once() -> None:
    process = forked("exit 3")
    assert wait(process) == 3
    assert process.poll() == 3
    process.send_signal(signal.SIGKILL)


def test_a_copy_can_be_killed() -> None:
    process = forked("read forever < /dev/zero")
    process.send_signal(signal.SIGKILL)
    assert wait(process) == -signal.SIGKILL


def test_threads_are_left_behind_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    starter.warn_of_threads()
    quiet = caplog.text
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        starter.warn_of_threads()
    finally:
        end.set()
        thread.join()
    assert quiet == ""
    assert "threads of this process that are not in its workers: 1;" in caplog.text
