"""Addresses: refused only as documented; what was understood means the same when written out."""

from trunkline.errors import InvalidURI
from trunkline.protocol.uri import parse_uri


def run(data: bytes) -> None:
    """Parse an address, write it, and parse it again."""
    try:
        parsed = parse_uri(data.decode("utf-8", "surrogateescape"))
    except InvalidURI:
        return
    assert parsed.host and parsed.path.startswith("/") and 0 < parsed.port <= 65535
    assert parsed.resource_name.isascii() and parsed.host_header.isascii()
    again = parse_uri(f"{parsed}?{parsed.query}")
    assert (again.origin, again.resource_name) == (parsed.origin, parsed.resource_name)
