"""A PROXY header before the request."""

from typing import Any

import pytest

from trunkline import InvalidMessage
from trunkline.app.admission.preface import ProxyPreface


class Visitor:
    address = "192.0.2.9"


def preface() -> tuple[Any, ProxyPreface]:
    visit: Any = Visitor()
    return visit, ProxyPreface(visit)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (b"PROXY TCP4 198.51.100.7 192.0.2.1 4000 443\r\n", "198.51.100.7"),
        (b"PROXY TCP6 2001:DB8::1 2001:db8::2 4000 443\r\n", "2001:db8::1"),
        (b"PROXY TCP6 ::ffff:198.51.100.7 ::1 4000 443\r\n", "198.51.100.7"),
        (b"PROXY UNKNOWN\r\n", "192.0.2.9"),
    ],
)
def test_the_client_is_known_from_then_on(line: bytes, address: str) -> None:
    visit, reader = preface()
    assert reader.feed(line[:9]) is None
    assert reader.feed(line[9:] + b"GET /") == b"GET /"
    assert visit.address == address


def test_what_is_no_header_is_an_error() -> None:
    visit, reader = preface()
    with pytest.raises(InvalidMessage):
        reader.feed(b"GET / HTTP/1.1\r\n\r\n")
    assert visit.address == "192.0.2.9"
