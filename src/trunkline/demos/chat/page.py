"""The files of the page; its icon and its colours are those of the status page."""

from __future__ import annotations

from http import HTTPStatus

from trunkline.app.observation.asset import HEADERS, ICON, THEME, Asset, read, respond
from trunkline.protocol.http1 import Response, make_response

PACKAGE = "trunkline.demos.chat"

ASSETS = {
    "/": Asset(PACKAGE, "index.html"),
    "/theme.css": THEME,
    "/favicon.ico": ICON,
    "/chat.css": Asset(PACKAGE, "chat.css"),
    "/chat.js": Asset(PACKAGE, "chat.js"),
    "/line.js": Asset(PACKAGE, "line.js"),
    "/log.js": Asset(PACKAGE, "log.js"),
}
"""The only paths there are; none of them is looked up in a folder."""


def answer(path: str) -> Response:
    """Answer a request for a file of the page; 404 for everything else.

    Args:
        path: request target, query included.
    """
    asset = ASSETS.get(path.partition("?")[0])
    if asset is None:
        return make_response(HTTPStatus.NOT_FOUND, "there is no such page\n", HEADERS)
    return respond(asset, read(asset))
