import io
import os
import sys
from typing import Any

import pytest

from trunkline.app.listening.failure import StartFailure
from trunkline.cli import command
from trunkline.cli.arguments import ConnectArguments, DoctorArguments, ServeArguments
from trunkline.cli.command import main
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.errors import UsageError


def raising(error: BaseException) -> Any:
    def run(*_: object) -> ExitCode:
        raise error

    return run


@pytest.mark.parametrize(
    ("argv", "runner", "kind"),
    [
        (["connect", "ws://x"], "run_connect", ConnectArguments),
        (["doctor", "ws://x"], "run_doctor", DoctorArguments),
        (["serve", "m:h"], "run_serve", ServeArguments),
    ],
)
def test_each_subcommand_is_run(
    monkeypatch: pytest.MonkeyPatch, argv: list[str], runner: str, kind: type
) -> None:
    runs: list[object] = []

    def run(arguments: object, console: object) -> ExitCode:
        runs.append(arguments)
        return ExitCode.INTERRUPTED

    monkeypatch.setattr(command, runner, run)
    assert main(argv) == 130
    assert [type(arguments) for arguments in runs] == [kind]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Failure("no\nway \x1b[2J"), 1, "trunkline: no way \\x1b[2J\n"),
        (Failure("what?", ExitCode.USAGE), 2, "trunkline: what?\n"),
        (Failure("see above", traceback="a\nb\n"), 1, "a\nb\ntrunkline: see above\n"),
        (StartFailure("it is taken"), 1, "trunkline: it is taken\n"),
        (UsageError("TRUNKLINE_ENGINE is 'x'"), 2, "trunkline: TRUNKLINE_ENGINE is 'x'\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(command, "run_connect", raising(error))
    assert main(["connect", "ws://x"]) == code
    assert capsys.readouterr() == ("", said)


def test_a_failure_needs_no_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run_connect", raising(Failure("no way")))
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["connect", "ws://x"]) == 1


def test_an_output_that_nobody_reads_is_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(command, "run_connect", raising(BrokenPipeError()))
        assert main(["connect", "ws://x"]) == 1
        print("nobody reads this", file=stream, flush=True)


def test_text_that_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(command, "run_connect", raising(Failure("日")))
    assert main(["connect", "ws://x"]) == 1
    stream.flush()
    assert stream.buffer.getvalue() == b"trunkline: \\u65e5\n"  # type: ignore[attr-defined]


def test_an_engine_that_is_not_there_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_ENGINE", "steam")
    assert main(["--version"]) == 2
    assert capsys.readouterr().err.startswith("trunkline: TRUNKLINE_ENGINE is 'steam'")
