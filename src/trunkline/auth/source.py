"""Where a token may be in an opening request: a browser can set no header."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import unquote_plus

from trunkline.auth.challenge import MissingCredentials, TokenFollows, unauthorized
from trunkline.auth.concealment import MASK, change_values, mask_value
from trunkline.errors import RequestRefused
from trunkline.protocol.headers import TOKEN
from trunkline.protocol.http1 import Request

BEARER = re.compile(r"Bearer +(.*)", re.IGNORECASE)

SecurityScheme = Mapping[str, str]


class Source:
    """A place for a token; by itself it has none."""

    place = "nowhere"
    """The words for it in an error text."""
    security: SecurityScheme = MappingProxyType({})
    """What AsyncAPI and OpenAPI call it; empty where they have no word for it."""

    def find(self, request: Request) -> Sequence[str]:
        """Give every token that is there; none where there is none."""
        return ()

    def conceal(self, request: Request) -> None:
        """Take the tokens out of the request."""

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a token."""
        return False


class Header(Source):
    """`Authorization: Bearer TOKEN` (RFC 6750 §2.1): for programs, and not for pages."""

    place = "header Authorization"
    security: SecurityScheme = MappingProxyType({"type": "http", "scheme": "bearer"})

    def find(self, request: Request) -> Sequence[str]:
        """Give the token, whatever the case of the scheme's name."""
        values = request.headers.get_all("Authorization")
        return [match[1] for match in map(BEARER.fullmatch, values) if match]

    def conceal(self, request: Request) -> None:
        """Mask the whole value: another scheme's credentials are none of a log's business."""
        change_values(request, "Authorization", mask_value)


class Cookie(Source):
    """A cookie, which a browser sends along for whatever page asks it to.

    So it counts only in a request with an Origin, which the policy for origins has let pass.

    Args:
        name: of the cookie, exactly.
    """

    def __init__(self, name: str) -> None:
        if not TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a cookie (RFC 6265 §4.1.1)")
        self._name = name
        self.place = f"cookie {name}"
        self.security = {"type": "httpApiKey", "in": "cookie", "name": name}

    def find(self, request: Request) -> Sequence[str]:
        """Give the values of the cookie; raise `RequestRefused` where there is no Origin."""
        found = [
            value.strip('"')
            for line in request.headers.get_all("Cookie")
            for name, value in map(split_cookie, line.split(";"))
            if name == self._name
        ]
        # RFC 6455 §10.2: the Origin tells one page from another, and nothing else does
        if found and "Origin" not in request.headers:
            reason = f"{self.place} counts only together with an Origin: send one, or no cookie"
            raise unauthorized(reason, "Cookie")
        return found

    def conceal(self, request: Request) -> None:
        """Mask the value of the cookie, and leave others."""
        change_values(request, "Cookie", self._mask)

    def _mask(self, line: str) -> str:
        return "; ".join(
            f"{name}={MASK}" if name == self._name else cookie.strip()
            for cookie in line.split(";")
            for name, _ in [split_cookie(cookie)]
        )


def split_cookie(cookie: str) -> tuple[str, str]:
    """Give name and value of one cookie (RFC 6265 §5.4)."""
    name, _, value = cookie.partition("=")
    return name.strip(), value.strip()


class Subprotocol(Source):
    """A subprotocol that is offered beside a real one: all that a page may say in a header.

    It is never chosen and never echoed. The token stands there as it is, or once more in base64url,
    without padding, which no subprotocol may have.

    Args:
        prefix: stands before the token.
    """

    def __init__(self, prefix: str = "bearer.") -> None:
        if not TOKEN.fullmatch(prefix):
            raise ValueError(f"{prefix!r} cannot begin a subprotocol (RFC 6455 §4.1)")
        self._prefix = prefix
        self.place = f"subprotocol {prefix}TOKEN"
        self.security = {"type": "httpApiKey", "in": "header", "name": "Sec-WebSocket-Protocol"}

    def find(self, request: Request) -> Sequence[str]:
        """Give the tokens among the offered subprotocols."""
        offered = request.headers.get_list("Sec-WebSocket-Protocol") or ""
        names = filter(self.is_credential, map(str.strip, offered.split(",")))
        return [unwrap(name.removeprefix(self._prefix)) for name in names]

    def conceal(self, request: Request) -> None:
        """Mask what follows the prefix, and leave other subprotocols."""
        change_values(request, "Sec-WebSocket-Protocol", self._mask)

    def _mask(self, line: str) -> str:
        names = map(str.strip, line.split(","))
        return ", ".join(
            f"{self._prefix}{MASK}" if self.is_credential(name) else name for name in names
        )

    def is_credential(self, subprotocol: str) -> bool:
        """Whether it begins with the prefix."""
        return subprotocol.startswith(self._prefix)


def unwrap(token: str) -> str:
    """Undo base64url around a token, if there is any: a token has a dot, and base64url has none."""
    if "." in token:
        return token
    try:
        return urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except ValueError:
        return token


class Query(Source):
    """A parameter of the address. Proxies log addresses: good for what is short-lived.

    Args:
        name: of the parameter, exactly.
    """

    def __init__(self, name: str = "token") -> None:
        if not name:
            raise ValueError("the name of a query parameter is empty")
        self._name = name
        self.place = f"query parameter {name}"
        self.security = {"type": "httpApiKey", "in": "query", "name": name}

    def find(self, request: Request) -> Sequence[str]:
        """Give the values of the parameter, decoded."""
        _, _, query = request.path.partition("?")
        return [unquote_plus(value) for name, value in pairs(query) if name == self._name]

    def conceal(self, request: Request) -> None:
        """Mask the value of the parameter, and leave others."""
        path, mark, query = request.path.partition("?")
        shown = (
            f"{pair.partition('=')[0]}={MASK}" if name == self._name else pair
            for pair, (name, _) in zip(query.split("&"), pairs(query), strict=True)
        )
        request.path = path + mark + "&".join(shown)


def pairs(query: str) -> Iterator[tuple[str, str]]:
    """Give each parameter: its name decoded, its value as it stands (WHATWG URL §5.1)."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        yield unquote_plus(name), value


class FirstMessage(Source):
    """The token comes in the first message: until then the connection belongs to nobody.

    `authenticate()` raises `TokenFollows`; whoever accepts gives that message to `verify()`.
    """

    place = "first message"


class Sources:
    """All places where one authenticator looks.

    Args:
        sources: one or more; `FirstMessage()` among them if a token may come later.
        challenge: for WWW-Authenticate, where there is no token.

    Raises:
        TypeError: something is not a source.
        ValueError: there is none.
    """

    def __init__(self, sources: Sequence[Source], challenge: str) -> None:
        if isinstance(sources, Source | str):
            raise TypeError(f"sources are a list, such as [Header()], not {sources!r}")
        for source in sources:
            if not isinstance(source, Source):
                raise TypeError(f"{source!r} is not a source; one looks like Header()")
        if not sources:
            raise ValueError("sources are empty: nobody could ever show a token")
        self._sources = tuple(sources)
        self._challenge = challenge
        self.awaits_message = any(isinstance(source, FirstMessage) for source in sources)
        self.security = [source.security for source in sources if source.security]

    def token(self, request: Request) -> str:
        """Give the only token of a request.

        Raises:
            MissingCredentials: there is none.
            RequestRefused: there are several, or one that does not count.
        """
        found = [token for source in self._sources for token in source.find(request)]
        if len(found) > 1:
            # Which one counts would depend on who reads them.
            reason = f"request has {len(found)} tokens, limit 1: send it in one place, once"
            raise RequestRefused(HTTPStatus.BAD_REQUEST, reason)
        if not found:
            kind = TokenFollows if self.awaits_message else MissingCredentials
            places = " or ".join(source.place for source in self._sources)
            raise kind(f"no token in {places}", self._challenge)
        return found[0]

    def conceal(self, request: Request) -> None:
        """Take every token out of the request, also those that were not asked for."""
        for source in self._sources:
            source.conceal(request)

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a token."""
        return any(source.is_credential(subprotocol) for source in self._sources)
