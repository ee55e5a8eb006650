"""Ask over HTTP, as a page would."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from trunkline import Limits
from trunkline.app.app_server import AppServer
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, parse_response


@dataclass
class Page:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    server: AppServer,
    method: str,
    path: str,
    headers: Any = (),
    body: bytes = b"",
    local_addr: tuple[str, int] | None = None,
) -> Page:
    """Send a request, and read the whole answer."""
    fields = Headers({"Host": "127.0.0.1"}, headers)
    if body or method == "POST":
        fields["Content-Length"] = str(len(body))
    host, port = server.sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(host, port, local_addr=local_addr)
    writer.write(Request(path, fields, method).serialize() + body)
    head, _, content = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    response = parse_response(head, Limits())
    return Page(response.status_code, response.headers, content)


async def get(server: AppServer, path: str, headers: Any = (), **options: Any) -> Page:
    """Ask for a page."""
    return await ask(server, "GET", path, headers, **options)


async def post(server: AppServer, path: str, headers: Any = (), body: bytes = b"") -> Page:
    """Send something to a page."""
    return await ask(server, "POST", path, headers, body)
