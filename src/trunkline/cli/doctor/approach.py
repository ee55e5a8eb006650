"""The first steps: from what the user has written to an address that takes connections."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.cli.arguments import DoctorArguments
from trunkline.cli.doctor.findings import address as address_findings
from trunkline.cli.doctor.findings import proxy as proxy_findings
from trunkline.cli.doctor.findings.dialing import judge_dials
from trunkline.cli.doctor.findings.lookup import judge_lookup
from trunkline.cli.doctor.probes.dialing import dial_all
from trunkline.cli.doctor.probes.lookup import look_up
from trunkline.cli.doctor.probes.proxy import find_proxy
from trunkline.cli.doctor.question import make_question
from trunkline.cli.doctor.report import Halted, Report
from trunkline.cli.doctor.route import DirectRoute, ProxyRoute, Route
from trunkline.cli.doctor.secrets import Secrets, query_secrets, user_secrets
from trunkline.cli.doctor.target import Target
from trunkline.cli.tls import client_context
from trunkline.client.connect import USER_AGENT
from trunkline.client.opening import default_context
from trunkline.client.proxy import Proxy
from trunkline.engines.happy_eyeballs import Place
from trunkline.errors import InvalidProxy, InvalidURI
from trunkline.limits import DOCTOR_TIMEOUT, Limits
from trunkline.protocol.uri import WebSocketURI, parse_uri


class Approach:
    """Finds the way to a server.

    Args:
        arguments: what the user was asked for.
        report: takes the steps.
        secrets: learns what must not be shown.
    """

    def __init__(self, arguments: DoctorArguments, report: Report, secrets: Secrets) -> None:
        self._arguments = arguments
        self._report = report
        self._secrets = secrets
        self._timeout = DOCTOR_TIMEOUT if arguments.timeout is None else arguments.timeout
        # A keep-alive would break the silence that is to be tried.
        self._limits = Limits(close_timeout=self._timeout, ping_interval=None)

    async def target(self) -> Target:
        """Go the way from the address to a host that answers.

        Raises:
            Halted: a step has failed.
            Failure: the command line cannot be meant like that.
        """
        context = client_context(self._arguments)
        uri = self._read_address()
        question = make_question(self._arguments, uri, self._arguments.origin)
        self._report.add(address_findings.judge_address(uri, self._arguments.uri))
        proxy = self._find_proxy(uri)
        return Target(
            uri=uri,
            question=question,
            route=await self._find_route(uri, proxy),
            proxy=f"{proxy.scheme}://{proxy.host}:{proxy.port}" if proxy else None,
            context=(context or default_context()) if uri.secure else None,
            limits=self._limits,
            timeout=self._timeout,
        )

    def _read_address(self) -> WebSocketURI:
        try:
            uri = parse_uri(self._arguments.uri)
        except InvalidURI as error:
            self._report.add(address_findings.judge_wrong(error))
            raise Halted from error
        self._secrets.learn(user_secrets(uri.username, uri.password) | query_secrets(uri.query))
        return uri

    def _find_proxy(self, uri: WebSocketURI) -> Proxy | None:
        try:
            choice = find_proxy(self._arguments.proxy, uri)
        except InvalidProxy as error:
            self._report.add(proxy_findings.judge_wrong(error))
            raise Halted from error
        if choice.proxy is not None:
            self._secrets.learn(user_secrets(choice.proxy.username, choice.proxy.password))
        self._report.add(proxy_findings.judge_proxy(choice))
        return choice.proxy

    async def _find_route(self, uri: WebSocketURI, proxy: Proxy | None) -> Route:
        """Look up and dial the server, or the proxy in its place."""
        host, port = (uri.host, uri.port) if proxy is None else (proxy.host, proxy.port)
        lookup = await look_up(host, port, self._timeout)
        self._report.require(judge_lookup(lookup))
        route = await self._dial(lookup.places)
        if proxy is None:
            return route
        route.close()
        return ProxyRoute(proxy, uri, self._limits, USER_AGENT)

    async def _dial(self, places: Sequence[Place]) -> DirectRoute:
        dials = await dial_all(places, self._timeout)
        for step in judge_dials(dials):
            self._report.add(step)
        for dial in dials:
            if dial.sock is not None:
                return DirectRoute(dial.place, dial.sock, self._limits.write_limit)
        raise Halted
