"""Answers over ASGI to who asks for a WebSocket, and to who asks for something else."""

from __future__ import annotations

from http import HTTPStatus

from trunkline.close_codes import CloseCode
from trunkline.errors import RequestRefused
from trunkline.integrations.interface import Message, Receive, Scope, Send
from trunkline.protocol.closing import shorten_reason
from trunkline.protocol.handshake import VERSION
from trunkline.protocol.http1 import Response
from trunkline.server.front_desk import refusal

UPGRADE = (("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-version", VERSION))
NOT_HERE = "this is a WebSocket endpoint: connect with a WebSocket client"
OF_THE_LINE = frozenset({"connection", "transfer-encoding"})
"""Header fields about the line to the next hop (RFC 9110 §7.6.1), which is the server's."""


def accept(subprotocol: str | None) -> Message:
    """Give the message that opens a connection."""
    return {"type": "websocket.accept", "subprotocol": subprotocol, "headers": []}


async def refuse(scope: Scope, send: Send, refused: RequestRefused) -> None:
    """Refuse a WebSocket: with a status, where the server can send one; else it sends 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        code, reason = int(CloseCode.POLICY_VIOLATION), shorten_reason(refused.reason)
        await send({"type": "websocket.close", "code": code, "reason": reason})
        return
    await respond(send, "websocket.http.response", refusal(refused))


async def refuse_http(scope: Scope, send: Send) -> None:
    """Refuse a request that asks for no WebSocket."""
    # RFC 9113 §8.2.2: HTTP/2 has neither Upgrade nor Connection
    is_1 = scope.get("http_version", "1.1").startswith("1")
    headers = dict(UPGRADE) if is_1 else {}
    refused = RequestRefused(HTTPStatus.UPGRADE_REQUIRED, NOT_HERE, headers)
    await respond(send, "http.response", refusal(refused))


async def respond(send: Send, kind: str, response: Response) -> None:
    """Send a response.

    Args:
        send: takes messages.
        kind: of the messages: `http.response`, or `websocket.http.response`.
        response: what is said; the server adds what is said of the line.
    """
    headers = [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in response.headers.raw_items()
        if name.lower() not in OF_THE_LINE
    ]
    await send({"type": f"{kind}.start", "status": response.status_code, "headers": headers})
    await send({"type": f"{kind}.body", "body": response.body})


async def live(receive: Receive, send: Send) -> None:
    """Live with a server: there is nothing to start, and nothing to stop."""
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})
