import socket

import pytest

from trunkline.cli.doctor.facts import Lookup
from trunkline.cli.doctor.findings.lookup import judge_lookup
from trunkline.cli.doctor.step import Mark

UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def found(host: str, *addresses: str) -> Lookup:
    places = [(socket.AF_INET, (address, 80)) for address in addresses]
    return Lookup(host=host, places=places, seconds=0.001)


def test_addresses_are_told() -> None:
    step = judge_lookup(found("a.example", "8.8.8.8", "2606:4700::1"))
    assert (step.mark, step.figure) == (Mark.OK, "1.00 ms")
    assert step.text == "a.example is 8.8.8.8, 2606:4700::1"


def test_an_address_is_not_looked_up() -> None:
    step = judge_lookup(Lookup(host="192.0.2.1", is_needless=True))
    assert (step.mark, step.figure) == (Mark.SKIPPED, "")


@pytest.mark.parametrize(
    ("host", "error", "what", "advice"),
    [
        ("a.com", UNKNOWN, "there is no host a.com", "split horizon"),
        ("a.invalid", UNKNOWN, "there is no host", "names that end in .invalid never exist"),
        ("a.corp.", UNKNOWN, "there is no host", "is a VPN needed?"),
        ("database", UNKNOWN, "there is no host", "a name without a dot"),
        (
            "a.com",
            socket.gaierror(socket.EAI_AGAIN, "x"),
            "the name server does not answer",
            "/etc/resolv.conf",
        ),
        ("a.com", socket.gaierror(-5, "No address"), "has no address (No address)", "spelt"),
        ("a.com", socket.gaierror("odd"), "has no address", "spelt"),
        ("a.com", TimeoutError(), "no name server has answered about a.com", "resolv.conf"),
    ],
)
def test_a_host_without_an_address_is_explained(
    host: str, error: OSError, what: str, advice: str
) -> None:
    step = judge_lookup(Lookup(host=host, error=error))
    assert step.mark is Mark.FAILED
    assert what in step.text
    assert advice in step.advice


@pytest.mark.parametrize(
    ("host", "address", "what"),
    [
        ("a.example", "127.0.0.1", "that is this machine itself"),
        ("a.example", "0.0.0.0", "that is this machine itself"),
        ("a.example", "10.0.0.1", "that is an address of a private network"),
        ("a.example", "fe80::1%eth0", "that is an address of a private network"),
    ],
)
def test_an_address_that_others_would_not_get_raises_a_doubt(
    host: str, address: str, what: str
) -> None:
    step = judge_lookup(found(host, address))
    assert step.mark is Mark.WARNING
    assert step.text.endswith(what)


def test_this_machine_may_be_this_machine() -> None:
    assert judge_lookup(found("chat.localhost", "127.0.0.1")).mark is Mark.OK
