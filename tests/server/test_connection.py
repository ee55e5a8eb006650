"""The server's side of a connection: what it has beyond the client's."""

import pytest

from tests.server.wire import ask, request
from trunkline import Request, Response, ServerConnection, serve


async def never(ws: ServerConnection) -> None:
    """A handler that these tests do not reach."""


async def answer_of(status: int, body: str | bytes, headers: dict[str, str]) -> Response:
    def process_request(ws: ServerConnection, request: Request) -> Response:
        return ws.respond(status, body, headers)

    async with serve(never, "127.0.0.1", 0, process_request=process_request) as server:
        return await ask(server, request())


async def test_a_text_becomes_a_response() -> None:
    response = await answer_of(200, "good morning, ☀\n", {})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.body.decode() == "good morning, ☀\n"


async def test_bytes_and_headers_become_a_response() -> None:
    response = await answer_of(404, b"<h1>no", {"Content-Type": "text/html", "X-Why": "gone"})
    assert response.status_code == 404
    assert response.reason_phrase == "Not Found"
    assert response.headers["Content-Type"] == "text/html"
    assert response.headers["X-Why"] == "gone"
    assert response.headers["Content-Length"] == "6"
    assert response.body == b"<h1>no"


@pytest.mark.parametrize("headers", [{"X-Bad": "a\r\nX-Injected: b"}, {"X Bad": "a"}])
async def test_a_header_that_would_break_the_head_becomes_500(headers: dict[str, str]) -> None:
    response = await answer_of(200, "", headers)
    assert response.status_code == 500
    assert "X-Injected" not in response.headers
