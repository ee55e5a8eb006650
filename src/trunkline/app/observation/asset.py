"""The files of pages of ours, and the header fields that keep a page to itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from pathlib import PurePosixPath

from trunkline.app.routing import static
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

# Not asked of `mimetypes`, which asks the machine.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a page.

    Args:
        package: whose it is.
        file: its name in the `assets/` of the package.
    """

    package: str
    file: str

    @property
    def content_type(self) -> str:
        """Value of Content-Type."""
        return CONTENT_TYPES[PurePosixPath(self.file).suffix]


THEME = Asset("trunkline.app.observation", "theme.css")
"""The colours of every page, and what all of them have."""
ICON = Asset("trunkline.app.observation", "icon.svg")


def respond(asset: Asset, content: bytes) -> Response:
    """Answer with a file of a page.

    Args:
        asset: has the type.
        content: of the file, with the gaps filled where it has any.
    """
    return make_response(HTTPStatus.OK, content, HEADERS | {"Content-Type": asset.content_type})


@cache
def read(asset: Asset) -> bytes:
    """Read a file of a page, once."""
    return files(asset.package).joinpath("assets", *asset.file.split("/")).read_bytes()
