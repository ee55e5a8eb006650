"""Which pages may read answers over HTTP: CORS (Fetch standard §3.3) by the policy of `origins`.

A WebSocket needs none of it. The pages, tickets and metrics beside it do, for the same pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from trunkline.errors import RequestRefused
from trunkline.limits import PREFLIGHT_MAX_AGE
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, Response
from trunkline.server.origin import Origins, SameOrigin, matches

ASKED_METHOD = "Access-Control-Request-Method"
ASKED_HEADERS = "Access-Control-Request-Headers"
USUAL_HEADERS = ("Authorization", "Content-Type")
OPAQUE = "null"
"""The origin of sandboxed frames and local files, which may be anybody's."""


def cors_headers(request: Request, origins: Origins) -> Headers:
    """Give the headers by which a browser lets a page of another site read an answer.

    Pages of the listed origins may also send cookies. Where everybody may connect everybody may
    read, but without cookies; and a page of this host needs no permission.

    Args:
        request: to be answered.
        origins: the policy, as `check_origin()` takes it.
    """
    if origins is None:
        return Headers({"Access-Control-Allow-Origin": "*"})
    if isinstance(origins, SameOrigin):
        return Headers()
    # Fetch §3.3.2: a cache must not give the answer for one origin to another
    headers = Headers({"Vary": "Origin"})
    asking = request.headers.get_all("Origin")
    if len(asking) == 1 and any(matches(asking[0], candidate) for candidate in origins):
        headers["Access-Control-Allow-Origin"] = asking[0]
        if asking[0] != OPAQUE:
            headers["Access-Control-Allow-Credentials"] = "true"
    return headers


def is_preflight(request: Request) -> bool:
    """Whether a browser asks if a page may ask something (Fetch §3.3.1)."""
    headers = request.headers
    return request.method == "OPTIONS" and "Origin" in headers and ASKED_METHOD in headers


def answer_preflight(
    request: Request,
    origins: Origins,
    methods: Sequence[str],
    headers: Sequence[str] = USUAL_HEADERS,
) -> Response:
    """Say what a page of another site may ask.

    Args:
        request: that `is_preflight()`.
        origins: the policy, as `check_origin()` takes it.
        methods: of the route.
        headers: that a page may set.

    Raises:
        RequestRefused: with status 403, where the page may ask nothing.
    """
    lines = cors_headers(request, origins)
    if "Access-Control-Allow-Origin" not in lines:
        raise RequestRefused(HTTPStatus.FORBIDDEN, "this Origin may not ask")
    lines["Access-Control-Allow-Methods"] = ", ".join(methods)
    lines["Access-Control-Allow-Headers"] = ", ".join(headers)
    lines["Access-Control-Max-Age"] = str(PREFLIGHT_MAX_AGE)
    lines["Vary"] = f"Origin, {ASKED_METHOD}, {ASKED_HEADERS}"
    # RFC 9110 §8.6: an answer with 204 has no Content-Length
    return Response(int(HTTPStatus.NO_CONTENT), HTTPStatus.NO_CONTENT.phrase, lines)
