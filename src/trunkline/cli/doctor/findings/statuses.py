"""What an HTTP status means, where a WebSocket was asked for."""

from __future__ import annotations

from http import HTTPStatus

from trunkline.cli.doctor.step import Problem

PASS_UPGRADE = (
    "a proxy must pass Upgrade on: in nginx proxy_http_version 1.1, and proxy_set_header for "
    "Upgrade and Connection"
)
PATH = "check the path, and that the proxy in front sends it to the right server"
CREDENTIALS = "try -H 'Authorization: Bearer TOKEN', a cookie, or ws://USER:PASSWORD@HOST"
LATER = "come back later"
LOG = "look into the server's log"
UPSTREAM = "see whether the server behind it runs, and whether the proxy has its address"

# What the body says stands beside it.
STATUSES: dict[int, Problem] = {
    HTTPStatus.OK: Problem(
        "a web page answers, or a proxy that does not pass Upgrade on",
        f"check the path; {PASS_UPGRADE}",
    ),
    HTTPStatus.BAD_REQUEST: Problem(
        "the server cannot take the request as it arrives there",
        f"read what it says; {PASS_UPGRADE}",
    ),
    HTTPStatus.UNAUTHORIZED: Problem("the server wants to know who you are", CREDENTIALS),
    HTTPStatus.FORBIDDEN: Problem("the server does not let this client in", CREDENTIALS),
    HTTPStatus.NOT_FOUND: Problem("there is nothing at this path", PATH),
    HTTPStatus.METHOD_NOT_ALLOWED: Problem("something else than a WebSocket is at this path", PATH),
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: Problem(
        "a proxy on the way wants to know who you are", "name it with --proxy and its password"
    ),
    HTTPStatus.REQUEST_TIMEOUT: Problem("the request did not arrive as a whole", LATER),
    HTTPStatus.GONE: Problem("there is nothing at this path any more", PATH),
    HTTPStatus.MISDIRECTED_REQUEST: Problem(
        "the server is not responsible for this host", "check the host in the address"
    ),
    HTTPStatus.UPGRADE_REQUIRED: Problem(
        "the request arrived without Upgrade, or with a version of it that the server lacks",
        PASS_UPGRADE,
    ),
    HTTPStatus.TOO_MANY_REQUESTS: Problem("the server has had too many requests of yours", LATER),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Problem(
        "the head of the request is too large", "send fewer or smaller cookies and headers"
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: Problem("the server fails on the request", LOG),
    HTTPStatus.NOT_IMPLEMENTED: Problem("the server knows nothing of WebSocket", PATH),
    HTTPStatus.BAD_GATEWAY: Problem(
        "a proxy in front gets no answer from the server behind it", UPSTREAM
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Problem(
        "the server is overloaded, or a proxy in front has none behind it",
        f"{LATER}, or {UPSTREAM}",
    ),
    HTTPStatus.GATEWAY_TIMEOUT: Problem(
        "a proxy in front waits for the server behind it in vain", UPSTREAM
    ),
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: Problem(
        "the server does not speak HTTP/1.1", PASS_UPGRADE
    ),
}
# Cloudflare's own
STATUSES |= {
    status: Problem("the proxy in front (Cloudflare) cannot use the server behind it", UPSTREAM)
    for status in range(520, 527)
}
BY_CLASS = {
    2: STATUSES[HTTPStatus.OK],
    3: Problem("the server sends the client elsewhere, and does not say where", PATH),
    4: Problem("the server refuses the request", "read what it says"),
    5: Problem("the server fails, or a proxy in front of it", LOG),
}
UNKNOWN = Problem("nobody knows what this status means", LOG)


def explain_status(status: int) -> Problem:
    """Explain a status: as itself, or as one of its kind."""
    return STATUSES.get(status) or BY_CLASS.get(status // 100, UNKNOWN)
