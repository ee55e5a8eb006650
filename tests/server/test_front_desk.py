"""How `serve()` decides: the user's hooks, subprotocols, and who takes the messages."""

import asyncio
from typing import Any

import pytest

from tests.server.handlers import Recorder, server_for
from tests.server.wire import ask, request, uri_of
from trunkline import (
    Events,
    InvalidStatus,
    Request,
    Response,
    ServerConnection,
    State,
    connect,
)


def page(ws: ServerConnection, request: Request) -> Response | None:
    return ws.respond(200, f"this is {request.path}\n") if request.path != "/ws" else None


async def page_later(ws: ServerConnection, request: Request) -> Response | None:
    await asyncio.sleep(0)
    return page(ws, request)


@pytest.mark.parametrize("hook", [page, page_later])
async def test_process_request_may_serve_a_page_or_let_pass(hook: Any) -> None:
    async with server_for(process_request=hook) as server:
        response = await ask(server, b"GET /about HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (response.status_code, response.body) == (200, b"this is /about\n")
        assert response.headers["Connection"] == "close"
        async with connect(uri_of(server, "/ws")) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"


async def test_process_request_sees_a_connection_that_is_connecting() -> None:
    seen: list[Any] = []

    def process_request(ws: ServerConnection, request: Request) -> None:
        seen.extend((ws.state, ws.request is request, ws.remote_address[0]))

    async with server_for(process_request=process_request) as server:
        await ask(server, request())
    assert seen == [State.CONNECTING, True, "127.0.0.1"]


def add_header(ws: ServerConnection, request: Request, response: Response) -> None:
    response.headers["X-Added"] = "yes"


async def add_header_later(ws: ServerConnection, request: Request, response: Response) -> None:
    await asyncio.sleep(0)
    add_header(ws, request, response)


@pytest.mark.parametrize("hook", [add_header, add_header_later])
async def test_process_response_may_change_the_answer(hook: Any) -> None:
    async with server_for(process_response=hook) as server, connect(uri_of(server)) as ws:
        assert ws.response is not None
        assert ws.response.headers["X-Added"] == "yes"


async def test_process_response_may_change_a_page() -> None:
    async with server_for(process_request=page, process_response=add_header) as server:
        response = await ask(server, request("/about"))
    assert (response.status_code, response.headers["X-Added"]) == (200, "yes")


async def test_process_response_may_change_a_refusal() -> None:
    async with server_for(process_response=add_header) as server:
        refusal = await ask(server, request(Origin="http://evil.com"))
    assert (refusal.status_code, refusal.headers["X-Added"]) == (403, "yes")


async def test_process_response_may_refuse_in_place_of_the_upgrade() -> None:
    def refuse(ws: ServerConnection, request: Request, response: Response) -> Response:
        assert response.status_code == 101
        return ws.respond(503, "full\n", {"Retry-After": "7"})

    handler = Recorder()
    async with server_for(handler, process_response=refuse) as server:
        with pytest.raises(InvalidStatus, match="503 Service Unavailable: full") as caught:
            await connect(uri_of(server))
    assert caught.value.response.headers["Retry-After"] == "7"
    assert not handler.was_reached


async def test_process_response_cannot_open_what_was_not_checked() -> None:
    def force(ws: ServerConnection, request: Request, response: Response) -> Response:
        return Response(101, "Switching Protocols")

    handler = Recorder()
    async with server_for(handler, process_request=page, process_response=force) as server:
        assert (await ask(server, request("/about"))).status_code == 500
    assert not handler.was_reached


@pytest.mark.parametrize(
    ("offered", "agreed"), [(["superchat", "chat"], "chat"), (["other"], None), ([], None)]
)
async def test_the_server_chooses_a_subprotocol_that_it_supports(
    offered: list[str], agreed: str | None
) -> None:
    async with (
        server_for(subprotocols=["chat", "superchat"]) as server,
        connect(uri_of(server), subprotocols=offered) as ws,
    ):
        assert ws.subprotocol == agreed


async def test_select_subprotocol_decides_instead() -> None:
    seen: list[Any] = []

    def select(ws: ServerConnection, offered: Any) -> str:
        seen.extend((ws.request and ws.request.path, list(offered)))
        return "b"

    options = {"subprotocols": ["a"], "select_subprotocol": select}
    async with (
        server_for(**options) as server,
        connect(uri_of(server, "/room"), subprotocols=["a", "b"]) as ws,
    ):
        assert ws.subprotocol == "b"
    assert seen == ["/room", ["a", "b"]]


async def test_select_subprotocol_may_choose_none() -> None:
    async with (
        server_for(select_subprotocol=lambda ws, offered: None) as server,
        connect(uri_of(server), subprotocols=["a"]) as ws,
    ):
        assert ws.subprotocol is None


async def test_select_subprotocol_must_not_invent(caplog: pytest.LogCaptureFixture) -> None:
    async with server_for(select_subprotocol=lambda ws, offered: "b") as server:
        response = await ask(server, request(Sec_WebSocket_Protocol="a"))
    assert response.status_code == 500
    assert "selected subprotocol 'b' was not offered" in caplog.text


async def test_a_function_chooses_events_by_the_request() -> None:
    class Say(Events):
        def __init__(self, word: str) -> None:
            self.word = word

        def on_message(self, ws: Any, data: str | bytes) -> None:
            ws.send_soon(self.word)

    async with server_for(lambda request: Say(request.path)) as server:
        for path in ("/a", "/b"):
            async with connect(uri_of(server, path)) as ws:
                await ws.send("?")
                assert await ws.recv() == path


async def test_a_function_that_makes_no_events_is_500(caplog: pytest.LogCaptureFixture) -> None:
    async with server_for(lambda request: None) as server:
        response = await ask(server, request())
    assert response.status_code == 500
    assert "gave None for a request, not Events" in caplog.text


async def test_a_hook_must_not_return_what_is_no_response(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with server_for(process_request=lambda ws, request: "hello") as server:
        assert (await ask(server, request())).status_code == 500
    assert "not a Response or None" in caplog.text


async def test_without_events_messages_are_kept_for_recv() -> None:
    async with server_for() as server, connect(uri_of(server)) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
