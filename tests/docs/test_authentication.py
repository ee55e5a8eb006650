"""The page about authentication in a browser."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.docs.page import Page, serve, uri_of
from tests.docs.web import post
from trunkline import InvalidStatus, connect

PAGE = Page("authentication")


@pytest.fixture
def page() -> Any:
    """The page's module."""
    return PAGE.run()


def test_no_block_is_forgotten() -> None:
    # The JavaScript is run by tests/browser/test_app.py.
    assert PAGE.languages() == {"python": 7, "javascript": 1}


async def test_a_cookie_of_the_right_page_signs_in(page: Any) -> None:
    cookie = {"Cookie": f"session={page.make_token('ada')}"}
    async with serve(page.app) as server:
        uri = uri_of(server, "/inbox")
        async with connect(uri, origin="https://example.com", additional_headers=cookie) as ws:
            assert await ws.recv() == "good evening, ada"
            await ws.send("any news?")
            assert await ws.recv() == "ada: any news?"
        with pytest.raises(InvalidStatus) as refused:
            await connect(uri, origin="https://evil.example", additional_headers=cookie)
        assert refused.value.response.status_code == 403
        with pytest.raises(InvalidStatus) as refused:
            await connect(uri, origin="https://example.com")
        assert refused.value.response.status_code == 401


async def test_a_ticket_is_good_once(page: Any) -> None:
    password = base64.b64encode(b"ada:correct horse battery staple").decode()
    async with serve(page.with_tickets) as server:
        issued = await post(server, "/ticket", {"Authorization": f"Basic {password}"})
        uri = uri_of(server, f"/live?ticket={issued.json()['ticket']}")
        async with connect(uri) as ws:
            assert await ws.recv() == "good evening, ada"
        with pytest.raises(InvalidStatus) as refused:
            await connect(uri)
        assert refused.value.response.status_code == 401
        assert (await post(server, "/ticket")).status == 401


async def test_a_subprotocol_signs_in_and_is_not_chosen(page: Any) -> None:
    proof = f"bearer.{page.make_token('ada')}"
    async with serve(page.in_subprotocol) as server:
        uri = uri_of(server, "/inbox")
        async with connect(uri, subprotocols=["chat", proof]) as ws:
            assert ws.subprotocol == "chat"
            assert await ws.recv() == "good evening, ada, this is chat"
        # A browser would fail this one (WHATWG WebSockets, "establish a WebSocket connection").
        async with connect(uri, subprotocols=[proof]) as ws:
            assert ws.subprotocol is None


async def test_the_first_message_signs_in(page: Any) -> None:
    async with serve(page.in_first) as server, connect(uri_of(server, "/inbox")) as ws:
        await ws.send(json.dumps({"auth": page.make_token("ada")}, separators=(",", ":")))
        assert json.loads(await ws.recv())["auth"] == "ok"
        assert await ws.recv() == "good evening, ada"


async def test_who_only_sends_reads_a_fresh_token_all_the_same(page: Any) -> None:
    def proof(seconds: float) -> str:
        return json.dumps({"auth": page.make_token("ada", seconds)})

    @page.in_first.websocket("/topic")
    async def subscribe(ws: Any) -> None:
        await page.listen(ws)

    async with serve(page.in_first) as server:
        for path in ("/clock", "/topic"):
            async with connect(uri_of(server, path)) as ws:
                for seconds in (60, 3600):
                    await ws.send(proof(seconds))
                expiries = []
                while len(expiries) < 2:
                    heard = str(await ws.recv())
                    if heard.startswith("{"):
                        expiries.append(json.loads(heard)["expires_at"])
            assert expiries[1] - expiries[0] > 3000


async def test_a_function_of_ones_own_signs_in(page: Any) -> None:
    @page.with_keys.websocket("/me")
    async def me(ws: Any) -> None:
        await ws.send(ws.user)

    async with serve(page.with_keys) as server:
        uri = uri_of(server, "/me")
        async with connect(uri, additional_headers={"X-Api-Key": "k-123"}) as ws:
            assert await ws.recv() == "ada"
        with pytest.raises(InvalidStatus):
            await connect(uri)
