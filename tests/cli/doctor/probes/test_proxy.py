import pytest

from trunkline.cli.doctor.probes import proxy as probe
from trunkline.cli.doctor.probes.proxy import find_proxy
from trunkline.errors import InvalidProxy
from trunkline.protocol.uri import parse_uri

URI = parse_uri("ws://a.example/")
VARIABLES = ("ws", "wss", "http", "https", "socks", "all", "no")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("wanted", "host", "why"),
    [
        (None, None, "--no-proxy"),
        ("http://named.example", "named.example", "--proxy"),
        (True, None, "the environment names none"),
    ],
)
def test_who_decides_is_told(wanted: str | None, host: str | None, why: str) -> None:
    choice = find_proxy(wanted, URI)
    assert (choice.proxy and choice.proxy.host, choice.why) == (host, why)


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_the_variable_of_the_environment_is_named(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.setenv(name, "http://proxy.example:3128")
    choice = find_proxy(True, URI)
    assert choice.proxy is not None and choice.proxy.port == 3128
    assert choice.why == f"{name} of the environment"


def test_an_exception_is_told(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("https_proxy", "http://proxy.example")
    environment.setenv("no_proxy", "a.example")
    choice = find_proxy(True, URI)
    assert choice.proxy is None
    assert choice.why == "NO_PROXY excepts this host from https_proxy"


def test_a_proxy_of_the_system_is_named_as_its_variable(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(probe, "getproxies", lambda: {"socks": "socks5://a"})
    assert probe.reason(True, URI) == "SOCKS_PROXY of the environment"


def test_a_proxy_that_is_none_is_an_error() -> None:
    with pytest.raises(InvalidProxy):
        find_proxy("nowhere", URI)
