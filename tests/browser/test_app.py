"""An application and pages in a real browser: who may connect, who signs in, who comes back."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import trunkline
from tests.browser.conftest import OpenTab
from tests.browser.conversation import BLANK_PAGE, converse, ending
from tests.docs.page import Page as Documentation
from trunkline import auth
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.app.connection import AppConnection
from trunkline.app.observation.observer import Observer
from trunkline.app.visit import Visit
from trunkline.limits import Drain
from trunkline.protocol.http1 import Response, make_response
from trunkline.protocol.retry_hint import parse_hint

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOST = "127.0.0.1"
HANG_SECONDS = 30
HTML = {"Content-Type": "text/html; charset=utf-8"}
DOCUMENTED = Documentation("authentication")

SHORT_SECONDS = 4
"""How long a token is good that is to expire: enough for a busy machine to connect with it."""

AT_ONCE = Drain(window=0, come_back_within=0)
SOON = Drain(window=0, come_back_within=1)

# Connects with two tokens that are good for a moment, renews one, and tells how both are doing when
# the other has ended.
RENEW = """
({ url, token, fresh }) => new Promise((resolve) => {
  const [left, renewed] = [new WebSocket(url), new WebSocket(url)];
  const story = { heard: [] };
  left.onopen = () => left.send(JSON.stringify({ auth: token }));
  renewed.onopen = () => {
    renewed.send(JSON.stringify({ auth: token }));
    renewed.send(JSON.stringify({ auth: fresh }));
  };
  left.onclose = ({ code, reason }) => {
    Object.assign(story, { code, reason });
    renewed.send("still here?");
  };
  renewed.onmessage = ({ data }) => {
    story.heard.push(data.startsWith("{") ? JSON.parse(data) : data);
    if (data.endsWith("still here?")) resolve(story);
  };
  renewed.onclose = ({ code, reason }) => resolve({ ...story, lost: [code, reason] });
})
"""

# A page that comes back, as the close frame asks it to, and tells of each end and of each wait.
COME_BACK = """
(url) => {
  window.ends = [];
  window.waits = [];
  const connect = () => {
    const socket = new WebSocket(url);
    socket.onclose = ({ code, reason }) => {
      const hint = /^retry in ([0-9.]+) s$/.exec(reason);
      const seconds = hint ? Number(hint[1]) : 0.1;
      window.ends.push([code, reason]);
      const begun = performance.now();
      setTimeout(() => {
        window.waits.push((performance.now() - begun) / 1000);
        connect();
      }, seconds * 1000);
    };
  };
  connect();
}
"""

ASK = """
async ({ url, options = {} }) => {
  try {
    const answer = await fetch(url, options);
    return [answer.status, await answer.text()];
  } catch (error) {
    return [error.name];
  }
}
"""


class Register(Observer):
    """Keeps what the application tells of its visitors."""

    def __init__(self, app: App) -> None:
        self.refusals: list[tuple[int, Step]] = []
        self.opened_routes: asyncio.Queue[str | None] = asyncio.Queue()
        app.observe(self)

    def refused(self, visit: Visit, refused: trunkline.RequestRefused) -> None:
        self.refusals.append((refused.status, visit.step))

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        self.opened_routes.put_nowait(visit.route)


async def echo(ws: AppConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def greet(ws: AppConnection) -> None:
    await ws.send(f"good evening, {ws.user}")
    async for message in ws:
        await ws.send(f"{ws.user}: {message}")


def blank_page(request: Any) -> Response:
    return make_response(HTTPStatus.OK, BLANK_PAGE, HTML)


def app_with_page(**options: Any) -> App:
    """Make an application with a blank page, and an echo."""
    app = App(drain=AT_ONCE, **options)
    app.get("/")(blank_page)
    app.add_websocket("/echo", echo)
    return app


def origin_of(server: AppServer) -> str:
    """Give the origin of the pages of a server."""
    return f"http://{HOST}:{server.sockets[0].getsockname()[1]}"


def socket_of(server: AppServer, path: str) -> str:
    """Give the address of a WebSocket of a server."""
    return f"ws{origin_of(server).removeprefix('http')}{path}"


@asynccontextmanager
async def serve(app: App, port: int = 0) -> AsyncIterator[AppServer]:
    async with asyncio.timeout(HANG_SECONDS), app.serve(HOST, port) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere() -> AsyncIterator[AppServer]:
    """A server of somebody else, with a page."""
    async with app_with_page().serve(HOST, 0) as server:
        yield server


# Pages of this origin, and of others


async def test_a_page_of_the_application_connects(open_tab: OpenTab) -> None:
    async with serve(app_with_page()) as server:
        page = await open_tab(origin_of(server))
        story = await converse(page, socket_of(server, "/echo"), texts=["hello"], close=[1000])
    assert story["messages"] == ["hello"]
    assert ending(story) == (1000, "", True)


async def test_a_page_of_another_origin_is_refused(elsewhere: AppServer, open_tab: OpenTab) -> None:
    app = app_with_page()
    register = Register(app)
    async with serve(app) as server:
        page = await open_tab(origin_of(elsewhere))
        story = await converse(page, socket_of(server, "/echo"), texts=["hello"], close=[1000])
    assert (story["opened"], story["errors"], story["messages"]) == (False, 1, [])
    assert ending(story) == (1006, "", False)
    assert register.refusals == [(403, Step.ORIGIN)]
    assert register.opened_routes.empty()


async def test_pages_of_allowed_origins_may_read_what_others_may_not(
    elsewhere: AppServer, open_tab: OpenTab
) -> None:
    allowed = app_with_page()
    async with serve(allowed) as friend:
        app = app_with_page(origins=[origin_of(friend)])
        app.get("/facts")(lambda _: {"answer": 42})
        app.post("/facts")(lambda request: request.json())
        async with serve(app) as server:
            url = f"{origin_of(server)}/facts"
            body = '{"answer": 43}'
            # A type that no form sends has the browser ask before.
            sent = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": body}
            page = await open_tab(origin_of(friend))
            assert await page.evaluate(ASK, {"url": url}) == [200, '{"answer": 42}']
            assert await page.evaluate(ASK, {"url": url, "options": sent}) == [200, body]
            page = await open_tab(origin_of(elsewhere))
            assert await page.evaluate(ASK, {"url": url}) == ["TypeError"]
            assert await page.evaluate(ASK, {"url": url, "options": sent}) == ["TypeError"]


async def test_files_have_the_policy_of_their_page(open_tab: OpenTab, tmp_path: Path) -> None:
    policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"
    (tmp_path / "index.html").write_text(
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<link rel=icon href='data:,'><script src='talk.js'></script>"
    )
    (tmp_path / "talk.js").write_text(
        "const socket = new WebSocket(`ws://${location.host}/echo`);"
        "socket.onopen = () => socket.send('by the policy');"
        "socket.onmessage = ({ data }) => { document.title = data; };"
    )
    app = App(drain=AT_ONCE)
    app.add_websocket("/echo", echo)
    app.static("/", tmp_path)
    async with serve(app) as server:
        # What breaks the policy fails the test: `open_tab` looks at the console.
        page = await open_tab(origin_of(server))
        await page.wait_for_function("document.title === 'by the policy'")


# Signing in


def app_with_login() -> App:
    """Make an application that signs its visitors in by a cookie."""
    module = DOCUMENTED.run()
    app = app_with_page(auth=auth.JWT(module.SECRET, sources=[auth.Cookie("session")]))

    @app.post("/login")
    def login(request: Any) -> Response:
        cookie = f"session={module.make_token('ada')}; HttpOnly; SameSite=Lax; Path=/"
        return make_response(HTTPStatus.NO_CONTENT, b"", {"Set-Cookie": cookie})

    app.add_websocket("/inbox", greet)
    app.add_websocket("/open-to-all", greet, origins=None)
    return app


async def test_a_cookie_signs_in_for_pages_of_the_application_only(
    elsewhere: AppServer, open_tab: OpenTab
) -> None:
    app = app_with_login()
    register = Register(app)
    async with serve(app) as server:
        page = await open_tab(origin_of(server))
        story = await converse(page, socket_of(server, "/inbox"))
        assert not story["opened"]
        assert register.refusals.pop() == (401, Step.AUTH)
        login = {"url": f"{origin_of(server)}/login", "options": {"method": "POST"}}
        assert await page.evaluate(ASK, login) == [204, ""]
        told = await converse(page, socket_of(server, "/inbox"), texts=["news?"], close=[1000])
        assert told["messages"][0] == "good evening, ada"

        # Another's page in the browser of the same visitor: his cookie goes along.
        await page.goto(origin_of(elsewhere))
        hijacked = await converse(
            page, socket_of(server, "/open-to-all"), texts=["mine"], close=[1000]
        )
        assert hijacked["messages"][0] == "good evening, ada"
        story = await converse(page, socket_of(server, "/inbox"))
        assert ending(story) == (1006, "", False)
        assert register.refusals.pop() == (403, Step.ORIGIN)


async def test_the_ticket_of_the_documentation_signs_in(open_tab: OpenTab) -> None:
    app = DOCUMENTED.run().with_tickets
    app.get("/")(blank_page)
    [code] = DOCUMENTED.of("javascript")
    script = f"""async (credentials) => {{
        {code}
        return new Promise((resolve) => {{
            socket.onmessage = ({{ data }}) => {{ socket.close(); resolve([ticket, data]); }};
        }});
    }}"""
    password = base64.b64encode(b"ada:correct horse battery staple").decode()
    register = Register(app)
    async with serve(app) as server:
        page = await open_tab(origin_of(server))
        ticket, greeting = await page.evaluate(script, f"Basic {password}")
        assert greeting == "good evening, ada"
        story = await converse(page, socket_of(server, f"/live?ticket={ticket}"))
        assert not story["opened"]
    assert register.refusals == [(401, Step.AUTH)]


def app_by_message() -> App:
    """Make an application that signs its visitors in by their first message."""
    by_message = auth.JWT(DOCUMENTED.run().SECRET, sources=[auth.FirstMessage()])
    app = app_with_page(auth=by_message)
    app.add_websocket("/inbox", greet)
    return app


async def test_the_first_message_signs_in(open_tab: OpenTab) -> None:
    token = DOCUMENTED.run().make_token("ada")
    async with serve(app_by_message()) as server:
        page = await open_tab(origin_of(server))
        texts = [f'{{"auth":"{token}"}}', "news?", "bye"]
        story = await converse(page, socket_of(server, "/inbox"), texts=texts, close=[1000])
    confirmation, *messages = story["messages"]
    assert '"auth": "ok"' in confirmation
    assert messages[:2] == ["good evening, ada", "ada: news?"]


@pytest.mark.parametrize("text", ["hello", '{"auth":"nonsense"}'])
async def test_who_is_nobody_is_told_so(open_tab: OpenTab, text: str) -> None:
    app = app_by_message()
    async with serve(app) as server:
        page = await open_tab(origin_of(server))
        story = await converse(page, socket_of(server, "/inbox"), texts=[text])
    assert story["messages"] == []
    assert (story["code"], story["wasClean"]) == (3500, True)


async def test_a_token_is_renewed_on_a_live_page(open_tab: OpenTab) -> None:
    make_token = DOCUMENTED.run().make_token
    async with serve(app_by_message()) as server:
        page = await open_tab(origin_of(server))
        tokens = {"token": make_token("ada", SHORT_SECONDS), "fresh": make_token("ada")}
        story = await page.evaluate(RENEW, {"url": socket_of(server, "/inbox"), **tokens})
    assert (story["code"], story["reason"]) == (3005, "the token has expired")
    assert story["heard"][-1] == "ada: still here?"
    ends = [heard["expires_at"] for heard in story["heard"] if isinstance(heard, dict)]
    assert len(ends) == 2 and ends[0] < ends[1]


# Leaving, and coming back


async def test_a_page_comes_back_after_a_drain_when_it_is_asked_to(open_tab: OpenTab) -> None:
    first, second = App(drain=SOON), App(drain=AT_ONCE)
    registers = [Register(app) for app in (first, second)]
    for app in (first, second):
        app.get("/")(blank_page)
        app.add_websocket("/echo", echo)
    async with serve(first) as server:
        port = server.sockets[0].getsockname()[1]
        page = await open_tab(origin_of(server))
        await page.evaluate(COME_BACK, socket_of(server, "/echo"))
        assert await registers[0].opened_routes.get() == "/echo"
        await server.drain()
        async with serve(second, port):
            assert await registers[1].opened_routes.get() == "/echo"
            code, reason = await page.evaluate("window.ends[0]")
            wait = await page.evaluate("window.waits[0]")
            await page.goto("about:blank")
    hint = parse_hint(reason)
    assert code == trunkline.CloseCode.SERVICE_RESTART
    assert hint is not None and wait >= hint - 0.001
