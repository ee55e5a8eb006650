"""What an application was told about strangers."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.auth.choice import AnyOf, OrAnonymous
from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate
from trunkline.server.hosts import AllowedHosts
from trunkline.server.origin import Origins, SameOrigin
from trunkline.server.trust import TrustedProxies

WITHOUT_PROXIES = "needs trusted_proxies, the addresses of your proxies: nobody else is believed"

AppAuthenticator = AnyOf | OrAnonymous | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Of a whole application; a route may have its own origins, authenticator and limits.

    Args:
        origins: pages that may connect, and read answers over HTTP.
        hosts: names that the server answers for.
        authenticator: says who somebody is; `None` lets everybody in.
        limits: of connections, messages and times.
        proxies: are believed when they say for whom they ask.
        proxy_protocol: whether trusted proxies begin each connection with a PROXY header, which
            comes before TLS.
        deflate: compression that the server is willing to do.
    """

    origins: Origins
    hosts: AllowedHosts
    authenticator: AppAuthenticator
    limits: Limits
    proxies: TrustedProxies
    proxy_protocol: bool
    deflate: Deflate | None

    def __post_init__(self) -> None:
        """Refuse words of proxies that nobody would believe."""
        if not self.proxies and self.proxy_protocol:
            raise ValueError(f"proxy_protocol=True {WITHOUT_PROXIES}")
        if self.proxies.header is not None and not self.proxies:
            raise ValueError(f"forwarding_header={self.proxies.header!r} {WITHOUT_PROXIES}")

    def describe(self) -> str:
        """Say in one line who may connect: for the log, when the application starts."""
        pages = describe_origins(self.origins)
        hosts = "any" if self.hosts is None else len(self.hosts)
        who = "nobody is asked who they are" if self.authenticator is None else "after signing in"
        return f"pages that may connect: {pages}; hosts: {hosts}; {who}"

    def insecurities(self) -> list[str]:
        """Name what was switched off that is on for a reason; logged, and told by `/health`."""
        return name_insecurities(self.origins, self.limits)


WITHOUT_LIMIT = {
    "max_connections": "one client can take all there is",
    "max_connections_per_address": "one client can take all there is",
    "handshake_rate": "one client can take all there is",
    "max_size": "one message can take all memory",
    "open_timeout": "who says nothing stays for ever",
    "message_rate": "one client can keep the process busy",
    "byte_rate": "one client can keep the process busy",
    "control_rate": "one client can keep the process busy",
    "ping_interval": "who has gone without a word stays for ever",
    "ping_timeout": "who has gone without a word stays for ever",
}
"""What may happen where a limit is `None`."""


def name_insecurities(origins: Origins, limits: Limits) -> list[str]:
    """Name what is switched off, for an application or for a route of its own mind."""
    found = []
    if origins is None:
        found.append("origins=None: any page may connect, with the cookies of its visitor")
    off = (name for name in WITHOUT_LIMIT if getattr(limits, name) is None)
    return found + [f"{name}=None: {WITHOUT_LIMIT[name]}" for name in off]


def describe_origins(origins: Origins) -> str:
    """Say which pages a policy means, and whether it means who is none and sends no Origin."""
    others = ", and whoever sends no Origin"
    if origins is None:
        return "all of them" + others
    if isinstance(origins, SameOrigin):
        return "those of the host that they connect to" + others
    named = [str(getattr(origin, "pattern", origin)) for origin in origins if origin is not None]
    return (", ".join(named) or "none") + (others if None in origins else ", and nobody else")
