"""Files of a folder: read from the disk, never from outside it."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from os import PathLike, stat_result
from pathlib import Path

from trunkline.app.routing.http import NO_GUESS, HttpRequest
from trunkline.errors import RequestRefused
from trunkline.limits import LARGEST_FILE
from trunkline.protocol.headers import Headers, check_field
from trunkline.protocol.http1 import Response, make_response

INDEX = "index.html"
WELL_KNOWN = ".well-known"
"""The one folder that begins with a dot and is meant for everybody (RFC 8615)."""
TEXT = frozenset({"application/javascript", "application/json", "image/svg+xml"})
"""Types of text that do not say so by their name."""

# The next version of the server brings the next version of the page.
HEADERS = NO_GUESS | {"Cache-Control": "no-cache"}

GIVEN = frozenset(
    (
        *("connection", "content-length", "content-type", "date", "etag", "location", "server"),
        # RFC 9110 §7.6.1, §7.8; RFC 9112 §6: these are about the stream, which ends with the answer
        *("keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    )
)
"""Fields that an answer has already, by the file and by the stream that carries it."""


def static_files(
    folder: str | PathLike[str], headers: Mapping[str, str] | None = None
) -> Callable[..., Awaitable[Response]]:
    """Make an HTTP handler for the files of a folder, by its parameter `name`.

    Args:
        folder: must be there.
        headers: header fields of every file, also instead of `HEADERS`.

    Raises:
        TypeError, ValueError: there is no such folder, or a header cannot be one of a file.
    """
    root = resolved(Path(folder))
    if not root.is_dir():
        raise ValueError(f"{folder!s} is not a folder")
    fields = fields_of_files(headers or {})

    async def answer(request: HttpRequest, name: str = "") -> Response:
        # A disk may be slow; the loop is not to wait for it.
        return await asyncio.to_thread(answer_file, request, root, name, fields)

    return answer


def fields_of_files(headers: Mapping[str, str]) -> Headers:
    """Give the header fields of every file: those of `headers`, and of `HEADERS` beside them.

    Raises:
        TypeError: a name or a value is no string.
        ValueError: one is not legal in HTTP, or the answer has it already.
    """
    fields = Headers(HEADERS)
    for name, value in headers.items():
        check_field(name, value)
        if name.lower() in GIVEN:
            raise ValueError(f"{name} is set by the answer itself: leave it out of headers")
        fields[name] = value
    return fields


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


def lacks_slash(root: Path, name: str) -> bool:
    """Whether a name is that of a folder, and does not end as one."""
    return name != "" and not name.endswith("/") and os.path.isdir(root / name.lstrip("/"))


def add_slash(request: HttpRequest, fields: Headers) -> Response:
    """Send a browser to the folder: links of its page count from the last slash."""
    path, query_mark, query = request.request.path.partition("?")
    # From here on, not from the root, which a proxy may have elsewhere; and never //another.host
    place = f"./{path.rpartition('/')[2]}/{query_mark}{query}"
    return make_response(HTTPStatus.PERMANENT_REDIRECT, b"", Headers(fields, {"Location": place}))


def answer_file(request: HttpRequest, root: Path, name: str, fields: Headers) -> Response:
    """Answer with a file, with 304 where the client has it, or with the way to its folder."""
    file = find(root, name)
    if lacks_slash(root, name):
        return add_slash(request, fields)
    try:
        return respond(request, file, file.stat(), fields)
    except OSError:
        # Gone meanwhile, or not for this process to read.
        raise not_there() from None


def respond(request: HttpRequest, file: Path, status: stat_result, fields: Headers) -> Response:
    """Answer with a file that is there."""
    if status.st_size > LARGEST_FILE:
        reason = f"the file is {status.st_size:,} bytes, limit {LARGEST_FILE:,}"
        raise RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, reason)
    own = {"ETag": etag(status), "Content-Type": content_type(file.name)}
    fields = Headers(fields, own)
    # RFC 9110 §13.1.2
    if own["ETag"] in (request.headers.get_list("If-None-Match") or ""):
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
