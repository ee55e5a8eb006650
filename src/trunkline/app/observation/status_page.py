"""A page that shows what is going on, and the WebSocket that keeps it up to date."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from trunkline.app.admission.policy import AppAuthenticator
from trunkline.app.observation.asset import ICON, THEME, Asset, read, respond
from trunkline.app.observation.feed import Feed
from trunkline.app.observation.snapshot import Snapshot
from trunkline.app.routing.http import HttpRequest
from trunkline.app.routing.path import Path
from trunkline.auth.choice import OrAnonymous
from trunkline.limits import LARGEST_WORD
from trunkline.protocol.http1 import Response
from trunkline.server.origin import SAME_ORIGIN

if TYPE_CHECKING:
    from trunkline.app.app import App

PACKAGE = "trunkline.app.observation"
PAGE = Asset(PACKAGE, "status.html")
FOLDER = b"{folder}"
"""In the page: where the other files are, relative to it."""

ASSETS = {
    "theme.css": THEME,
    "icon.svg": ICON,
    "status.css": Asset(PACKAGE, "status.css"),
    "status.js": Asset(PACKAGE, "status.js"),
    "charts.js": Asset(PACKAGE, "charts.js"),
    "words.js": Asset(PACKAGE, "words.js"),
    "uplot.js": Asset(PACKAGE, "uplot/uPlot.iife.min.js"),
    "uplot.css": Asset(PACKAGE, "uplot/uPlot.min.css"),
}
"""What the page needs beside itself, by its path there."""

LIVE = "live"
"""Where the WebSocket is, beside the script."""


class StatusPage:
    """The routes of a status page.

    Args:
        take: gives the snapshots of all processes.
        path: begins with a slash, and has no parameters.

    Raises:
        ValueError: it has.
    """

    def __init__(self, take: Callable[[], Awaitable[Sequence[Snapshot]]], path: str) -> None:
        if not Path(path).is_literal:
            raise ValueError(f"the path of a status page has no parameters: {path!r}")
        self._path = path
        self._feed = Feed(take)

    def serve(self, app: App, auth: AppAuthenticator, *, unprotected: bool) -> list[str]:
        """Add the routes to an application.

        Args:
            app: is shown, and shows it.
            auth: says who asks.
            unprotected: whether that may be nobody.

        Returns:
            What is not safe about it.

        Raises:
            ValueError: nobody would be asked who they are, and nobody has said that this is meant.
        """
        exposed = check_protection(self._path, auth, unprotected=unprotected)
        folder = self._path.rstrip("/")
        # Relative to the page: a proxy may have put another path before it.
        beside = "" if self._path.endswith("/") else f"{folder.rpartition('/')[2]}/"
        app.get(self._path, auth=auth)(partial(answer_page, escape(beside)))
        for name, asset in ASSETS.items():
            # They are the same everywhere, and a token in the page's query does not come along.
            app.get(f"{folder}/{name}")(partial(answer_asset, asset))
        limits = replace(app.policy.limits, max_size=LARGEST_WORD)
        app.add_websocket(
            f"{folder}/{LIVE}", self._feed, origins=SAME_ORIGIN, auth=auth, limits=limits
        )
        app.on_stop(self._feed.stop)
        return exposed


def answer_page(folder: str, request: HttpRequest) -> Response:
    """Answer with the page itself, where `folder` has its other files."""
    return respond(PAGE, read(PAGE).replace(FOLDER, folder.encode()))


def answer_asset(asset: Asset, request: HttpRequest) -> Response:
    """Answer with a file that the page needs."""
    return respond(asset, read(asset))


def check_protection(path: str, auth: AppAuthenticator, *, unprotected: bool) -> list[str]:
    """Say what is not safe; raise `ValueError` where that is not meant."""
    if auth is not None and not isinstance(auth, OrAnonymous):
        return []
    if unprotected:
        return [f"status_page({path!r}, unprotected=True): everybody sees who uses what"]
    raise ValueError(
        "a status page is not for everybody: give auth=..., or unprotected=True if it is meant so"
    )
