"""Which proxy a connection would go through, and who says so."""

from __future__ import annotations

import os
from typing import Literal
from urllib.request import getproxies, proxy_bypass

from trunkline.cli.doctor.facts import Choice
from trunkline.client.proxy import VARIABLES, choose_proxy
from trunkline.protocol.uri import WebSocketURI


def find_proxy(wanted: str | Literal[True] | None, uri: WebSocketURI) -> Choice:
    """Choose as `connect()` does, and say why.

    Args:
        wanted: the named one; `True` for that of the environment, `None` for none.
        uri: of the server.

    Raises:
        InvalidProxy: its address cannot be used.
    """
    return Choice(proxy=choose_proxy(wanted, uri), why=reason(wanted, uri))


def reason(wanted: str | Literal[True] | None, uri: WebSocketURI) -> str:
    """Say who has decided about the proxy."""
    if wanted is None:
        return "--no-proxy"
    if wanted is not True:
        return "--proxy"
    names = [name for name in VARIABLES[uri.scheme] if name in getproxies()]
    if not names:
        return "the environment names none"
    if proxy_bypass(f"{uri.host}:{uri.port}"):
        return f"NO_PROXY excepts this host from {variable(names[0])}"
    return f"{variable(names[0])} of the environment"


def variable(name: str) -> str:
    """Name the variable as it is spelt here; systems have other places for it, too."""
    lower = f"{name}_proxy"
    return next((key for key in (lower, lower.upper()) if key in os.environ), lower.upper())
