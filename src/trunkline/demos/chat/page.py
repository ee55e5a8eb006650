"""The files of the page, and the header fields that keep it to itself."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from importlib.resources import files

from trunkline.app.asset import HEADERS, Asset
from trunkline.protocol.http1 import Response, make_response

ASSETS = {
    "/": Asset("index.html", "text/html; charset=utf-8"),
    "/chat.css": Asset("chat.css", "text/css; charset=utf-8"),
    "/chat.js": Asset("chat.js", "text/javascript; charset=utf-8"),
    "/line.js": Asset("line.js", "text/javascript; charset=utf-8"),
    "/log.js": Asset("log.js", "text/javascript; charset=utf-8"),
    "/favicon.ico": Asset("icon.svg", "image/svg+xml"),
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
    fields = HEADERS | {"Content-Type": asset.content_type}
    return make_response(HTTPStatus.OK, read(asset.file), fields)


@cache
def read(file: str) -> bytes:
    """Read a file of the page, once."""
    return files("trunkline.demos.chat").joinpath("assets", file).read_bytes()
