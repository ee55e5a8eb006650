import io
import json
import logging

import pytest

import trunkline
from tests.cli.doctor.targets import arguments_for, closed_port
from trunkline.cli.console import Console
from trunkline.cli.doctor import doctor
from trunkline.cli.doctor.doctor import examine, run_doctor
from trunkline.cli.doctor.report import Report
from trunkline.cli.doctor.secrets import Secrets
from trunkline.cli.exit_code import ExitCode


def run(*options: str) -> tuple[ExitCode, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    uri = f"ws://127.0.0.1:{closed_port()}/?token=hunter2"
    code = run_doctor(arguments_for(uri, *options), Console(None, stdout, stderr))
    return code, stdout.getvalue(), stderr.getvalue()


def test_a_connection_that_fails_is_an_error_with_a_verdict() -> None:
    code, output, errors = run()
    assert code is ExitCode.ERROR
    assert output.splitlines()[-1].startswith("verdict: the connection fails at tcp: 127.0.0.1:")
    assert "hunter2" not in output and errors == ""


async def test_all_steps_are_gone_as_far_as_they_lead() -> None:
    async def leave(ws: trunkline.ServerConnection) -> None:
        await ws.wait_closed()

    lines: list[str] = []
    secrets = Secrets()
    report = Report(lines.append, secrets, as_json=False)
    async with trunkline.serve(leave, "127.0.0.1", 0) as server:
        uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await examine(arguments_for(uri), report, secrets)
    assert lines[-1].endswith("closed by this side with 1000 (OK)")


def test_programs_get_an_object() -> None:
    code, output, _ = run("--json")
    assert code is ExitCode.ERROR
    assert json.loads(output)["works"] is False


def test_a_connection_that_works_is_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        logging.getLogger("trunkline").info("the key is %s", "hunter2")

    monkeypatch.setattr(doctor, "examine", nothing)
    code, output, errors = run("-v", "-H", "Authorization: Bearer hunter2")
    assert (code, output) == (ExitCode.OK, "\nverdict: the connection works\n")
    assert "the key is ***" in errors
