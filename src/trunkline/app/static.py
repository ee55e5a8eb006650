"""Files of a folder: read from the disk, never from outside it."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from os import PathLike, stat_result
from pathlib import Path

from trunkline.app.http import HttpRequest
from trunkline.errors import RequestRefused
from trunkline.limits import LARGEST_FILE
from trunkline.protocol.http1 import Response, make_response

INDEX = "index.html"
WELL_KNOWN = ".well-known"
"""The one folder that begins with a dot and is meant for everybody (RFC 8615)."""
TEXT = frozenset({"application/javascript", "application/json", "image/svg+xml"})
"""Types of text that do not say so by their name."""

HEADERS = {
    # A file is what its name says, and no browser's guess.
    "X-Content-Type-Options": "nosniff",
    # The next version of the server brings the next version of the page.
    "Cache-Control": "no-cache",
}


def static_files(folder: str | PathLike[str]) -> Callable[..., Awaitable[Response]]:
    """Make an HTTP handler for the files of a folder, by its parameter `name`.

    Raises:
        ValueError: there is no such folder.
    """
    root = resolved(Path(folder))
    if not root.is_dir():
        raise ValueError(f"{folder!s} is not a folder")

    async def answer(request: HttpRequest, name: str = "") -> Response:
        # A disk may be slow; the loop is not to wait for it.
        return await asyncio.to_thread(answer_file, request, root, name)

    return answer


def find(root: Path, name: str) -> Path:
    """Give the file of a name; an index where the name is that of a folder.

    Raises:
        RequestRefused: 404 for what is not there, and for what is not below `root`.
    """
    if "\0" in name or "\\" in name or is_hidden(name):
        raise not_there()
    file = resolved(root / name.lstrip("/"))
    if os.path.isdir(file):
        file = resolved(file / INDEX)
    elif name.endswith("/"):
        raise not_there()
    # Behind links and dots alike: what matters is where the file is.
    if not file.is_relative_to(root) or not os.path.isfile(file):
        raise not_there()
    return file


def is_hidden(name: str) -> bool:
    """Whether a part of a name begins with a dot: `..`, or a file that is nobody's business."""
    return any(part.startswith(".") and part != WELL_KNOWN for part in name.split("/"))


def resolved(file: Path) -> Path:
    """Follow all links; unlike `Path.resolve()`, without an error where they lead in a circle."""
    return Path(os.path.realpath(file))


def not_there() -> RequestRefused:
    """Make the answer for a file that is not there."""
    return RequestRefused(HTTPStatus.NOT_FOUND, "there is no such file")


def answer_file(request: HttpRequest, root: Path, name: str) -> Response:
    """Answer with a file, or with 304 where the client has it."""
    file = find(root, name)
    try:
        return respond(request, file, file.stat())
    except OSError:
        # Gone meanwhile, or not for this process to read.
        raise not_there() from None


def respond(request: HttpRequest, file: Path, status: stat_result) -> Response:
    """Answer with a file that is there."""
    if status.st_size > LARGEST_FILE:
        reason = f"the file is {status.st_size:,} bytes, limit {LARGEST_FILE:,}"
        raise RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, reason)
    fields = HEADERS | {"ETag": etag(status), "Content-Type": content_type(file.name)}
    # RFC 9110 §13.1.2
    if fields["ETag"] in (request.headers.get_list("If-None-Match") or ""):
        return make_response(HTTPStatus.NOT_MODIFIED, b"", fields)
    return make_response(HTTPStatus.OK, file.read_bytes(), fields)


def etag(status: stat_result) -> str:
    """Name a version of a file."""
    return f'"{status.st_mtime_ns:x}-{status.st_size:x}"'


def content_type(name: str) -> str:
    """Give the type of a file by its name."""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind in TEXT
    return f"{kind}; charset=utf-8" if is_text else kind
