import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.app.app import App
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.cli.target import load_target, shorten_traceback

MODULE = """
import trunkline

async def echo(ws): ...
class Echo(trunkline.Events): ...
def choose(request): return Echo()
class room:
    async def join(ws): ...
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def failure_of(target: str) -> Failure:
    with pytest.raises(Failure) as failure:
        load_target(target)
    return failure.value


@pytest.mark.parametrize("name", ["echo", "Echo", "choose", "room.join"])
def test_every_kind_of_handler_is_found_in_the_current_directory(folder: Path, name: str) -> None:
    (folder / "planted_app.py").write_text(MODULE)
    handler = load_target(f"planted_app:{name}")
    assert getattr(handler, "__qualname__", None) == name


def test_an_application_is_found(folder: Path) -> None:
    (folder / "planted_app.py").write_text("from trunkline.app.app import App\napp = App()\n")
    assert isinstance(load_target("planted_app:app"), App)


def test_a_handler_may_be_in_a_package(folder: Path) -> None:
    (folder / "planted_package").mkdir()
    (folder / "planted_package" / "app.py").write_text(MODULE)
    assert callable(load_target("planted_package.app:echo"))


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("app", "'app' does not name a handler; write module:handler, such as chat:handler"),
        ("app:", "'app:' does not name a handler"),
        (":echo", "':echo' does not name a handler"),
        (".app:echo", "'.app:echo' does not name a handler"),
        ("app:a..b", "'app:a..b' does not name a handler"),
        ("app.py:echo", "'app.py:echo' names a file; write app:echo"),
        ("app.py", "'app.py' names a file; write app:handler"),
        ("./a/app.py:echo", "'./a/app.py:echo' names a file; write a.app:echo"),
    ],
)
def test_a_target_that_names_no_handler_is_wrong_usage(target: str, text: str) -> None:
    failure = failure_of(target)
    assert str(failure).startswith(text)
    assert failure.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("nowhere_at_all:echo", "there is no module 'nowhere_at_all', in {folder} or installed"),
        ("nowhere_at_all.b:echo", "there is no module 'nowhere_at_all', in {folder}"),
        ("planted_app.b:echo", "there is no module 'planted_app.b', in {folder}"),
        ("planted_app:ecko", "'planted_app' has no 'ecko'; did you mean 'echo'?"),
        ("planted_app:xyzzy", "'planted_app' has no 'xyzzy'"),
        ("planted_app:room.john", "'room' has no 'john'; did you mean 'join'?"),
        ("planted_app:number.x", "3 has no 'x'"),
        ("planted_app:number", "planted_app:number cannot be served: 3 is not a handler"),
        ("planted_app:room", "planted_app:room cannot be served: <class"),
    ],
)
def test_what_is_missing_is_named(folder: Path, target: str, text: str) -> None:
    (folder / "planted_app.py").write_text(MODULE)
    failure = failure_of(target)
    assert str(failure).startswith(text.format(folder=folder))
    assert (failure.exit_code, failure.traceback) == (ExitCode.ERROR, "")


@pytest.mark.parametrize(
    ("code", "last_line"),
    [
        ("x = = 2", "SyntaxError: invalid syntax"),
        ("def f():\n    1 / 0\nf()", "ZeroDivisionError: division by zero"),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
    ],
)
def test_a_module_that_fails_shows_its_own_traceback(
    folder: Path, code: str, last_line: str
) -> None:
    (folder / "planted_app.py").write_text(code)
    failure = failure_of("planted_app:echo")
    assert str(failure) == "importing 'planted_app' failed, see above"
    assert failure.traceback.rstrip().endswith(last_line)
    assert "planted_app.py" in failure.traceback
    assert "importlib" not in failure.traceback and "target.py" not in failure.traceback


def test_a_traceback_keeps_what_is_not_the_machinery() -> None:
    try:
        raise ValueError("planted")
    except ValueError as error:
        assert "test_target.py" in shorten_traceback(error)
