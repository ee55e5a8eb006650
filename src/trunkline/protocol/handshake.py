"""The opening handshake of both sides (RFC 6455 §4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from trunkline.errors import InvalidHeader, InvalidUpgrade, NegotiationError, RequestRefused
from trunkline.protocol.extensions import (
    Deflate,
    DeflateParameters,
    answer_offers,
    encode_offer,
    parse_answer,
)
from trunkline.protocol.headers import (
    PROTOCOL,
    TOKEN,
    Headers,
    HeadersLike,
    parse_token_list,
)
from trunkline.protocol.http1 import Request, Response
from trunkline.protocol.refusals import InvalidStatus
from trunkline.protocol.uri import WebSocketURI

# RFC 6455 §1.3: the number that only a WebSocket server would hash
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = "13"
KEY_BYTES = 16
# RFC 6455 §4.1, §4.2.1: each of these says one thing
ONCE = ("Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin")
RESERVED = frozenset(
    {
        "host",
        "upgrade",
        "connection",
        "content-length",
        "transfer-encoding",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
    }
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides agreed on beyond RFC 6455."""

    subprotocol: str | None = None
    deflate: DeflateParameters | None = None


@lru_cache(maxsize=1)  # asked again when the heads are folded
def accept_key(key: str) -> str:
    """Give the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2)."""
    digest = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def listed(headers: Headers, name: str) -> list[str]:
    """Give the list in header `name`, in lower case; empty where it breaks the grammar."""
    try:
        items = parse_token_list(headers.get_list(name) or "", PROTOCOL)
    except ValueError:
        return []
    return [item.lower() for item in items]


def check_subprotocols(subprotocols: Sequence[str]) -> None:
    """Refuse names that cannot be offered; raise `TypeError` or `ValueError`."""
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols are a list of strings, not one string")
    for name in subprotocols:
        if not TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a subprotocol (RFC 6455 §4.1)")
    if len(set(subprotocols)) < len(subprotocols):
        raise ValueError("a subprotocol is named twice")


# The client's side


def make_request(
    uri: WebSocketURI,
    key: str,
    *,
    origin: str | None = None,
    subprotocols: Sequence[str] = (),
    deflate: Deflate | None = None,
    additional_headers: HeadersLike = (),
    user_agent: str | None = None,
) -> Request:
    """Make the opening request (RFC 6455 §4.1).

    Args:
        uri: the server's address.
        key: 16 fresh random bytes in base64.
        origin: value of Origin.
        subprotocols: offered ones, the preferred one first.
        deflate: compression to offer.
        additional_headers: further ones; they may replace Host and nothing else of the handshake.
        user_agent: value of User-Agent.

    Raises:
        ValueError: an argument cannot be on the wire, or would change the handshake.
    """
    check_subprotocols(subprotocols)
    extra = Headers(additional_headers)
    hosts = extra.get_all("Host") or [uri.host_header]
    headers = Headers(("Host", host) for host in hosts)
    headers["Upgrade"] = "websocket"
    headers["Connection"] = "Upgrade"
    headers["Sec-WebSocket-Key"] = key
    headers["Sec-WebSocket-Version"] = VERSION
    optional = {
        "Origin": origin,
        "Sec-WebSocket-Protocol": ", ".join(subprotocols) or None,
        "Sec-WebSocket-Extensions": encode_offer(deflate) if deflate else None,
        "User-Agent": None if "User-Agent" in extra else user_agent,
    }
    for name, value in optional.items():
        if value is not None:
            headers[name] = value
    for name, value in extra.raw_items():
        if name.lower() != "host":
            add_unreserved(headers, name, value)
    for name in ("Host", "Origin"):
        if len(headers.get_all(name)) > 1:
            raise ValueError(f"{name} is given twice")
    return Request(uri.resource_name, headers)


def add_unreserved(headers: Headers, name: str, value: str) -> None:
    """Add a header of the user's; raise `ValueError` where it would change the handshake."""
    if name.lower() in RESERVED:
        raise ValueError(f"{name} belongs to the opening handshake and cannot be set")
    headers.add(name, value)


def check_response(
    response: Response, key: str, subprotocols: Sequence[str], deflate: Deflate | None
) -> Agreement:
    """Check the server's answer against what was asked (RFC 6455 §4.1).

    Args:
        response: the answer.
        key: Sec-WebSocket-Key of the request.
        subprotocols: those that were offered.
        deflate: the compression that was offered.

    Raises:
        InvalidStatus: the status is not 101.
        InvalidUpgrade, InvalidHeader: it is, and yet this is no WebSocket.
        NegotiationError: the server chose what was not offered.
    """
    headers = response.headers
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        raise InvalidStatus(response)
    # RFC 6455 §4.1: one is "websocket" and nothing else, the other has "upgrade" in its list
    if listed(headers, "Upgrade") != ["websocket"]:
        raise InvalidUpgrade("Upgrade", headers.get_list("Upgrade"), "it must be 'websocket'")
    if "upgrade" not in listed(headers, "Connection"):
        found = headers.get_list("Connection")
        raise InvalidUpgrade("Connection", found, "it must have 'upgrade'")
    expected = accept_key(key)
    if headers.get_all("Sec-WebSocket-Accept") != [expected]:
        found = headers.get_list("Sec-WebSocket-Accept")
        raise InvalidHeader("Sec-WebSocket-Accept", found, f"it must be {expected!r}")
    return Agreement(
        subprotocol=chosen_subprotocol(headers, subprotocols),
        deflate=parse_answer(headers.get_list("Sec-WebSocket-Extensions"), deflate),
    )


def chosen_subprotocol(headers: Headers, offered: Sequence[str]) -> str | None:
    """Give the subprotocol that the server chose."""
    chosen = headers.get_all("Sec-WebSocket-Protocol")
    if not chosen:
        return None
    if len(chosen) > 1 or chosen[0] not in offered:
        raise NegotiationError(f"subprotocol {', '.join(chosen)!r} was not offered")
    return chosen[0]


# The server's side


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an opening request asks for."""

    key: str
    subprotocols: Sequence[str] = ()
    extensions: str | None = None


def check_request(request: Request) -> Upgrade:
    """Check that a request opens a WebSocket as it should (RFC 6455 §4.2.1).

    Raises:
        RequestRefused: with the status that says what is wrong.
    """
    headers = request.headers
    is_asked = "websocket" in listed(headers, "Upgrade")
    if not (is_asked and "upgrade" in listed(headers, "Connection")):
        raise RequestRefused(
            HTTPStatus.UPGRADE_REQUIRED,
            "this is a WebSocket server: connect with a WebSocket client",
            {"Upgrade": "websocket", "Sec-WebSocket-Version": VERSION},
        )
    for name in ONCE:
        if len(headers.get_all(name)) > 1:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, f"request has several {name} headers")
    check_version(headers)
    return Upgrade(
        key=check_key(headers),
        subprotocols=offered_subprotocols(headers),
        extensions=headers.get_list("Sec-WebSocket-Extensions"),
    )


def check_version(headers: Headers) -> None:
    """Check Sec-WebSocket-Version (RFC 6455 §4.4)."""
    version = headers.get("Sec-WebSocket-Version")
    if version != VERSION:
        found = "is missing" if version is None else "is not known"
        raise RequestRefused(
            HTTPStatus.UPGRADE_REQUIRED,
            f"Sec-WebSocket-Version {found}, it must be {VERSION}",
            {"Upgrade": "websocket", "Sec-WebSocket-Version": VERSION},
        )


def check_key(headers: Headers) -> str:
    """Check Sec-WebSocket-Key: 16 bytes in base64."""
    key = headers.get("Sec-WebSocket-Key", "")
    try:
        nonce = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        nonce = b""
    if len(nonce) != KEY_BYTES:
        reason = f"Sec-WebSocket-Key is not {KEY_BYTES} bytes in base64"
        raise RequestRefused(HTTPStatus.BAD_REQUEST, reason)
    return key


def offered_subprotocols(headers: Headers) -> Sequence[str]:
    """Give the subprotocols that the client offers, the preferred one first."""
    try:
        return parse_token_list(headers.get_list("Sec-WebSocket-Protocol") or "")
    except ValueError:
        # Without what stands there: it may be a credential in disguise.
        reason = "Sec-WebSocket-Protocol cannot be read: an element is not a token"
        raise RequestRefused(HTTPStatus.BAD_REQUEST, reason) from None


def negotiate(
    upgrade: Upgrade, subprotocol: str | None, wanted: Deflate | None
) -> tuple[Agreement, Response]:
    """Accept the request (RFC 6455 §4.2.2).

    Args:
        upgrade: what the request asks for.
        subprotocol: the chosen one.
        wanted: compression that the server is willing to do.

    Raises:
        RequestRefused: Sec-WebSocket-Extensions cannot be read.
    """
    try:
        answer = answer_offers(upgrade.extensions, wanted)
    except ValueError as error:
        reason = f"Sec-WebSocket-Extensions cannot be read: {error}"
        raise RequestRefused(HTTPStatus.BAD_REQUEST, reason) from None
    headers = Headers(
        {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept_key(upgrade.key),
        }
    )
    if subprotocol is not None:
        headers["Sec-WebSocket-Protocol"] = subprotocol
    if answer is None:
        return Agreement(subprotocol), switching(headers)
    parameters, value = answer
    headers["Sec-WebSocket-Extensions"] = value
    return Agreement(subprotocol, parameters), switching(headers)


def switching(headers: Headers) -> Response:
    """Make the answer that opens the connection."""
    status = HTTPStatus.SWITCHING_PROTOCOLS
    return Response(int(status), status.phrase, headers)
