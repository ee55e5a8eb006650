"""Answers over ASGI that open nothing: what is sent, message by message."""

from __future__ import annotations

import pytest

from trunkline import RequestRefused
from trunkline.integrations.asgi_answers import accept, live, refuse, refuse_http, respond
from trunkline.integrations.interface import Message, Scope
from trunkline.protocol.http1 import make_response


class Sent:
    """Takes messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    def headers(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])


REFUSED = RequestRefused(429, "too many", {"Retry-After": "3"})


async def test_a_websocket_is_refused_with_a_status_where_the_server_can() -> None:
    send = Sent()
    await refuse(
        {"type": "websocket", "extensions": {"websocket.http.response": {}}}, send, REFUSED
    )
    start, body = send.messages
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
    assert send.headers()[b"retry-after"] == b"3"
    assert body == {"type": "websocket.http.response.body", "body": b"too many\n"}


@pytest.mark.parametrize(
    "scope", [{"type": "websocket"}, {"type": "websocket", "extensions": None}]
)
async def test_elsewhere_it_is_closed_with_the_words(scope: Scope) -> None:
    send = Sent()
    await refuse(scope, send, REFUSED)
    assert send.messages == [{"type": "websocket.close", "code": 1008, "reason": "too many"}]


@pytest.mark.parametrize(("version", "has_upgrade"), [("1.1", True), ("2", False)])
async def test_a_page_is_told_what_is_here(version: str, has_upgrade: bool) -> None:
    send = Sent()
    await refuse_http({"type": "http", "http_version": version}, send)
    assert send.messages[0]["status"] == 426
    assert (b"upgrade" in send.headers()) is has_upgrade


@pytest.mark.parametrize("subprotocol", ["chat", None])
def test_whoever_is_let_in_hears_of_the_subprotocol(subprotocol: str | None) -> None:
    told = {"type": "websocket.accept", "subprotocol": subprotocol, "headers": []}
    assert accept(subprotocol) == told


async def test_what_is_of_the_line_is_left_to_the_server() -> None:
    send = Sent()
    await respond(send, "http.response", make_response(200, "hello", {"X-Name": "ada"}))
    assert send.headers() == {
        b"x-name": b"ada",
        b"content-type": b"text/plain; charset=utf-8",
        b"content-length": b"5",
    }


async def test_a_lifespan_is_answered_step_by_step() -> None:
    send = Sent()

    async def receive() -> Message:
        return {}

    await live(receive, send)
    assert [message["type"] for message in send.messages] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
