"""One stream on its way in: the steps, their order, and what is counted at each."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from tests.app.judge import Judge
from tests.app.premises import (
    SHORT_SECONDS,
    Witness,
    ask_from,
    caller,
    echo,
    echoing,
    get,
    new_app,
    opening,
    read_texts,
    serving,
    texts,
    uri_of,
)
from tests.auth.openings import NOW
from tests.server.wire import KEY, read_answer, request
from trunkline import Limits, Request, RequestRefused, Response, connect
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.routing.http import HttpRequest
from trunkline.app.visit import peer_address
from trunkline.auth import Identity, OrAnonymous
from trunkline.limits import Rate

# The order of the steps: each request is right up to one step, and wrong at all that follow.

WRONG: list[tuple[Step, int, str, str]] = [
    (Step.REQUEST, 400, "X-Line", "a\x00b"),
    (Step.CLIENT, 400, "X-Forwarded-For", "a b"),
    (Step.HOST, 421, "Host", "evil.com"),
    (Step.ROUTE, 404, "path", "/nowhere"),
    (Step.UPGRADE, 426, "Sec-WebSocket-Version", "8"),
    (Step.ORIGIN, 403, "Origin", "https://evil.com"),
    (Step.AUTH, 401, "Authorization", "Bearer t."),
    (Step.USER, 429, "Authorization", "Bearer t.ann"),
    (Step.HANDLER, 400, "Sec-WebSocket-Extensions", "a;;"),
]
RIGHT = {
    "X-Line": "ab",
    "X-Forwarded-For": "192.0.2.1",
    "Host": "localhost",
    "path": "/echo",
    "Sec-WebSocket-Version": "13",
    "Origin": "https://a.com",
    "Authorization": "Bearer t.bob",
    "Sec-WebSocket-Extensions": "permessage-deflate",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
}


def wrong_from(number: int) -> bytes:
    """Make a request that is right up to a step, and wrong at all that follow."""
    fields = dict(RIGHT)
    for _, _, name, value in reversed(WRONG[number:]):
        fields[name] = value
    path = fields.pop("path")
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def guarded() -> App:
    return echoing(
        hosts=["localhost"],
        origins=["https://a.com"],
        auth=Judge(awaits_message=False),
        trusted_proxies=["127.0.0.1"],
        limits=Limits(max_connections_per_user=1),
    )


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[step.value for step, *_ in WRONG])
async def test_the_first_step_that_is_wrong_refuses(number: int) -> None:
    app = guarded()
    witness = Witness(app)
    all_right = wrong_from(len(WRONG))
    async with (
        serving(app) as server,
        caller(server, all_right.replace(b"t.bob", b"t.ann")) as (reader, _),
    ):
        await reader.readuntil(b"\r\n\r\n")
        response = await ask_from(server, wrong_from(number))
    step, status, _, _ = WRONG[number]
    assert [(step, status) for step, status, _ in witness.refusals] == [(step, status)]
    assert response.status_code == status
    assert response.body.decode() == f"{witness.refusals[0][2]}\n"
    assert response.headers["Connection"].startswith("close")


async def test_what_is_right_at_every_step_is_accepted() -> None:
    app = guarded()
    witness = Witness(app)
    async with serving(app) as server:
        async with caller(server, wrong_from(len(WRONG)) + texts("hello")) as (reader, _):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            assert await read_texts(reader, 1) == ["hello"]
        await witness.sees("left")
    (visit,) = witness.visits
    assert (visit.peer, visit.address) == ("127.0.0.1", "192.0.2.1")
    assert (visit.route, visit.step) == ("/echo", Step.HANDLER)
    assert witness.seen == ["arrived", "opened", "closed", "left"]


# Nothing of a refused request reaches a handler


REFUSED = [
    opening("/", ("Origin", "https://evil.com")),
    opening("/", ("Content-Length", "40")),
    opening("/", ("Transfer-Encoding", "chunked")),
    opening("/").replace(b"GET", b"POST"),
    request(Sec_WebSocket_Key="short"),
    request(Sec_WebSocket_Version="12"),
    request(Upgrade=None),
    opening("/nowhere"),
]


@pytest.mark.parametrize("refused", REFUSED)
async def test_bytes_behind_a_refusal_reach_no_handler(refused: bytes) -> None:
    app = new_app()
    witness = Witness(app)
    reached: list[Any] = []

    @app.websocket("/")
    async def handler(ws: Any) -> None:
        reached.append(ws)

    @app.http("/page", ["GET", "POST"])
    def page(request: HttpRequest) -> str:
        reached.append(request)
        return "page"

    behind = texts("hello") + get("/page") + opening("/") + texts("hello")
    async with serving(app) as server:
        async with caller(server, refused + behind) as (reader, writer):
            response = await read_answer(reader)
            writer.write(behind)
        await witness.sees("left")
    assert 400 <= response.status_code < 500
    assert response.body.count(b"\n") == 1
    assert reached == []
    assert witness.seen == ["arrived", "refused", "left"]


async def test_bytes_behind_a_page_reach_no_handler() -> None:
    app = echoing()
    witness = Witness(app)
    app.get("/page")(lambda request: "page")
    async with serving(app) as server:
        data = get("/page") + get("/page") + opening("/echo")
        assert (await ask_from(server, data)).body == b"page"
        await witness.sees("left")
    assert witness.seen == ["arrived", "answered", "left"]


# What is read


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"Content-Length": "5"}, 400, "an opening request has no body"),
        ({"Transfer-Encoding": "chunked"}, 400, "an opening request has no body"),
    ],
)
async def test_an_upgrade_has_no_body(changes: dict[str, str], status: int, reason: str) -> None:
    app = echoing()
    witness = Witness(app)
    async with serving(app) as server:
        response = await ask_from(server, opening("/echo", *changes.items()) + b"hello")
    assert (response.status_code, response.body.decode()) == (status, reason + "\n")
    assert witness.refusals == [(Step.REQUEST, status, reason)]


@pytest.mark.parametrize(("size", "status"), [(10, 200), (11, 413)])
async def test_a_body_may_be_as_large_as_its_limit(size: int, status: int) -> None:
    app = new_app(limits=Limits(max_body=10))
    app.post("/")(lambda request: str(len(request.body)))
    async with serving(app) as server:
        response = await ask_from(server, get("/", "POST", b"x" * size))
    assert response.status_code == status
    assert response.body == (b"10" if size == 10 else b"body is 11 bytes, limit 10\n")


async def test_only_get_opens_a_websocket() -> None:
    app = echoing()
    witness = Witness(app)
    async with serving(app) as server:
        response = await ask_from(server, opening("/echo").replace(b"GET", b"POST"))
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")
    assert witness.refusals == [(Step.UPGRADE, 405, "only GET opens a WebSocket")]


@pytest.mark.parametrize("data", [b"", b"GET /echo HTT", opening("/echo")[:-2]])
async def test_whoever_is_slow_is_refused(data: bytes) -> None:
    app = echoing(limits=Limits(open_timeout=SHORT_SECONDS))
    witness = Witness(app)
    async with serving(app) as server:
        response = await ask_from(server, data)
    assert response.status_code == 408
    assert witness.refusals == [(Step.REQUEST, 408, f"not opened within {SHORT_SECONDS} s")]


@pytest.mark.parametrize("step", [Step.AUTH, Step.HANDLER])
async def test_a_step_of_ours_that_is_slow_is_503_and_named_in_the_log(
    step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    async def wait(*request: Any) -> str:
        await asyncio.Event().wait()
        return "never"

    app = new_app(limits=Limits(open_timeout=SHORT_SECONDS))
    witness = Witness(app)
    handler, auth = (echo, wait) if step is Step.AUTH else (wait, None)
    app.get("/slow/{name}", auth=auth)(handler)
    async with serving(app) as server:
        response = await ask_from(server, get("/slow/1"))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert witness.refusals == [(step, 503, f"not decided within {SHORT_SECONDS} s")]
    assert f"{step.value} of /slow/{{name}} has not ended after " in caplog.text


async def test_whoever_comes_too_often_is_refused_before_anything_is_read() -> None:
    app = echoing(limits=Limits(handshake_rate=Rate(1, per=60, burst=1)))
    witness = Witness(app)
    async with serving(app) as server:
        await ask_from(server, get("/health"))
        response = await ask_from(server, b"")
    assert response.status_code == 429
    assert witness.refusals[0][:2] == (Step.ARRIVAL, 429)
    async with serving(echoing(limits=Limits(handshake_rate=None))) as server:
        assert (await ask_from(server, get("/health"))).status_code == 200


# Who it is


def identified(identity: Identity | None) -> Any:
    async def somebody(request: Request) -> Identity | None:
        return identity

    return somebody


async def test_whoever_has_expired_already_is_refused() -> None:
    app = echoing(auth=identified(Identity("ann", expires_at=NOW)))
    witness = Witness(app)
    async with serving(app) as server:
        server.service.now = lambda: NOW
        response = await ask_from(server, opening("/echo"))
        assert (response.status_code, response.body) == (401, b"the token has expired\n")
        assert len(server.service.crowd.users) == 0
    assert witness.refusals[0][0] is Step.AUTH


async def test_whoever_leaves_while_it_is_found_out_who_that_is_keeps_no_place() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def stubborn(request: Request) -> str:
        asked.set()
        while not may_answer.is_set():
            with suppress(asyncio.CancelledError):  # as careless code does
                await may_answer.wait()
        return "ann"

    app = echoing(auth=stubborn)
    witness = Witness(app)
    async with serving(app) as server:
        async with caller(server, opening("/echo")):
            await asked.wait()
            (opening_,) = server.service.openings
            opening_.cut()
            await witness.sees("left")
            may_answer.set()
            while server.service.openings:
                await asyncio.sleep(0)
        assert len(server.service.crowd.users) == 0
        assert not server.service._users


async def test_credentials_are_taken_out_of_what_is_kept() -> None:
    kept: list[str] = []
    app = new_app(auth=Judge())

    @app.websocket("/")
    async def handler(ws: Any) -> None:
        kept.append(ws.request.headers["Authorization"])

    @app.get("/page", auth=Judge())
    def page(request: HttpRequest) -> str:
        kept.append(request.headers["Authorization"])
        return request.user or ""

    token = ("Authorization", "Bearer t.ann")
    async with serving(app) as server:
        assert (await ask_from(server, get("/page", Authorization=token[1]))).body == b"ann"
        witness = Witness(app)
        async with caller(server, opening("/", token)) as (reader, _):
            await reader.readuntil(b"\r\n\r\n")
            await reader.read(1)  # of a goodbye
        await witness.sees("left")
    assert kept == ["***", "***"]


# Over HTTP


async def test_a_page_needs_credentials_in_the_request() -> None:
    app = new_app()
    app.get("/", auth=Judge())(lambda request: "page")
    witness = Witness(app)
    async with serving(app) as server:
        response = await ask_from(server, get("/"))
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert witness.refusals == [(Step.AUTH, 401, "no token")]


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
async def test_an_exception_is_500_and_its_traceback_is_in_the_log(
    kind: type[BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = new_app()
    witness = Witness(app)

    @app.get("/rooms/{room}")
    def broken(request: HttpRequest, room: str) -> str:
        raise kind("nobody's business")

    async with serving(app) as server:
        response = await ask_from(server, get("/rooms/a%0Ab?token=secret"))
    assert (response.status_code, response.body) == (500, b"see the server's log\n")
    assert witness.refusals == [(Step.HANDLER, 500, "see the server's log")]
    assert "HTTP handler failed: GET /rooms/{room}" in caplog.text
    assert f"{kind.__name__}: nobody's business" in caplog.text
    assert "secret" not in caplog.text


async def test_a_handler_may_refuse() -> None:
    app = new_app(origins=["https://a.com", None])

    @app.get("/")
    async def handler(request: HttpRequest) -> str:
        raise RequestRefused(409, "not now", {"Retry-After": "3"})

    async with serving(app) as server:
        response = await ask_from(server, get("/", Origin="https://a.com"))
    assert (response.status_code, response.body) == (409, b"not now\n")
    assert response.headers["Retry-After"] == "3"
    # The page may read that, too.
    assert response.headers["Access-Control-Allow-Origin"] == "https://a.com"


async def test_pages_of_listed_origins_may_read_answers() -> None:
    app = new_app(origins=["https://a.com", None])
    app.get("/")(lambda request: Response(200, "OK"))
    async with serving(app) as server:
        good = await ask_from(server, get("/", Origin="https://a.com"))
        evil = await ask_from(server, get("/", Origin="https://evil.com"))
    assert good.headers["Access-Control-Allow-Origin"] == "https://a.com"
    assert "Access-Control-Allow-Origin" not in evil.headers
    assert good.headers["Vary"] == evil.headers["Vary"] == "Origin"


def preflight(method: str, origin: str = "https://a.com", path: str = "/") -> bytes:
    wanted = {"Origin": origin, "Access_Control_Request_Method": method}
    return get(path, "OPTIONS", **wanted)


def twice(data: bytes, line: bytes) -> bytes:
    """Give a request with a further header line."""
    return data.replace(b"\r\n\r\n", b"\r\n%b\r\n\r\n" % line)


@pytest.mark.parametrize(
    ("data", "status", "step"),
    [
        (preflight("PUT"), 204, None),
        (preflight("PUT", "https://evil.com"), 403, Step.ORIGIN),
        (preflight("DELETE"), 405, Step.ROUTE),
        (preflight("PUT", path="/nowhere"), 404, Step.ROUTE),
        (preflight("GET", path="/echo"), 405, Step.UPGRADE),
        (
            preflight("PUT").replace(b"\r\n\r\n", b"\r\nOrigin: https://a.com\r\n\r\n"),
            400,
            Step.ORIGIN,
        ),
        (
            preflight("PUT").replace(
                b"\r\n\r\n", b"\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
            ),
            405,
            Step.ROUTE,
        ),
        (get("/", "OPTIONS"), 405, Step.ROUTE),
    ],
)
async def test_a_preflight_is_answered_by_the_policy(
    data: bytes, status: int, step: Step | None
) -> None:
    app = echoing(origins=["https://a.com"], auth=None)
    app.http("/", ["PUT"], auth=Judge())(lambda request: "never")
    witness = Witness(app)
    async with serving(app) as server:
        response = await ask_from(server, data)
        await witness.sees("left")
    assert response.status_code == status
    if step is None:
        assert response.headers["Access-Control-Allow-Methods"] == "PUT"
        assert witness.seen == ["arrived", "answered", "left"]
    else:
        assert [(step, status) for step, status, _ in witness.refusals] == [(step, status)]


@pytest.mark.parametrize(
    ("method", "origin", "status"),
    [
        ("GET", "https://evil.com", 200),
        ("POST", "https://evil.com", 403),
        ("POST", "null", 403),
        ("POST", "http://localhost", 200),
        ("POST", None, 200),
    ],
)
async def test_pages_of_other_sites_change_nothing(
    method: str, origin: str | None, status: int
) -> None:
    app = new_app()
    app.http("/", ["GET", "POST"])(lambda request: "done")
    async with serving(app) as server:
        headers = {} if origin is None else {"Origin": origin}
        response = await ask_from(server, get("/", method, **headers))
    assert response.status_code == status


# Where it comes from


class Peername:
    def __init__(self, name: Any) -> None:
        self._name = name

    def get_extra_info(self, name: str) -> Any:
        return self._name


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (("192.0.2.1", 4000), "192.0.2.1"),
        (("::ffff:192.0.2.1", 4000, 0, 0), "192.0.2.1"),
        (("2001:DB8::1", 4000, 0, 0), "2001:db8::1"),
        ("", "unix"),
        (None, "unix"),
    ],
)
def test_an_address_has_one_form(name: Any, address: str) -> None:
    stream: Any = Peername(name)
    assert peer_address(stream) == address


async def test_a_unix_socket_may_be_a_trusted_proxys(tmp_path: Any) -> None:
    app = echoing(trusted_proxies=["unix"])
    witness = Witness(app)
    path = str(tmp_path / "socket")
    async with app.serve(path=path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(opening("/echo", ("X-Forwarded-For", "192.0.2.7")))
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await witness.sees("left")
    assert (witness.visits[0].peer, witness.visits[0].address) == ("unix", "192.0.2.7")


async def test_a_proxy_may_say_it_before_the_request() -> None:
    app = echoing(trusted_proxies=["127.0.0.1"], proxy_protocol=True)
    witness = Witness(app)
    line = b"PROXY TCP4 192.0.2.7 127.0.0.1 4000 80\r\n"
    async with serving(app) as server:
        async with caller(server, line + opening("/echo")) as (reader, _):
            await reader.readuntil(b"\r\n\r\n")
        await witness.sees("left")
        wrong = await ask_from(server, opening("/echo"))
        stranger = await ask_from(server, line + opening("/echo"), "127.0.0.2")
        untouched = await ask_from(server, get("/health"), "127.0.0.2")
    assert witness.visits[0].address == "192.0.2.7"
    assert (wrong.status_code, stranger.status_code) == (400, 400)
    assert untouched.status_code == 200


# Subprotocols


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ("chat, t.ann", "chat"),
        ("t.ann, b, a", "a"),
        ("t.ann", None),
        ("c", None),
        ("", None),
    ],
)
async def test_a_credential_is_never_agreed_on(offered: str, agreed: str | None) -> None:
    app = new_app(auth=[Judge(awaits_message=False), identified(Identity("ann"))])
    app.websocket("/", subprotocols=["a", "b", "chat", "t.ann"])(echo)
    async with serving(app) as server:
        lines = [("Sec-WebSocket-Protocol", offered)] if offered else []
        async with caller(server, opening("/", *lines)) as (reader, _):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
    assert ("t.ann" in head, "Sec-WebSocket-Protocol" in head) == (False, agreed is not None)
    assert agreed is None or f"Sec-WebSocket-Protocol: {agreed}\r\n" in head


async def test_without_authentication_every_subprotocol_is_one() -> None:
    app = new_app()
    app.websocket("/", subprotocols=["t.ann"])(echo)
    async with serving(app) as server:
        uri: Any = uri_of(server)
        async with connect(uri, subprotocols=["t.ann"]) as ws:
            assert ws.subprotocol == "t.ann"


# Inside


async def test_a_handler_that_cannot_begin_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = new_app(auth=identified(Identity("ann")))
    witness = Witness(app)
    app.websocket("/")(lambda request: None)
    async with serving(app) as server:
        assert (await ask_from(server, opening("/"))).status_code == 500
        await witness.sees("left")
        assert len(server.service.crowd) == len(server.service.crowd.users) == 0
    assert "not Events" in caplog.text
    assert witness.refusals == [(Step.HANDLER, 500, "see the server's log")]


async def test_an_identity_without_an_end_is_not_watched() -> None:
    app = new_app(auth=Judge())
    witness = Witness(app)
    app.websocket("/")(echo)
    async with serving(app) as server:
        server.service.now = lambda: NOW
        for first, expires in (("t.ann", False), ("t.ann.60", True)):
            async with caller(server, opening("/") + texts(first)) as (reader, _):
                await reader.readuntil(b"\r\n\r\n")
                await read_texts(reader, 1)
                visit = witness.visits[-1]
                assert (visit._expiry is not None) is expires
                assert visit.connection is not None and visit.service is server.service


async def test_a_token_may_bring_the_end_forward_or_take_it_away() -> None:
    app = new_app(auth=Judge())
    witness = Witness(app)
    app.websocket("/")(echo)
    async with serving(app) as server:
        server.service.now = lambda: NOW
        line = ("Authorization", "Bearer t.ann.60")
        async with caller(server, opening("/", line)) as (reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            (visit,) = witness.visits
            for token, expires_at in (("t.ann.30", NOW + 30), ("t.ann", None)):
                writer.write(texts(f'{{"auth":"{token}"}}'))
                await read_texts(reader, 1)
                assert visit.identity is not None
                assert visit.identity.expires_at == expires_at
                assert (visit._expiry is None) is (expires_at is None)
            writer.write(texts('{"auth":"t.ann.-1"}'))
            assert b"the token has expired" in await reader.read(65_536)


async def test_nobody_becomes_somebody_else() -> None:
    app = new_app(auth=Judge())
    witness = Witness(app)
    app.websocket("/")(echo)
    async with serving(app) as server:
        server.service.now = lambda: NOW
        line = ("Authorization", "Bearer t.ann.60")
        data = opening("/", line) + texts('{"auth":"t.bob.60"}')
        async with caller(server, data) as (reader, _):
            await reader.readuntil(b"this token is another user's")
    assert witness.refusals == [(Step.AUTH, 403, "this token is another user's")]


async def test_somebody_may_be_nobody_in_particular() -> None:
    app = echoing(auth=OrAnonymous(Judge(awaits_message=False)))
    witness = Witness(app)
    async with serving(app) as server, caller(server, opening("/echo")) as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
        assert witness.visits[0].identity is None


async def test_more_calls_at_the_end_do_no_harm() -> None:
    app = echoing()
    witness = Witness(app)
    async with serving(app) as server:
        async with caller(server, opening("/echo")) as (reader, _):
            await reader.readuntil(b"\r\n\r\n")
            (connection,) = server.connections
        await witness.sees("left")
        witness.visits[0].over(connection)
    assert witness.seen.count("closed") == witness.seen.count("left") == 1


async def test_it_is_known_how_long_somebody_is_there_and_whether_by_tls() -> None:
    app = echoing()
    witness = Witness(app)
    async with serving(app) as server, connect(uri_of(server, "/echo")):
        (visit,) = witness.visits
        assert visit.seconds() >= 0
        assert not visit.is_secure
        assert visit.request is None  # it is not kept for as long as a connection lasts
