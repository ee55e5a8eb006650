"""The steps at the server: tunnel, TLS, answer, conversation; each is probed, judged and told."""

from __future__ import annotations

import time
from dataclasses import replace

from trunkline.cli.arguments import DoctorArguments
from trunkline.cli.doctor.facts import Opening, Security, Trial
from trunkline.cli.doctor.findings.answer import is_forbidden, judge_opening
from trunkline.cli.doctor.findings.certificate import judge_certificate
from trunkline.cli.doctor.findings.conversation import judge_goodbye, judge_pulse, judge_silence
from trunkline.cli.doctor.findings.origin import origins_to_try
from trunkline.cli.doctor.findings.proxy import judge_tunnel
from trunkline.cli.doctor.findings.tls import judge_security
from trunkline.cli.doctor.findings.upgrade import judge_agreement, judge_disagreement
from trunkline.cli.doctor.probes.conversation import begin, feel_pulse, keep_silent, say_goodbye
from trunkline.cli.doctor.probes.look import look
from trunkline.cli.doctor.probes.opening import ask, visit
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.probes.securing import secure
from trunkline.cli.doctor.probes.tunnel import open_stream
from trunkline.cli.doctor.question import bare_request, make_question
from trunkline.cli.doctor.report import Halted, Report
from trunkline.cli.doctor.target import Target
from trunkline.engines.engine import Stream
from trunkline.errors import InvalidHandshake
from trunkline.limits import DOCTOR_PINGS
from trunkline.protocol.handshake import Agreement


class Examination:
    """Examines one server.

    Args:
        arguments: what the user was asked for.
        report: takes the steps.
        target: the server.
    """

    def __init__(self, arguments: DoctorArguments, report: Report, target: Target) -> None:
        self._arguments = arguments
        self._report = report
        self._target = target

    async def run(self) -> None:
        """Go all steps, on one stream; raise `Halted` where one has failed."""
        reply = Reply(self._target.limits)
        stream = await self._open(reply)
        try:
            await self._secure(stream)
            opening = await self._ask(stream, reply)
            agreement = self._agree(opening)
            await self._converse(stream, agreement, opening.rest)
        finally:
            stream.abort()

    async def _open(self, reply: Reply) -> Stream:
        stream, tunnel = await open_stream(self._target, reply)
        if self._target.proxy is not None:
            self._report.add(judge_tunnel(tunnel, self._target.proxy))
        if stream is None:
            raise Halted
        return stream

    # TLS

    async def _secure(self, stream: Stream) -> None:
        context, target = self._target.context, self._target
        if context is None:
            return
        security = await secure(stream, context, target.uri.host, target.timeout)
        if security.certificate is None:
            security = await self._look_closer(security)
        certificate = security.certificate
        if certificate is not None:
            self._report.add(judge_certificate(certificate, time.time()))
        self._report.require(judge_security(security))

    async def _look_closer(self, security: Security) -> Security:
        """Find out what the server is that cannot be trusted, or need not."""
        seen = await look(self._target)
        in_the_clear = b""
        if seen is None:
            # Nothing secret goes to whoever listens there.
            request = bare_request(self._target.uri)
            in_the_clear = (await visit(self._target, request, None)).beginning
        certificate = None if seen is None else seen.certificate
        return replace(security, certificate=certificate, look=seen, in_the_clear=in_the_clear)

    # The answer

    async def _ask(self, stream: Stream, reply: Reply) -> Opening:
        opening = await ask(stream, reply, self._target.question.request, self._target.timeout)
        if opening.response is None and self._target.context is None:
            opening = replace(opening, speaks_tls=await look(self._target) is not None)
        trials = await self._try_origins() if is_forbidden(opening.response) else []
        self._report.require(judge_opening(opening, self._arguments.origin, trials))
        return opening

    async def _try_origins(self) -> list[Trial]:
        origins = origins_to_try(self._target.uri, self._arguments.origin)
        return [await self._try_origin(origin) for origin in origins]

    async def _try_origin(self, origin: str | None) -> Trial:
        question = make_question(self._arguments, self._target.uri, origin)
        opening = await visit(self._target, question.request, self._target.context)
        status = None if opening.response is None else opening.response.status_code
        return Trial(origin=origin, status=status)

    def _agree(self, opening: Opening) -> Agreement:
        assert opening.response is not None
        try:
            agreement = self._target.question.check(opening.response)
        except InvalidHandshake as error:
            self._report.add(judge_disagreement(error))
            raise Halted from error
        self._report.add(judge_agreement(agreement))
        return agreement

    # The conversation

    async def _converse(self, stream: Stream, agreement: Agreement, rest: bytes) -> None:
        target, wait = self._target, self._arguments.wait
        connection = begin(stream, agreement, rest, target.limits)
        pulse = await feel_pulse(connection, DOCTOR_PINGS, target.timeout)
        self._report.require(judge_pulse(pulse))
        if wait is not None:
            silence = await keep_silent(connection, stream, wait, target.timeout)
            self._report.require(judge_silence(silence))
        self._report.add(judge_goodbye(await say_goodbye(connection)))
