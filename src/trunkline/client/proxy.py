"""Through a proxy: HTTP CONNECT by our own handshake code, SOCKS by python-socks."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from trunkline.client.answer import Answer
from trunkline.engines.engine import Address, Engine, Stream, Tls
from trunkline.errors import InvalidMessage, InvalidProxy, ProxyError
from trunkline.limits import Limits
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request
from trunkline.protocol.refusals import InvalidProxyStatus
from trunkline.protocol.uri import WebSocketURI

DEFAULT_PORTS = {
    "http": 80,
    "https": 443,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}
# The first one that is set counts. HTTP proxies are asked for tunnels, so one that is meant for
# https:// is meant for these (RFC 6455 §4.1).
VARIABLES = {"wss": ("wss", "socks", "https"), "ws": ("ws", "socks", "https", "http")}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is, and how it is spoken to."""

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str | None = None

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, not HTTP."""
        return self.scheme.startswith("socks")


def choose_proxy(proxy: str | Literal[True] | None, uri: WebSocketURI) -> Proxy | None:
    """Give the proxy for `uri`: the named one, or with `True` that of the environment.

    Raises:
        InvalidProxy: its address cannot be used.
    """
    address = environment_proxy(uri) if proxy is True else proxy
    return None if address is None else parse_proxy(address)


def environment_proxy(uri: WebSocketURI) -> str | None:
    """Look for HTTPS_PROXY, SOCKS_PROXY and the like, and heed NO_PROXY."""
    if proxy_bypass(f"{uri.host}:{uri.port}"):
        return None
    proxies = getproxies()
    return next((proxies[name] for name in VARIABLES[uri.scheme] if name in proxies), None)


def parse_proxy(address: str) -> Proxy:
    """Parse the address of a proxy, like `http://user:password@host:port`."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise InvalidProxy(address, str(error)) from None
    if parts.scheme not in DEFAULT_PORTS:
        schemes = ", ".join(DEFAULT_PORTS)
        raise InvalidProxy(address, f"its scheme is not one of {schemes}")
    if not parts.hostname:
        raise InvalidProxy(address, "it has no host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidProxy(address, "it has a path")
    return Proxy(
        scheme=parts.scheme,
        host=parts.hostname,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.username is None else unquote(parts.password or ""),
    )


def basic_credentials(username: str, password: str) -> str:
    """Give the value of Authorization and Proxy-Authorization (RFC 7617)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


# HTTP


async def open_tunnel(
    engine: Engine,
    proxy: Proxy,
    uri: WebSocketURI,
    *,
    context: ssl.SSLContext | None,
    limits: Limits,
    user_agent: str | None,
) -> Stream:
    """Ask an HTTP proxy for a tunnel to the server of `uri` (RFC 9110 §9.3.6).

    Args:
        engine: opens the stream.
        proxy: with scheme http or https.
        uri: says where the tunnel leads.
        context: TLS to the proxy itself.
        limits: of the answer.
        user_agent: value of User-Agent.

    Raises:
        InvalidProxyStatus: the proxy refused.
        ProxyError: it does not speak HTTP.
        OSError: it cannot be reached.
    """
    answer = Answer(limits, tunnel=True)
    tls = None if context is None else Tls(context=context, server_hostname=proxy.host)
    address = Address(host=proxy.host, port=proxy.port)
    stream = await engine.connect(address, answer, tls=tls, write_limit=limits.write_limit)
    try:
        stream.write(make_connect_request(proxy, uri, user_agent).serialize())
        response, rest = await answer.received()
        if not answer.is_success(response.status_code):
            raise InvalidProxyStatus(response)
        if rest:
            raise ProxyError("the proxy sent bytes of its own into the tunnel")
    except InvalidMessage as error:
        stream.abort()
        raise ProxyError(f"the proxy does not speak HTTP: {error}") from error
    except BaseException:
        stream.abort()
        raise
    return stream


def make_connect_request(proxy: Proxy, uri: WebSocketURI, user_agent: str | None) -> Request:
    """Make the request for a tunnel."""
    host = f"[{uri.host}]" if ":" in uri.host else uri.host
    authority = f"{host}:{uri.port}"
    headers = Headers({"Host": authority})
    if user_agent is not None:
        headers["User-Agent"] = user_agent
    if proxy.username is not None:
        credentials = basic_credentials(proxy.username, proxy.password or "")
        headers["Proxy-Authorization"] = credentials
    return Request(authority, headers, method="CONNECT")


# SOCKS


async def open_socks(proxy: Proxy, uri: WebSocketURI) -> socket.socket:
    """Ask a SOCKS proxy for a way to the server of `uri`.

    Raises:
        InvalidProxy: python-socks is not installed.
        ProxyError: the proxy refused.
        OSError: it cannot be reached.
    """
    try:
        from python_socks import ProxyError as SocksError
        from python_socks import ProxyType
        from python_socks.async_.asyncio import Proxy as SocksProxy
    except ImportError:
        problem = "SOCKS needs python-socks: pip install 'trunkline[socks]'"
        raise InvalidProxy(f"{proxy.scheme}://{proxy.host}:{proxy.port}", problem) from None
    kind = ProxyType.SOCKS4 if proxy.scheme.startswith("socks4") else ProxyType.SOCKS5
    # The letters at the end stand for names that the proxy looks up, not this machine.
    remote_names = proxy.scheme in ("socks4a", "socks5h")
    socks = SocksProxy(
        kind, proxy.host, proxy.port, proxy.username, proxy.password, rdns=remote_names
    )
    try:
        return await socks.connect(uri.host, uri.port)
    except SocksError as error:
        raise ProxyError(f"the SOCKS proxy refused: {error}") from error
