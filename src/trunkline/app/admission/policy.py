"""What an application was told about strangers."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.auth.choice import AnyOf, OrAnonymous
from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate
from trunkline.server.hosts import AllowedHosts
from trunkline.server.origin import Origins, SameOrigin
from trunkline.server.trust import TrustedProxies

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

    def describe(self) -> str:
        """Say in one line who may connect: for the log, when the application starts."""
        pages = describe_origins(self.origins)
        hosts = "any host" if self.hosts is None else f"{len(self.hosts)} hosts"
        who = "nobody is asked who they are" if self.authenticator is None else "after signing in"
        return f"pages that may connect: {pages}; for {hosts}; {who}"

    def insecurities(self) -> list[str]:
        """Name what was switched off that is on for a reason; logged, and told by `/health`."""
        found = []
        if self.origins is None:
            found.append("origins=None: any page may connect, with the cookies of its visitor")
        limits = self.limits
        for name in ("max_connections", "max_connections_per_address", "handshake_rate"):
            if getattr(limits, name) is None:
                found.append(f"{name}=None: one client can take all there is")
        if limits.max_size is None:
            found.append("max_size=None: one message can take all memory")
        if limits.open_timeout is None:
            found.append("open_timeout=None: who says nothing stays for ever")
        return found


def describe_origins(origins: Origins) -> str:
    """Say which pages a policy means."""
    if origins is None:
        return "all of them"
    if isinstance(origins, SameOrigin):
        return "those of the host that they connect to"
    named = [str(getattr(origin, "pattern", origin)) for origin in origins if origin is not None]
    return ", ".join(named) or "none"
