"""`trunkline doctor`: examine a connection, report, and say whether it works."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from trunkline.cli.arguments import DoctorArguments
from trunkline.cli.console import Console
from trunkline.cli.doctor.approach import Approach
from trunkline.cli.doctor.examination import Examination
from trunkline.cli.doctor.report import Halted, Report
from trunkline.cli.doctor.secrets import Secrets, header_secrets
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.log import log_to


def run_doctor(arguments: DoctorArguments, console: Console) -> ExitCode:
    """Examine a connection.

    Raises:
        Failure: the command line cannot be meant like that.
        KeyboardInterrupt: Ctrl-C.
    """
    secrets = Secrets()
    secrets.learn(header_secrets(arguments.headers))
    report = Report(console.say, secrets, as_json=arguments.json)

    def note(text: str) -> None:
        console.note(secrets.hide(text))

    with log_to(note, arguments.verbosity):
        asyncio.run(examine(arguments, report, secrets))
    report.finish()
    return ExitCode.OK if report.is_good else ExitCode.ERROR


async def examine(arguments: DoctorArguments, report: Report, secrets: Secrets) -> None:
    """Go all steps, as far as they lead.

    Raises:
        Failure: the command line cannot be meant like that.
    """
    with suppress(Halted):
        target = await Approach(arguments, report, secrets).target()
        await Examination(arguments, report, target).run()
