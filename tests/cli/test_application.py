import os
import signal
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from trunkline.app.app import App
from trunkline.app.listening.certificate import Certificate
from trunkline.app.listening.place import Place
from trunkline.cli import application
from trunkline.cli.application import (
    check_no_application_options,
    is_supervised,
    load_app,
    options_of,
    run_app,
)
from trunkline.cli.arguments import ServeArguments, parse_arguments
from trunkline.cli.console import Console
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure

MODULE = """
from trunkline.app.app import App

app = App()

async def echo(ws):
    pass
"""


class Listener(Console):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(None, None, None)
        self.said: list[str] = []
        self.notes: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted_shop.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def arguments_for(*options: str, name: str = "app") -> ServeArguments:
    return cast(ServeArguments, parse_arguments(["serve", f"planted_shop:{name}", *options]))


def test_several_processes_have_a_supervisor() -> None:
    assert not is_supervised(arguments_for())
    assert not is_supervised(arguments_for("--workers", "1"))
    assert is_supervised(arguments_for("--workers", "2"))
    assert is_supervised(arguments_for("--reload"))


def test_an_application_is_imported() -> None:
    assert isinstance(load_app(arguments_for("--workers", "2")), App)


def test_a_handler_has_no_workers() -> None:
    with pytest.raises(Failure, match=r"need a trunkline.App, and planted_shop:echo is a handler"):
        load_app(arguments_for("--workers", "2", name="echo"))


def test_the_command_line_says_how_it_is_run() -> None:
    options = options_of(arguments_for("--port", "80", "--reuse-port", "--cert", "c", "--key", "k"))
    assert options.place == Place(host="127.0.0.1", port=80, reuse_port=True)
    assert options.certificate == Certificate("c", "k")
    assert (options.workers, options.reload, options.uvloop) == (1, False, False)
    assert options.window is None
    options = options_of(arguments_for("--unix", "/s", "--workers", "3", "--reload", "--uvloop"))
    assert options.place == Place(path="/s")
    assert (options.workers, options.reload, options.uvloop) == (3, True, True)
    options = options_of(arguments_for("--fd", "3", "--drain", "2"))
    assert (options.place, options.window) == (Place(fd=3), 2.0)


def test_no_worker_is_wrong_usage() -> None:
    with pytest.raises(Failure, match="workers is 0") as failure:
        options_of(arguments_for("--workers", "0"))
    assert failure.value.exit_code is ExitCode.USAGE


def test_it_is_said_where_it_serves() -> None:
    class Impatient(Listener):
        def say(self, text: str) -> None:
            super().say(text)
            os.kill(os.getpid(), signal.SIGTERM)

    console, arguments = Impatient(), arguments_for("--port", "0")
    assert run_app(lambda: load_app(arguments), arguments, console) is ExitCode.OK
    assert console.said[0].startswith("serving planted_shop:app at http://127.0.0.1:")
    assert any("pages that may connect" in note for note in console.notes)


def test_the_exit_code_of_a_worker_is_that_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "run", lambda *args: 1)
    assert run_app(cast(Any, None), arguments_for(), Listener()) is ExitCode.ERROR


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--origin", "*"], "--origin"),
        (["--subprotocol", "a"], "--subprotocol"),
        (["--no-compression"], "--no-compression"),
    ],
)
def test_an_application_says_its_policy_itself(options: list[str], name: str) -> None:
    with pytest.raises(Failure, match=f"^{name} is for a handler: an App says that itself") as told:
        run_app(App, arguments_for(*options), Listener())
    assert told.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    "options", [["--fd", "3"], ["--workers", "1"], ["--reload"], ["--drain", "1"]]
)
def test_a_handler_has_no_options_of_an_application(options: list[str]) -> None:
    with pytest.raises(Failure, match=f"^{options[0]} needs a trunkline.App") as told:
        check_no_application_options(arguments_for(*options))
    assert told.value.exit_code is ExitCode.USAGE


def test_a_handler_without_them_is_fine() -> None:
    check_no_application_options(arguments_for())
