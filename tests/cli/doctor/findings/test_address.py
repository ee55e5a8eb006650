import pytest

from trunkline.cli.doctor.findings.address import judge_address, judge_wrong
from trunkline.cli.doctor.step import Mark, Step
from trunkline.errors import InvalidURI
from trunkline.protocol.uri import parse_uri


def judged(address: str) -> Step:
    try:
        return judge_address(parse_uri(address), address)
    except InvalidURI as error:
        return judge_wrong(error)


@pytest.mark.parametrize(
    ("address", "problem", "advice"),
    [
        ("http://a.example/b", "does not begin with ws:// or wss://", "try ws://a.example/b"),
        ("a.example/b", "does not begin with ws:// or wss://", "try ws://a.example/b"),
        ("ftp://a.example/b", "does not begin with ws://", "write ws://HOST:PORT/PATH, or wss://"),
        ("ws://a.example/b#c", "it has a fragment", "leave out # and what is behind it"),
        ("ws:///b", "it has no host", "write ws://HOST:PORT/PATH"),
    ],
)
def test_a_wrong_address_is_explained(address: str, problem: str, advice: str) -> None:
    step = judged(address)
    assert step.mark is Mark.FAILED
    assert step.text.startswith(f"{address} is not a WebSocket address: ")
    assert problem in step.text
    assert advice in step.advice


def test_an_address_is_told_in_its_parts() -> None:
    step = judged("wss://a.example:8443/b?c=d")
    assert step.mark is Mark.OK
    assert step.text == "a.example:8443 by wss://, port 8443, path /b?c=d"
    assert step.facts == {"scheme": "wss", "host": "a.example", "port": 8443, "path": "/b?c=d"}


@pytest.mark.parametrize("address", ["ws://a.example/", "ws://a.example?b", "ws://a.example/b"])
def test_an_address_with_a_path_raises_no_doubt(address: str) -> None:
    expected = Mark.WARNING if "?" in address else Mark.OK
    assert judged(address).mark is expected


def test_a_missing_path_raises_a_doubt() -> None:
    step = judged("ws://a.example")
    assert step.mark is Mark.WARNING
    assert step.text.endswith("it has no path, so the server is asked for /")


@pytest.mark.parametrize(
    ("address", "other"), [("ws://a.example:443/b", "wss"), ("wss://a.example:80/b", "ws")]
)
def test_the_port_of_the_other_scheme_raises_a_doubt(address: str, other: str) -> None:
    step = judged(address)
    assert step.mark is Mark.WARNING
    assert f"usually speaks {other}://" in step.text
    assert step.advice == f"perhaps {other}:// is meant"
