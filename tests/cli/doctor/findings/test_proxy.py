import errno
import ssl

import pytest

from trunkline.cli.doctor.facts import Choice, Tunnel
from trunkline.cli.doctor.findings.proxy import judge_proxy, judge_tunnel, judge_wrong
from trunkline.cli.doctor.step import Mark
from trunkline.client.proxy import Proxy
from trunkline.errors import InvalidProxy, ProxyError, SecurityError
from trunkline.protocol.http1 import Response
from trunkline.protocol.refusals import InvalidProxyStatus

PROXY = Proxy("http", "proxy.example", 3128, "me", "secret")


def tls_error() -> ssl.SSLError:
    error = ssl.SSLError(1, "odd")
    error.reason = "VERY_ODD_THING"
    return error


def refusal(status: int) -> InvalidProxyStatus:
    return InvalidProxyStatus(Response(status, "No"))


def test_the_proxy_is_named_without_its_password() -> None:
    step = judge_proxy(Choice(proxy=PROXY, why="--proxy"))
    assert step.mark is Mark.OK
    assert step.text == "http://proxy.example:3128: --proxy"


def test_no_proxy_has_a_reason() -> None:
    step = judge_proxy(Choice(proxy=None, why="--no-proxy"))
    assert step.text == "none: --no-proxy"


def test_a_wrong_address_is_explained() -> None:
    step = judge_wrong(InvalidProxy("nowhere", "it has no host"))
    assert step.mark is Mark.FAILED
    assert step.text == "'nowhere' is not the address of a proxy: it has no host"


def test_a_tunnel_is_told() -> None:
    step = judge_tunnel(Tunnel(seconds=0.001), "http://proxy.example:3128")
    assert step.mark is Mark.OK
    assert step.text == "http://proxy.example:3128 lets us through"


@pytest.mark.parametrize(
    ("error", "what", "advice"),
    [
        (refusal(407), "the proxy wants to know who you are (407 No)", "http://USER:PASSWORD@"),
        (refusal(403), "does not let anybody through to this host", "port 443 only"),
        (refusal(502), "the proxy cannot reach the server", "--no-proxy"),
        (refusal(599), "the proxy refused the tunnel (599 No)", "--no-proxy"),
        (InvalidProxy("x", "SOCKS needs python-socks"), "SOCKS needs", "or use an HTTP proxy"),
        (ProxyError("it does not speak HTTP"), "it does not speak HTTP", "--proxy names another"),
        (tls_error(), "TLS fails", "log"),
        (TimeoutError(), "the proxy does not answer", "--no-proxy"),
        (OSError(errno.ECONNREFUSED, "x"), "the proxy refused the connection", "--no-proxy"),
        (SecurityError("odd"), "odd", "--no-proxy"),
    ],
)
def test_a_tunnel_that_fails_is_explained(error: Exception, what: str, advice: str) -> None:
    step = judge_tunnel(Tunnel(seconds=0.001, error=error), "http://proxy.example:3128")
    assert step.mark is Mark.FAILED
    assert what in step.text
    assert advice in step.advice
