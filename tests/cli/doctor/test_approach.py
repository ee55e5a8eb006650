import io
from typing import cast

import pytest

from tests.cli.doctor.targets import arguments_for, closed_port
from tests.client.scripted import hang, scripted
from trunkline.cli.arguments import DoctorArguments, parse_arguments
from trunkline.cli.doctor.approach import Approach
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.report import Halted, Report
from trunkline.cli.doctor.route import ProxyRoute
from trunkline.cli.doctor.secrets import Secrets
from trunkline.cli.doctor.target import Target
from trunkline.cli.failures import Failure
from trunkline.limits import DOCTOR_TIMEOUT


class Told:
    """An approach, with what it has told."""

    def __init__(self, arguments: DoctorArguments) -> None:
        self.lines: list[str] = []
        secrets = Secrets()
        report = Report(self.lines.append, secrets, as_json=False)
        self._approach = Approach(arguments, report, secrets)

    async def target(self) -> Target:
        return await self._approach.target()

    async def halt(self) -> str:
        """Give the last line before the end."""
        with pytest.raises(Halted):
            await self.target()
        return self.lines[-1]


def through_proxy(uri: str, proxy: str) -> DoctorArguments:
    return cast(DoctorArguments, parse_arguments(["doctor", uri, "--proxy", proxy]))


async def test_a_server_that_takes_connections_is_found() -> None:
    async with scripted(hang) as port:
        told = Told(arguments_for(f"ws://localhost:{port}/", "--timeout", "15"))
        target = await told.target()
        stream = await target.route.open(Reply(target.limits))
        stream.abort()
    assert [line.split()[:2] for line in told.lines][:3] == [
        ["ok", "address"],
        ["ok", "proxy"],
        ["ok", "dns"],
    ]
    assert told.lines[-1].endswith("takes connections")
    assert (target.timeout, target.context, target.proxy) == (15.0, None, None)
    assert target.limits.ping_interval is None


async def test_a_step_has_its_usual_time_and_tls_its_usual_context() -> None:
    async with scripted(hang) as port:
        target = await Told(arguments_for(f"wss://127.0.0.1:{port}/")).target()
        (await target.route.open(Reply(target.limits))).abort()
    assert target.timeout == DOCTOR_TIMEOUT
    assert target.context is not None and target.context.check_hostname


@pytest.mark.parametrize(
    ("uri", "line"),
    [
        ("http://a.example/", "try ws://a.example/"),
        ("ws://me:secret@nowhere.invalid/", "there is no host nowhere.invalid"),
    ],
)
async def test_a_server_that_is_not_found_is_explained(uri: str, line: str) -> None:
    assert line in await Told(arguments_for(uri)).halt()


async def test_a_port_at_which_nobody_listens_is_explained() -> None:
    told = Told(arguments_for(f"ws://127.0.0.1:{closed_port()}/"))
    assert "refused the connection: nothing listens there" in await told.halt()


async def test_a_proxy_is_dialed_in_place_of_the_server() -> None:
    async with scripted(hang) as port:
        told = Told(through_proxy("ws://a.example/", f"http://me:hunter2@127.0.0.1:{port}"))
        target = await told.target()
    assert isinstance(target.route, ProxyRoute)
    assert target.proxy == f"http://127.0.0.1:{port}"
    assert told.lines[1].endswith(f"http://127.0.0.1:{port}: --proxy")
    assert told.lines[-1].endswith(f"127.0.0.1:{port} takes connections")


async def test_a_proxy_that_is_none_is_explained() -> None:
    line = await Told(through_proxy("ws://a.example/", "nowhere")).halt()
    assert line.startswith("FAIL proxy")


async def test_what_cannot_be_asked_is_refused_before_anything_is_told() -> None:
    told = Told(arguments_for("ws://a.example/", "-H", "Upgrade: x"))
    with pytest.raises(Failure):
        await told.target()
    assert told.lines == []


async def test_passwords_are_hidden() -> None:
    lines, secrets = io.StringIO(), Secrets()
    report = Report(lines.write, secrets, as_json=False)
    arguments = arguments_for("ws://me:hunter2@nowhere.invalid/?ticket=abcdef")
    with pytest.raises(Halted):
        await Approach(arguments, report, secrets).target()
    assert secrets.hide("hunter2 abcdef") == "*** ***"
    assert "hunter2" not in lines.getvalue() and "abcdef" not in lines.getvalue()
