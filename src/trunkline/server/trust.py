"""Which proxies are believed, and who their client is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

from trunkline.errors import RequestRefused
from trunkline.protocol.forwarded import Hop, parse_forwarded, parse_x_forwarded
from trunkline.protocol.headers import Headers
from trunkline.protocol.ip_address import normalize, parse_ip

Network = IPv4Network | IPv6Network
ForwardingHeader = Literal["Forwarded", "X-Forwarded-For"]

UNIX = "unix"
"""In place of an address: whoever comes by a Unix socket."""

SECURE_SCHEMES = {"https": True, "wss": True, "http": False, "ws": False}
MAPPED = IPv6Network("::ffff:0:0/96")
"""IPv4 in the clothes of IPv6 (RFC 4291 §2.5.5.2)."""

READERS: dict[ForwardingHeader, Callable[[Headers], list[Hop]]] = {
    "Forwarded": parse_forwarded,
    "X-Forwarded-For": parse_x_forwarded,
}


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request, as far as is known.

    Args:
        address: IP address, `unix`, or what a trusted proxy calls it: `unknown`, `_hidden`.
        port: of that address, where a proxy tells it.
        is_secure: whether it spoke TLS with the outermost trusted proxy; `None`: nobody says so.
        host: the Host header with which it asked that proxy; `None`: nobody says so.
    """

    address: str
    port: int | None = None
    is_secure: bool | None = None
    host: str | None = None


class TrustedProxies:
    """The proxies that are believed when they say for whom they ask.

    A client can send any header, and a proxy passes on those that it does not set itself. So
    without `header` only addresses are believed, which nobody can forge through a proxy that sets
    at least one of the two headers: where both are there and name different clients, the request
    is refused. With `header`, that one is believed, the other is not looked at, and scheme and
    host are believed as well: X-Forwarded-Proto, -Host and -Port belong to X-Forwarded-For. So
    name the header that each of your proxies sets or removes, with everything that belongs to it.

    Args:
        networks: addresses and networks of proxies: `127.0.0.1`, `10.0.0.0/8`, `::1`, and `unix`
            for whoever comes by a Unix socket.
        header: `Forwarded` or `X-Forwarded-For`.

    Raises:
        TypeError: `networks` is one string.
        ValueError: one of them is no network, or there is no such header.
    """

    def __init__(
        self, networks: Sequence[str] = (), *, header: ForwardingHeader | None = None
    ) -> None:
        if isinstance(networks, str):
            raise TypeError("trusted proxies are a list of networks, not one string")
        if header is not None and header not in READERS:
            raise ValueError(f"header is 'Forwarded' or 'X-Forwarded-For', not {header!r}")
        self._trusts_unix = UNIX in networks
        self._networks = tuple(parse_network(text) for text in networks if text != UNIX)
        self.header = header
        """The one that is believed; `None`: either, for addresses only."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._trusts_unix or bool(self._networks)

    def is_trusted(self, address: str) -> bool:
        """Whether somebody at this address is one of the proxies.

        Args:
            address: IP address; `unix` or an empty one for a Unix socket.
        """
        if address in ("", UNIX):
            return self._trusts_unix
        try:
            ip = parse_ip(address.partition("%")[0])
        except ValueError:
            return False
        return any(ip in network for network in self._networks)

    def client_of(self, peer_address: str, headers: Headers) -> Client:
        """Give who is behind a request.

        What proxies say is followed from the nearest one on, as long as they are trusted; whoever
        comes first that is not is the client, and what was said by him is not looked at.

        Args:
            peer_address: of the socket; an empty one for a Unix socket.
            headers: of the request.

        Raises:
            RequestRefused: with status 400, where a trusted proxy says what cannot be read, or
                two headers contradict each other.
        """
        peer = Client(normalize(peer_address) or UNIX)
        if not self.is_trusted(peer.address):
            return peer
        if self.header is not None:
            return self._follow(peer, read_hops(self.header, headers))
        found = [
            self._follow(peer, read_hops(name, headers)) for name in READERS if name in headers
        ]
        if len({client.address for client in found}) > 1:
            reason = "Forwarded and X-Forwarded-For name different clients"
            raise RequestRefused(HTTPStatus.BAD_REQUEST, reason)
        return Client(found[0].address, found[0].port) if found else peer

    def _follow(self, client: Client, hops: list[Hop]) -> Client:
        for hop in hops:
            if not self.is_trusted(client.address):
                break
            client = behind(client, hop)
            # Whom this one asked for is not told, so the next words are nobody's.
            if hop.address is None:
                break
        return client


def behind(proxy: Client, hop: Hop) -> Client:
    """Give the client of a trusted proxy; what it does not say is as the one before it said."""
    is_secure = SECURE_SCHEMES.get(hop.scheme or "", proxy.is_secure)
    host = hop.host or proxy.host
    if hop.address is None:
        return Client(proxy.address, proxy.port, is_secure, host)
    return Client(hop.address, hop.port, is_secure, host)


def read_hops(name: ForwardingHeader, headers: Headers) -> list[Hop]:
    """Read one kind of headers, or refuse what cannot be read."""
    try:
        return READERS[name](headers)
    except ValueError as error:
        reason = f"{name} of the proxy cannot be read: {error}"
        raise RequestRefused(HTTPStatus.BAD_REQUEST, reason) from None


def parse_network(text: str) -> Network:
    """Read a network; raise `ValueError` where it is none, or never that of a proxy."""
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network of trusted proxies: {error}") from None
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        raise ValueError(f"{text!r} is a network of IPv4; write it like 10.0.0.0/8")
    return network
