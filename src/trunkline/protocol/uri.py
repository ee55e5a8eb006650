"""WebSocket URIs (RFC 6455 §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, unquote, urlsplit

from trunkline.errors import InvalidURI

DEFAULT_PORTS = {"ws": 80, "wss": 443}
UNSAFE = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")
AUTHORITY = re.compile(r"(?:.*@)?(?:\[[^\[\]]*:[^\[\]]*\]|[^\[\]:]*)(?::[0-9]*)?")
# RFC 3986 §3.2.2, without percent-encoding, which no name server knows
HOST_NAME = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=]+")
# RFC 3986 §2: reserved characters and the percent sign stay as they are
KEEP = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class WebSocketURI:
    """The parts of a ws:// or wss:// address.

    `path` is never empty; `username` and `password` are decoded.
    """

    secure: bool
    host: str
    port: int
    path: str
    query: str
    username: str | None = None
    password: str | None = None

    @property
    def scheme(self) -> str:
        """`ws` or `wss`."""
        return "wss" if self.secure else "ws"

    @property
    def resource_name(self) -> str:
        """Path and query, as they stand in the request line (RFC 6455 §3)."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def host_header(self) -> str:
        """The value of Host: the port only where it is not the default (RFC 6455 §4.1)."""
        # RFC 6874 §4: the zone of an IPv6 address means nothing to anybody else
        return self._authority(self.host.partition("%")[0])

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what two addresses share that may share credentials."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        """Give the address for logs and error texts: without credentials, and without the query.

        Either may hold a token.
        """
        authority = self._authority(self.host.replace("%", "%25"))
        return f"{self.scheme}://{authority}{self.path}"

    def _authority(self, host: str) -> str:
        bracketed = f"[{host}]" if ":" in host else host
        is_default = self.port == DEFAULT_PORTS[self.scheme]
        return bracketed if is_default else f"{bracketed}:{self.port}"


def parse_uri(uri: str) -> WebSocketURI:
    """Parse a WebSocket address.

    Raises:
        InvalidURI: another scheme, no host or a wrong one, a fragment, a port out of range,
            white space.
    """
    # urlsplit() would drop tabs and line ends without a word
    if UNSAFE.search(uri):
        raise InvalidURI(uri, "it has white space or a control character")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise InvalidURI(uri, str(error)) from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise InvalidURI(uri, "it does not begin with ws:// or wss://")
    if not parts.hostname:
        raise InvalidURI(uri, "it has no host")
    # urlsplit() would drop what stands between a bracket and the port, too
    if not AUTHORITY.fullmatch(parts.netloc):
        raise InvalidURI(uri, "its host cannot be read")
    if port == 0:
        raise InvalidURI(uri, "nobody listens on port 0")
    # RFC 6455 §3: fragment identifiers are meaningless and must not be used
    if "#" in uri:
        raise InvalidURI(uri, "it has a fragment, which only pages have")
    return WebSocketURI(
        secure=scheme == "wss",
        host=ascii_host(uri, parts.hostname),
        port=DEFAULT_PORTS[scheme] if port is None else port,
        path=quote(parts.path, safe=KEEP) or "/",
        query=quote(parts.query, safe=KEEP),
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.username is None else unquote(parts.password or ""),
    )


def ascii_host(uri: str, host: str) -> str:
    """Give the host as it travels (RFC 3490 for names that are not ASCII)."""
    # RFC 6874 §2: the sign before the zone of an IPv6 address stands encoded
    address = host.replace("%25", "%", 1)
    if ":" in host and is_ipv6(address):
        return address
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not HOST_NAME.fullmatch(name):
        raise InvalidURI(uri, f"{host!r} cannot be a host name")
    return name


def is_ipv6(address: str) -> bool:
    """Whether `address` is one of IPv6."""
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True
