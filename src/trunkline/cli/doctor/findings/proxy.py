"""The proxy: which one, and how it let us through."""

from __future__ import annotations

import ssl
from http import HTTPStatus

from trunkline.app.listening.failure import error_words
from trunkline.cli.doctor.facts import Choice, Tunnel
from trunkline.cli.doctor.findings.tls import explain_tls
from trunkline.cli.doctor.step import Mark, Problem, Step, failed
from trunkline.cli.failures import OS_PROBLEMS
from trunkline.errors import InvalidProxy, ProxyError
from trunkline.protocol.http1 import Response
from trunkline.protocol.refusals import InvalidProxyStatus

NAME = "proxy"
TUNNEL = "tunnel"
WITHOUT = "try --no-proxy, or NO_PROXY with this host in it"
REFUSALS: dict[int, tuple[str, str]] = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: (
        "the proxy wants to know who you are",
        "name it as http://USER:PASSWORD@HOST:PORT",
    ),
    HTTPStatus.FORBIDDEN: (
        "the proxy does not let anybody through to this host and port",
        "many allow port 443 only: try wss://, or ask who runs it",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "this is no proxy that makes tunnels, but perhaps a web server",
        WITHOUT,
    ),
    HTTPStatus.BAD_GATEWAY: ("the proxy cannot reach the server", WITHOUT),
    HTTPStatus.SERVICE_UNAVAILABLE: ("the proxy cannot reach the server", WITHOUT),
    HTTPStatus.GATEWAY_TIMEOUT: ("the proxy waited for the server in vain", WITHOUT),
}
UNKNOWN_REFUSAL = ("the proxy refused the tunnel", WITHOUT)


def judge_proxy(choice: Choice) -> Step:
    """Say which proxy is used, and why."""
    if choice.proxy is None:
        return Step(NAME, Mark.OK, f"none: {choice.why}", facts={"why": choice.why})
    place = f"{choice.proxy.scheme}://{choice.proxy.host}:{choice.proxy.port}"
    facts = {"proxy": place, "why": choice.why}
    return Step(NAME, Mark.OK, f"{place}: {choice.why}", facts=facts)


def judge_wrong(error: InvalidProxy) -> Step:
    """Say what is wrong with the address of a proxy."""
    advice = "write http://HOST:PORT or socks5://HOST:PORT, or try --no-proxy"
    return failed(NAME, Problem(str(error), advice))


def judge_tunnel(tunnel: Tunnel, proxy: str) -> Step:
    """Say how a proxy let us through.

    Args:
        tunnel: what came of it.
        proxy: its address.
    """
    if tunnel.error is None:
        return Step(TUNNEL, Mark.OK, f"{proxy} lets us through", seconds=tunnel.seconds)
    return failed(TUNNEL, explain_tunnel(tunnel.error), tunnel.seconds)


def explain_tunnel(error: Exception) -> Problem:
    """Explain why there is no tunnel."""
    match error:
        case InvalidProxyStatus():
            return explain_refusal(error.response)
        case InvalidProxy():  # python-socks is missing
            return Problem(error.problem, "or use an HTTP proxy")
        case ProxyError():
            return Problem(str(error), "is it a proxy of this kind? --proxy names another one")
        case ssl.SSLError():
            return explain_tls(error)
        case TimeoutError() if error.errno is None:
            return Problem("the proxy does not answer", WITHOUT)
        case OSError():
            return Problem(f"the proxy {error_words(error, OS_PROBLEMS)}", WITHOUT)
        case _:
            return Problem(str(error), WITHOUT)


def explain_refusal(response: Response) -> Problem:
    """Explain a status of the proxy's."""
    what, advice = REFUSALS.get(response.status_code, UNKNOWN_REFUSAL)
    return Problem(f"{what} ({response.status_code} {response.summary()})", advice)
