import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.serving import make_app
from trunkline import InvalidState
from trunkline.app.app import App
from trunkline.app.listening.certificate import Certificate
from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.place import Place
from trunkline.app.running import run as module
from trunkline.app.running.run import (
    check_whereabouts,
    fork_of,
    run,
    run_or_exit,
    say_all,
    show_log,
    supervise,
)
from trunkline.app.running.run_options import RunOptions
from trunkline.app.running.workers.assignment import VARIABLE, Assignment
from trunkline.app.running.workers.starter import Spawn

HANG_GUARD = 60.0  # seconds
ANYWHERE = Place(host="127.0.0.1", port=0)
ALONE = RunOptions(place=ANYWHERE)
TWO = RunOptions(place=ANYWHERE, workers=2)


def stop(place: str) -> None:
    """Be told of an address, and end the server."""
    os.kill(os.getpid(), signal.SIGTERM)


def no_app() -> App:
    raise AssertionError("the supervisor does not need the application")


# Which way


def test_one_process_serves_by_itself() -> None:
    assert run(make_app, ALONE, stop) == 0


def test_what_a_supervisor_has_started_is_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setenv(VARIABLE, str(Assignment(1, 0, [])))
    monkeypatch.setattr(os, "set_inheritable", lambda fd, is_inheritable: None)
    monkeypatch.setattr(module, "work", lambda *args: given.extend(args) or 7)
    assert run(make_app, TWO, print) == 7
    assert given == [make_app, Assignment(1, 0, []), TWO]


def test_several_are_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(module, "supervise", lambda *args: given.extend(args))
    starter = fork_of(make_app(), TWO)
    assert run(no_app, TWO, print, starter) == 0
    assert run(no_app, TWO, print) == 0
    assert given[:3] == [TWO, starter, print]
    assert isinstance(given[4], Spawn)


def test_a_fork_works_on_the_object_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    app, given = make_app(), list[Any]()
    monkeypatch.setattr(module, "work", lambda *args: given.extend(args) or 7)
    assert fork_of(app, TWO)._work(Assignment(1, 0, [])) == 7
    assert given[0]() is app


# The supervisor


@pytest.mark.parametrize("reload", [False, True])
def test_the_supervisor_is_given_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, reload: bool
) -> None:
    given: list[Any] = []

    class Recorded:
        def __init__(self, *args: Any) -> None:
            given.extend(args)

        def run(self) -> None:
            given[-1]()

    places: list[str] = []
    monkeypatch.setattr(module, "Supervisor", Recorded)
    options = RunOptions(place=ANYWHERE, workers=2, reload=reload)
    supervise(options, Spawn(["true"]), places.append)
    crew, logger, _, watched, _ = given
    assert len(crew._slots) == 2 and logger.name == "trunkline.app"
    assert (watched is not None) == reload
    assert len(places) == 1 and places[0].startswith("http://127.0.0.1:")


def test_a_certificate_that_cannot_be_used_is_told_before_anything_starts() -> None:
    options = RunOptions(place=ANYWHERE, workers=2, certificate=Certificate("gone"))
    with pytest.raises(StartFailure, match="cannot use the certificate gone"):
        supervise(options, Spawn(["false"]), print)


def test_workers_need_a_unix_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(StartFailure, match="workers and reload need a Unix system"):
        supervise(TWO, Spawn(["false"]), print)


def test_every_address_is_told() -> None:
    places: list[str] = []
    say_all(places.append, ["a", "b"])
    assert places == ["a", "b"]


# For App.run()


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "show_log", lambda logger: None)


@pytest.mark.usefixtures("quiet")
def test_an_application_runs_until_a_signal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    app = make_app()
    app.on_start(lambda: os.kill(os.getpid(), signal.SIGTERM))
    app.run(port=0)
    assert "serving at http://127.0.0.1:" in caplog.text


@pytest.mark.usefixtures("quiet")
def test_a_failure_is_one_sentence_and_exit_code_1() -> None:
    with pytest.raises(SystemExit, match=r"^trunkline: cannot use the certificate gone"):
        make_app().run(port=0, tls_cert="gone")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(("reload", "kind"), [(False, "Fork"), (True, "NoneType")])
def test_workers_are_forks_and_programs_that_are_watched_start_again(
    monkeypatch: pytest.MonkeyPatch, reload: bool, kind: str
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(module, "run", lambda *args: given.extend(args) or 3)
    with pytest.raises(SystemExit) as ended:
        run_or_exit(make_app(), RunOptions(place=ANYWHERE, workers=2, reload=reload))
    assert ended.value.code == 3
    assert type(given[3]).__name__ == kind
    assert isinstance(given[0](), App)


@pytest.mark.usefixtures("quiet")
def test_an_end_in_peace_goes_on_behind_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "run", lambda *args: 0)
    run_or_exit(make_app(), ALONE)


async def test_a_loop_that_runs_is_not_blocked() -> None:
    with pytest.raises(InvalidState, match=r"async with app.serve"):
        check_whereabouts()


def test_another_thread_would_not_hear_of_signals() -> None:
    raised: list[BaseException] = []

    def call() -> None:
        try:
            check_whereabouts()
        except InvalidState as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert "needs the main thread" in str(raised[0])
    check_whereabouts()


def test_the_log_is_shown_where_nobody_has_said_anything_about_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.Logger("planted")
    show_log(logger)
    show_log(logger)
    logger.info("serving")
    assert capsys.readouterr().err.count("INFO planted: serving") == 1


# As programs

PROGRAM = """
    import os
    import sys
    from trunkline.app.app import App

    app = App()

    @app.websocket("/pid")
    async def pid(ws):
        await ws.send(str(os.getpid()))

    if __name__ == "__main__":
        app.run(port=0, **eval(sys.argv[1]))
"""


@contextmanager
def program(folder: Path, options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run a program until it serves; give its process and its log so far."""
    file = folder / "program.py"
    file.write_text(textwrap.dedent(PROGRAM))
    pipe = subprocess.PIPE
    command = [sys.executable, str(file), options]
    with subprocess.Popen(command, stderr=pipe, text=True, cwd=folder) as process:
        assert process.stderr is not None
        lines: list[str] = []
        try:
            while "serving at" not in "".join(lines[-1:]):
                lines.append(process.stderr.readline())
                assert lines[-1], lines
            yield process, lines
        finally:
            process.kill()


@pytest.mark.parametrize("options", ["{}", "{'workers': 2}", "{'reload': True}"])
def test_a_program_ends_with_exit_code_0(tmp_path: Path, options: str) -> None:
    with program(tmp_path, options) as (process, _):
        process.terminate()
        assert process.wait(HANG_GUARD) == 0


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    with program(tmp_path, "{'workers': 2}") as (process, lines):
        assert process.stderr is not None
        assert sum("is ready" in line for line in lines) == 2
        process.kill()
        # They have the same pipe for their log, which ends when the last one has.
        process.stderr.read()


def test_a_changed_program_starts_again(tmp_path: Path) -> None:
    with program(tmp_path, "{'reload': True}") as (process, _):
        assert process.stderr is not None
        file = tmp_path / "program.py"
        file.write_text(file.read_text() + "\n# changed\n")
        os.utime(file, (1, 1))
        log = ""
        while "workers that are ready" not in log:
            log += process.stderr.readline()
        assert f"{file} has changed" in log
        process.terminate()
        assert process.wait(HANG_GUARD) == 0
