"""Redirects, and what must not travel along with them (RFC 9110 §15.4)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit, urlunsplit

from trunkline.client.options import ClientOptions
from trunkline.errors import SecurityError
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Response
from trunkline.protocol.uri import WebSocketURI, parse_uri

REDIRECTS = frozenset({301, 302, 303, 307, 308})
WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}
CREDENTIALS = frozenset({"authorization", "cookie", "host", "proxy-authorization"})


def redirect_target(response: Response, uri: WebSocketURI) -> WebSocketURI | None:
    """Give the address that a response sends the client to; `None` where it is no redirect.

    Credentials in the address go along within the origin, and not beyond it.

    Raises:
        SecurityError: it leads to no WebSocket address, or from wss:// to ws://.
    """
    locations = response.headers.get_all("Location")
    if response.status_code not in REDIRECTS or len(locations) != 1:
        return None
    # A ValueError of the standard library's says "Invalid IPv6 URL"; InvalidURI is one, too.
    try:
        parts = urlsplit(urljoin(str(uri), locations[0]))
        scheme = WEBSOCKET_SCHEMES.get(parts.scheme, parts.scheme)
        target = parse_uri(urlunsplit(parts._replace(scheme=scheme, fragment="")))
    except ValueError as error:
        raise SecurityError(f"the server redirects to no WebSocket address: {error}") from None
    if uri.secure and not target.secure:
        raise SecurityError(f"the server redirects from wss:// to {target}, which is not secure")
    if target.origin == uri.origin and target.username is None:
        return replace(target, username=uri.username, password=uri.password)
    return target


def redirected(options: ClientOptions, uri: WebSocketURI, target: WebSocketURI) -> ClientOptions:
    """Give the options for `target`: those for another origin are without credentials.

    Raises:
        SecurityError: the stream was directed to a certain place, and that is not `target`.
    """
    if target.origin == uri.origin:
        return options
    if options.is_directed:
        raise SecurityError(f"the server redirects to {target}, away from the given address")
    kept = [
        (name, value)
        for name, value in options.additional_headers.raw_items()
        if name.lower() not in CREDENTIALS
    ]
    return replace(options, additional_headers=Headers(kept), server_hostname=None)
