"""Which hosts a server answers for: the Host header against DNS rebinding (RFC 9110 §7.4).

A page can point a name of its own at this server, and then it is of the same origin as the server
in the eyes of browser and server both. The name in Host is what gives it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from trunkline.errors import RequestRefused
from trunkline.protocol.http1 import HOST, Request
from trunkline.protocol.ip_address import normalize

DEFAULT_PORTS = (80, 443)
"""Which clients leave out; of which of the two schemes is not known behind a proxy."""

HIGHEST_PORT = 65535
WILDCARD = "*."


@dataclass(frozen=True, slots=True)
class Host:
    """A name and perhaps a port, in the one form in which they are compared.

    Args:
        name: in lower case, without the dot at its end; of an IP address, its usual form.
        port: `None` where there is none.
    """

    name: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a Host header; raise `ValueError` where it is none."""
        match = HOST.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a host")
        # RFC 1034 §3.1: with the dot at its end it is the same name
        name = match["host"].lower().removesuffix(".")
        if name.startswith("["):
            name = f"[{normalize(name[1:-1])}]"
        return cls(name, int(match["port"]) if match["port"] else None)

    @property
    def is_ipv6(self) -> bool:
        """Whether the name is an address in brackets."""
        return self.name.startswith("[")

    @property
    def is_possible(self) -> bool:
        """Whether a client could mean it."""
        return self.name != "" and "*" not in self.name and (self.port or 0) <= HIGHEST_PORT


NOWHERE = Host("", None)


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry of the list: a host, or all that are below one.

    Args:
        host: without a port it stands for every port.
        is_wildcard: whether it stands for the names below it, at any depth, instead of itself.
    """

    host: Host
    is_wildcard: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an entry; raise `ValueError` where no Host header could match it."""
        is_wildcard = text.startswith(WILDCARD)
        try:
            host = Host.parse(text.removeprefix(WILDCARD))
        except ValueError:
            host = NOWHERE
        if not host.is_possible or (is_wildcard and host.is_ipv6):
            hint = "one looks like example.com, *.example.com or [::1]:8000"
            raise ValueError(f"{text!r} is not a host to answer for; {hint}")
        return cls(host, is_wildcard)

    def matches(self, host: Host) -> bool:
        """Whether a host is the one that is allowed, or below it."""
        wanted = self.host
        if self.is_wildcard:
            has_name = host.name.endswith(f".{wanted.name}")
        else:
            has_name = host.name == wanted.name
        is_left_out = host.port is None and wanted.port in DEFAULT_PORTS
        return has_name and (wanted.port is None or host.port == wanted.port or is_left_out)


AllowedHosts = tuple[AllowedHost, ...] | None


def check_hosts(hosts: Sequence[str] | None) -> AllowedHosts:
    """Read the list of hosts that a server answers for, for `check_host()`.

    Args:
        hosts: names, addresses (of IPv6 in brackets) and wildcards like `*.example.com`, each with
            a port or for every port; `None` for any host.

    Raises:
        TypeError: it is one string, or something in it is none.
        ValueError: it has an entry that no Host header could match.
    """
    if isinstance(hosts, str):
        raise TypeError("hosts are a list of strings, not one string")
    for host in hosts or ():
        if not isinstance(host, str):
            raise TypeError(f"a host is a string, not {host!r}")
    return None if hosts is None else tuple(AllowedHost.parse(text) for text in hosts)


def check_host(request: Request, hosts: AllowedHosts, forwarded: str | None = None) -> None:
    """Refuse a request for somebody else's host.

    Args:
        request: with one Host header.
        hosts: what `check_hosts()` gave.
        forwarded: the host that a client asked a trusted proxy for, which then counts instead.

    Raises:
        RequestRefused: with status 421.
    """
    if hosts is None:
        return
    host = Host.parse(forwarded or request.headers["Host"])
    if not any(allowed.matches(host) for allowed in hosts):
        # RFC 9110 §15.5.20: the server is not the one that answers for this host
        reason = "this server does not answer for this Host"
        raise RequestRefused(HTTPStatus.MISDIRECTED_REQUEST, reason)
