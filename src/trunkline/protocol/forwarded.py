"""What proxies say of a request: Forwarded (RFC 7239), and the X-Forwarded headers before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from trunkline.protocol.headers import QUOTED_PAIR, QUOTED_STRING, TOKEN, Headers
from trunkline.protocol.http1 import HOST
from trunkline.protocol.ip_address import parse_ip

UNKNOWN = "unknown"
"""What a proxy calls whom it does not know (RFC 7239 §6.2)."""

HIGHEST_PORT = 65535
DEFAULT_PORTS = (80, 443)
"""Of both schemes: hosts come without them."""

SHOWN_LENGTH = 60
"""Characters of a value that an error text repeats."""


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says of the request that came to it; `None` is what it does not say.

    Args:
        address: whence it came: an IP address, `unknown`, or what the proxy calls it, such as
            `_hidden` (RFC 7239 §6.3).
        port: whence it came.
        scheme: by which it came, such as `https`.
        host: the Host header with which it came.
    """

    address: str | None = None
    port: int | None = None
    scheme: str | None = None
    host: str | None = None


Node = tuple[str, int | None]
"""Name and port of a hop."""


def make_hop(node: Node | None, scheme: str | None, host: str | None) -> Hop:
    """Make a hop of what is told of it."""
    address, port = node or (None, None)
    return Hop(address, port, scheme, host)


# Values


NODE = re.compile(
    r"(?:(?P<ipv4>[0-9.]+)|\[(?P<ipv6>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]"
    r"|(?P<name>(?i:unknown)|_[A-Za-z0-9._\-]+))"
    r"(?::(?:(?P<port>[0-9]+)|_[A-Za-z0-9._\-]+))?"
)
PORT = re.compile(r"[0-9]{1,5}")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")


def shown(text: str) -> str:
    """Give a value as an error text repeats it."""
    return repr(text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…")


def parse_node(text: str) -> Node:
    """Give name and port of a node: `192.0.2.43:47011`, `[2001:db8::17]`, `unknown`, `_hidden`.

    A port that is hidden behind a name is `None` (RFC 7239 §6).

    Raises:
        ValueError: it is none.
    """
    match = NODE.fullmatch(text)
    if match is None:
        raise ValueError(f"{shown(text)} is not the address of a client")
    port = None if match["port"] is None else parse_port(match["port"])
    name: str | None = match["name"]
    if name is None:
        return str(parse_ip(match["ipv4"] or match["ipv6"])), port
    return name if name.startswith("_") else UNKNOWN, port


def parse_port(text: str) -> int:
    """Read a port; raise `ValueError` where it is none."""
    if not PORT.fullmatch(text) or int(text) > HIGHEST_PORT:
        raise ValueError(f"{shown(text)} is not a port, 0 to {HIGHEST_PORT:,}")
    return int(text)


def parse_scheme(text: str) -> str:
    """Read a scheme (RFC 3986 §3.1); raise `ValueError` where it is none."""
    if not SCHEME.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a scheme")
    return text.lower()


def parse_host(text: str) -> str:
    """Read a Host header; raise `ValueError` where it is none."""
    if not HOST.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a host")
    return text


# Forwarded (RFC 7239 §4)


PAIR = re.compile(
    rf"[ \t]*(?:(?P<name>{TOKEN.pattern})=(?:(?P<token>{TOKEN.pattern})|{QUOTED_STRING.pattern}))?"
    r"[ \t]*(?P<mark>[;,]|\Z)"
)


def parse_forwarded(headers: Headers) -> list[Hop]:
    """Give what the Forwarded headers say, the nearest proxy first.

    Raises:
        ValueError: one of them breaks the grammar.
    """
    # A line that is cut within a quoted string must not go on in the next one.
    lines = headers.get_all("Forwarded")
    hops = [read_element(pairs) for line in lines for pairs in split_elements(line)]
    return hops[::-1]


def split_elements(line: str) -> Iterator[dict[str, str]]:
    """Give the parameters of each element that is not empty, in order, names in lower case."""
    position, pairs = 0, dict[str, str]()
    mark = ","
    while mark:
        match = PAIR.match(line, position)
        if match is None:
            raise ValueError(f"{shown(line[position:])} is not a parameter and its value")
        add_pair(pairs, match)
        position, mark = match.end(), match["mark"]
        if mark != ";" and pairs:
            yield pairs
            pairs = {}


def add_pair(pairs: dict[str, str], match: re.Match[str]) -> None:
    """Add the parameter that was found, if there is one between two marks."""
    if match["name"] is None:
        return
    name = match["name"].lower()
    # RFC 7239 §4: each parameter is there at most once in an element
    if name in pairs:
        raise ValueError(f"{shown(name)} is there twice in one element")
    quoted: str = match[3] or ""
    pairs[name] = match["token"] or QUOTED_PAIR.sub(r"\1", quoted)


def read_element(pairs: dict[str, str]) -> Hop:
    """Make a hop of the parameters of an element; others than these three do not matter."""
    return make_hop(
        parse_node(pairs["for"]) if "for" in pairs else None,
        parse_scheme(pairs["proto"]) if "proto" in pairs else None,
        parse_host(pairs["host"]) if "host" in pairs else None,
    )


# X-Forwarded-For, -Proto, -Host and -Port: no standard; lists, or one value of the last proxy


def parse_x_forwarded(headers: Headers) -> list[Hop]:
    """Give what the X-Forwarded headers say, the nearest proxy first.

    Of each header the last value is the nearest proxy's, the one before that of the proxy behind
    it, and so on: what stands farthest to the left may be anybody's.

    Raises:
        ValueError: a value is not what belongs there.
    """
    clients = [parse_client(text) for text in values_of(headers, "X-Forwarded-For")]
    schemes = [parse_scheme(text) for text in values_of(headers, "X-Forwarded-Proto")]
    hosts = [parse_host(text) for text in values_of(headers, "X-Forwarded-Host")]
    ports = [parse_port(text) for text in values_of(headers, "X-Forwarded-Port")]
    lists = zip_longest(clients, schemes, hosts, ports)
    return [make_hop(client, scheme, with_port(host, port)) for client, scheme, host, port in lists]


def values_of(headers: Headers, name: str) -> list[str]:
    """Give the values of a header, the last one first."""
    items = (headers.get_list(name) or "").split(",")
    # RFC 9110 §5.6.1.2: empty elements do not count
    return [item.strip(" \t") for item in items if item.strip(" \t")][::-1]


def parse_client(text: str) -> Node:
    """Read a value of X-Forwarded-For: a node, or an address of IPv6 without brackets."""
    if not text.startswith("[") and text.count(":") > 1:
        return str(parse_ip(text)), None
    return parse_node(text)


def with_port(host: str | None, port: int | None) -> str | None:
    """Complete a host by the port that a proxy was reached at, if both are told apart."""
    match = None if host is None else HOST.fullmatch(host)
    if match is None or match["port"] is not None or port is None or port in DEFAULT_PORTS:
        return host
    return f"{host}:{port}"
