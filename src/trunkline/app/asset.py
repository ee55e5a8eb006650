"""The files of the status page, and the header fields that keep it to itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files

from trunkline.app import static
from trunkline.app.http import HttpRequest
from trunkline.protocol.http1 import Response, make_response

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No script of the page can turn a string into markup, not even by mistake.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

HEADERS = static.HEADERS | {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

FOLDER = "{folder}"
"""In the page: where the other files are, relative to it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page.

    Args:
        file: its name in `assets/`.
        content_type: value of Content-Type.
    """

    file: str
    content_type: str


PAGE = Asset("status.html", "text/html; charset=utf-8")

STATUS = {
    "status.css": Asset("status.css", "text/css; charset=utf-8"),
    "status.js": Asset("status.js", "text/javascript; charset=utf-8"),
    "charts.js": Asset("charts.js", "text/javascript; charset=utf-8"),
    "words.js": Asset("words.js", "text/javascript; charset=utf-8"),
    "uplot.js": Asset("uplot/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    "uplot.css": Asset("uplot/uPlot.min.css", "text/css; charset=utf-8"),
    "icon.svg": Asset("icon.svg", "image/svg+xml"),
}
"""What the page needs beside itself, by its path there."""


def answer_page(folder: str, request: HttpRequest) -> Response:
    """Answer with the page itself, where `folder` has its other files."""
    fields = HEADERS | {"Content-Type": PAGE.content_type}
    content = read(PAGE.file).decode().replace(FOLDER, folder)
    return make_response(HTTPStatus.OK, content, fields)


def answer_asset(asset: Asset, request: HttpRequest) -> Response:
    """Answer with a file that the page needs."""
    fields = HEADERS | {"Content-Type": asset.content_type}
    return make_response(HTTPStatus.OK, read(asset.file), fields)


@cache
def read(file: str) -> bytes:
    """Read a file of the page, once."""
    return files("trunkline.app").joinpath("assets", *file.split("/")).read_bytes()
