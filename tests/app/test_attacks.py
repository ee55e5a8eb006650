"""What strangers try, a test for each: none of it reaches a handler, a log, or another answer."""

import asyncio
import hmac
import logging
import re
from dataclasses import replace
from typing import Any

import jwt
import pytest

from tests.app.judge import Judge
from tests.app.premises import (
    SHORT_SECONDS,
    Order,
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
from tests.server.wire import read_answer
from trunkline import Close, ConnectionClosed, Headers, Limits, RequestRefused, Response, connect
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.messages.schema import schema_for
from trunkline.app.routing.http import HttpRequest
from trunkline.auth import JWT, Basic, Cookie, Query, Tickets
from trunkline.protocol.forwarded import parse_x_forwarded

MARKER = "m4rker-t0ken"
KEY = "k" * 32


class Reached:
    """An application in which whatever reaches a handler is taken down."""

    def __init__(self, **options: Any) -> None:
        self.app = new_app(**options)
        self.witness = Witness(self.app)
        self.seen: list[Any] = []
        self.app.websocket("/ws")(self.talk)
        self.app.http("/page", ["GET", "POST"])(self.page)

    async def talk(self, ws: Any) -> None:
        self.seen.append(ws.request.path)
        await echo(ws)

    async def page(self, request: HttpRequest) -> str:
        self.seen.append(request.path)
        return "page"

    async def status(self, data: bytes) -> int:
        """Give the status of the answer to a request."""
        async with serving(self.app) as server:
            async with caller(server, data) as (reader, _):
                line = await reader.readline()
            await self.witness.sees("left", len(self.witness.visits))
        return int(line.split()[1])


# Cross-site hijacking: any page may ask a browser to connect, and cookies go along

FOREIGN = [
    "https://evil.com",
    "https://app.example.com.evil.com",
    "https://evil-app.example.com",
    "https://evilapp.example.com",
    "https://example.com",
    "http://app.example.com",
    "wss://app.example.com",
    "https://app.example.com:8443",
    "https://user@app.example.com",
    "https://app.example.com@evil.com",
    "https://app.example.com/",
    "https://app.example.com.",
    "https://app.example.com,https://evil.com",
    "https://app.example.com https://evil.com",
    "HTTPS://APP.EXAMPLE.COM",
    "https://%61pp.example.com",
    "null",
    "",
    "file://",
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_another_origin_may_not_connect(origin: str) -> None:
    reached = Reached(origins=["https://app.example.com"])
    assert await reached.status(opening("/ws", ("Origin", origin))) == 403
    assert reached.witness.refusals[0][0] is Step.ORIGIN
    assert reached.seen == []


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://app.example.com", 101),
        ("http://app.example.com:80", 101),
        ("http://app.example.com:8080", 403),
        ("http://app.example.com.evil.com", 403),
        ("http://evil.com", 403),
        ("http://user@app.example.com", 403),
        ("http://app.example.com/path", 403),
        ("ftp://app.example.com", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_by_default_a_page_connects_to_the_host_that_it_came_from(
    origin: str, status: int
) -> None:
    reached = Reached()
    data = opening("/ws", ("Origin", origin), host="app.example.com")
    assert await reached.status(data) == status


@pytest.mark.parametrize(
    ("scheme", "origin", "status"),
    [
        ("https", "https://app.example.com", 101),
        ("https", "http://app.example.com", 403),
        ("http", "http://app.example.com", 101),
        ("http", "https://app.example.com", 101),
    ],
)
async def test_behind_tls_a_page_that_came_without_it_is_another(
    scheme: str, origin: str, status: int
) -> None:
    reached = Reached(trusted_proxies=["127.0.0.1"], forwarding_header="X-Forwarded-For")
    proxied = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", scheme)]
    data = opening("/ws", ("Origin", origin), *proxied, host="app.example.com")
    assert await reached.status(data) == status
    page = get("/page", "POST", Host="app.example.com", Origin=origin, **dict(proxied))
    async with serving(reached.app) as server:
        assert (await ask_from(server, page)).status_code == (200 if status == 101 else 403)


@pytest.mark.parametrize("second", ["https://app.example.com", "https://evil.com", "null"])
async def test_two_origins_are_none(second: str) -> None:
    reached = Reached(origins=["https://app.example.com"])
    lines = [("Origin", "https://app.example.com"), ("Origin", second)]
    assert await reached.status(opening("/ws", *lines)) == 400
    assert await reached.status(get("/page", Origin=second)[:-2] + b"Origin: null\r\n\r\n") == 400
    assert reached.seen == []


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        (["https://a.com"], None, 403),
        (["https://a.com", None], None, 101),
        (["https://a.com", None], "null", 403),
        (["https://a.com", "null"], "null", 101),
        (["https://a.com", "null"], None, 403),
        ([re.compile(r"https://.*\.a\.com")], "https://x.a.com", 101),
        ([re.compile(r"https://.*\.a\.com")], "https://x.a.com.evil.com", 403),
        ([re.compile(r"https://.*\.a\.com")], None, 403),
    ],
)
async def test_null_and_missing_are_choices_of_their_own(
    origins: Any, origin: str | None, status: int
) -> None:
    lines = [] if origin is None else [("Origin", origin)]
    assert await Reached(origins=origins).status(opening("/ws", *lines)) == status


@pytest.mark.parametrize("method", ["POST"])
async def test_a_page_of_another_origin_changes_nothing(method: str) -> None:
    reached = Reached()
    assert await reached.status(get("/page", method, b"x", Origin="http://evil.com")) == 403
    assert reached.seen == []


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 401), ("https://evil.com", 403), ("https://a.com", 101)]
)
async def test_a_cookie_counts_only_with_an_origin(origin: str | None, status: int) -> None:
    tickets = Tickets(key=KEY, sources=[Cookie("session")])
    reached = Reached(origins=["https://a.com", None], auth=tickets)
    lines = [("Cookie", f"session={tickets.issue('ann')}")]
    if origin is not None:
        lines.append(("Origin", origin))
    assert await reached.status(opening("/ws", *lines)) == status
    assert (reached.seen != []) is (status == 101)


# DNS rebinding: a page points its own name here, and then it is of the same origin


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("app.example.com", 101),
        ("APP.example.com", 101),
        ("app.example.com.", 101),
        ("app.example.com:8000", 101),
        ("evil.com", 421),
        ("app.example.com.evil.com", 421),
        ("evilapp.example.com", 421),
        ("127.0.0.1", 421),
        ("localhost", 421),
    ],
)
async def test_a_name_of_somebody_else_is_not_answered(host: str, status: int) -> None:
    reached = Reached(hosts=["app.example.com"])
    origin = f"http://{host.removesuffix('.')}"
    if host.endswith("."):
        origin += "."
    data = opening("/ws", ("Origin", origin), ("X-Forwarded-Host", "app.example.com"), host=host)
    assert await reached.status(data) == status
    assert await reached.status(get("/page", Host=host)) == (200 if status == 101 else 421)
    if status == 421:
        assert [step for step, _, _ in reached.witness.refusals] == [Step.HOST] * 2
        assert reached.seen == []


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a b\r\n", b"Host:\r\n"])
async def test_a_request_has_one_host(hosts: bytes) -> None:
    reached = Reached()
    data = opening("/ws").replace(b"Host: localhost\r\n", hosts)
    assert await reached.status(data) == 400
    assert reached.seen == []


# Smuggling: what one reader takes for a body, another takes for a request

SMUGGLED = get("/page") + opening("/ws") + texts("hello")


@pytest.mark.parametrize(
    "line",
    [
        ("Content-Length", str(len(SMUGGLED))),
        ("Content-Length", "0, 0"),
        ("Content-Length", "+1"),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "identity"),
        ("Origin", "http://evil.com"),
        ("Sec-WebSocket-Extensions", "a;;"),
    ],
)
async def test_nothing_behind_a_refused_upgrade_is_read(line: tuple[str, str]) -> None:
    reached = Reached()
    assert await reached.status(opening("/ws", line) + SMUGGLED) in (400, 403)
    assert reached.seen == []
    assert reached.witness.seen == ["arrived", "refused", "left"]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"Content-Length: 5", b"Content-Length: 6"], 400),
        ([b"Content-Length: 5", b"Content-Length: 5"], 400),
        ([b"Content-Length: -5"], 400),
        ([b"Content-Length: 0x5"], 400),
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], 411),
        ([b"Transfer-Encoding: chunked"], 411),
        ([b"Content-Length : 5"], 400),
        ([b"Content-Length:\x0b5"], 400),
        ([b" Content-Length: 5"], 400),
    ],
)
async def test_a_length_means_one_thing(lines: list[bytes], status: int) -> None:
    reached = Reached()
    head = get("/page", "POST")[:-2] + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    assert await reached.status(head + b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED) == status
    assert reached.seen == []


async def test_what_follows_a_body_is_dropped() -> None:
    reached = Reached()
    assert await reached.status(get("/page", "POST", b"hello") + SMUGGLED) == 200
    assert reached.seen == ["/page"]


# Header injection: nothing that an application sets may break a head in two


@pytest.mark.parametrize("evil", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "a\0b"])
def test_what_would_break_a_head_is_an_error(evil: str) -> None:
    with pytest.raises(ValueError):
        Headers({"X-Name": evil})
    with pytest.raises(ValueError):
        Headers({evil: "value"})
    with pytest.raises(ValueError):
        Response(200, evil)
    with pytest.raises(ValueError):
        new_app().websocket("/", subprotocols=[evil])(echo)
    with pytest.raises(ValueError):
        App(server_header=evil)
    with pytest.raises(ValueError):
        Basic({"ann": "secret"}, realm=evil)
    with pytest.raises(ValueError):
        new_app().get(f"/{evil}")(lambda request: "")


@pytest.mark.parametrize("evil", ["a\r\nX-Evil: 1", "a\0b"])
async def test_a_refusal_cannot_break_a_head_either(
    evil: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = new_app()

    @app.get("/header")
    def header(request: HttpRequest) -> str:
        raise RequestRefused(403, "no", {"X-Name": evil})

    @app.get("/reason")
    def reason(request: HttpRequest) -> str:
        raise RequestRefused(403, evil)

    async with serving(app) as server:
        refused = await ask_from(server, get("/header"))
        worded = await ask_from(server, get("/reason"))
    assert refused.status_code == 500
    assert (worded.status_code, worded.body.decode()) == (403, f"{evil}\n")
    for response in (refused, worded):
        assert "X-Evil" not in response.headers


async def test_the_reason_of_a_close_is_only_text() -> None:
    app = new_app()
    reason = "a\r\nX-Evil: 1\0"
    app.websocket("/")(lambda_close(reason))
    async with serving(app) as server, connect(uri_of(server)) as ws:
        with pytest.raises(ConnectionClosed) as caught:
            await ws.recv()
    assert caught.value.rcvd == Close(4000, reason)
    assert "\n" not in str(caught.value)


def lambda_close(reason: str) -> Any:
    async def close(ws: Any) -> None:
        await ws.close(4000, reason)

    return close


# Slowness: one deadline for the whole of it


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"G",
        opening("/ws")[:-1],
        get("/page", "POST", b"hello")[:-1],
        opening("/ws")[:20],
    ],
)
async def test_a_request_that_does_not_end_is_408(data: bytes) -> None:
    reached = Reached(limits=Limits(open_timeout=SHORT_SECONDS))
    assert await reached.status(data) == 408
    assert reached.seen == []


async def test_a_byte_now_and_then_gains_no_time() -> None:
    reached = Reached(limits=Limits(open_timeout=SHORT_SECONDS))
    async with serving(reached.app) as server, caller(server) as (reader, writer):
        answer = asyncio.ensure_future(read_answer(reader))
        for byte in opening("/ws")[:-1] * 10:
            writer.write(bytes([byte]))
            await asyncio.sleep(SHORT_SECONDS / 10)
            if answer.done():
                break
        assert (await answer).status_code == 408


async def test_a_stranger_who_says_nothing_after_the_upgrade_is_let_go() -> None:
    reached = Reached(auth=Judge(), limits=Limits(open_timeout=SHORT_SECONDS))
    async with serving(reached.app) as server, caller(server, opening("/ws")) as (reader, _):
        await reader.readuntil(b"no token was accepted within")
    assert reached.seen == []


# Logs: nobody writes lines of their own, and no credential is in any

ENCODED = ["%0d%0aevil", "%0aevil", "%00", "%1b[31mevil", "%c2%85evil", "%e2%80%a8evil"]


@pytest.mark.parametrize("path", ENCODED)
async def test_a_path_writes_no_lines_of_a_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = new_app()

    @app.websocket("/rooms/{room}")
    async def fails(ws: Any, room: str) -> None:
        raise RuntimeError("a mistake")

    @app.get("/pages/{page}")
    def breaks(request: HttpRequest, page: str) -> str:
        raise RuntimeError("a mistake")

    witness = Witness(app)
    async with serving(app) as server:
        for target in (f"/pages/{path}", f"/nowhere/{path}", f"/pages/x?{path}"):
            await ask_from(server, get(target))
        async with caller(server, opening(f"/rooms/{path}")) as (reader, _):
            await reader.readuntil(b"\r\n\r\n")
            await reader.read(1)
        await witness.sees("left", 4)
    assert "a mistake" in caplog.text
    for record in caplog.records:
        assert record.getMessage().isprintable()
    # The access log has paths as they were sent: encoded, and in one line.
    assert not any(line.startswith("evil") for line in caplog.text.splitlines())


def token(user: str = "ann") -> str:
    return jwt.encode({"sub": user, "exp": NOW + 60}, KEY, "HS256")


@pytest.mark.parametrize("good", [True, False])
async def test_a_token_in_a_query_is_nowhere_to_be_seen(
    good: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = token() if good else f"{MARKER}.{MARKER}.{MARKER}"
    parts = secret.split(".")
    auth = JWT(KEY, sources=[Query("token")], now=lambda: NOW)
    reached = Reached(auth=auth)
    kept: list[str] = []

    @reached.app.websocket("/fails")
    async def fails(ws: Any) -> None:
        kept.extend((ws.request.path, repr(ws), str(ws.request)))
        raise RuntimeError("a mistake")

    @reached.app.get("/breaks", auth=auth)
    def breaks(request: HttpRequest) -> str:
        kept.extend((request.path, str(request)))
        raise RuntimeError("a mistake")

    answers: list[bytes] = []
    async with serving(reached.app) as server:
        server.service.now = lambda: NOW
        for path in ("/fails", "/nowhere", "/breaks"):
            data = opening(f"{path}?a=b&token={secret}")
            if path == "/breaks":
                data = get(f"{path}?a=b&token={secret}")
            async with caller(server, data) as (reader, _):
                answers.append(await reader.readuntil(b"\r\n\r\n"))
                answers.append(await reader.read(1_000))
        await reached.witness.sees("left", 3)
    assert kept == [] if not good else "a=b&token=***" in kept[0]
    told = [*kept, caplog.text, *map(repr, answers), repr(reached.witness.refusals)]
    assert not [part for part in parts for text in told if part in text]


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        (lambda: Basic({"ann": "secret"}), ("Authorization", "Basic YW5uOnNlY3JldA==")),
        (lambda: Tickets(key=KEY), None),
    ],
)
async def test_secrets_are_compared_in_constant_time(
    auth: Any, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    real = hmac.compare_digest

    def compare(one: Any, other: Any) -> bool:
        compared.append(len(one))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    authenticator = auth()
    data = opening("/ws", line) if line else opening(f"/ws?ticket={authenticator.issue('ann')}")
    assert await Reached(auth=authenticator).status(data) == 101
    assert compared


# Paths and methods


@pytest.mark.parametrize(
    "path",
    ["/WS", "/ws/", "//ws", "/./ws", "/x/../ws", "/%77s", "/ws%2f", "/ws%00", "/ws;a=b", "/ws%20"],
)
async def test_a_path_has_one_spelling(path: str) -> None:
    reached = Reached()
    assert await reached.status(opening(path)) == 404
    assert reached.seen == []


@pytest.mark.parametrize(
    ("method", "status"),
    [
        (b"BREW", 405),
        (b"TRACE", 405),
        (b"CONNECT", 405),
        (b"PRI", 405),
        (b"get", 405),
        (b"OPTIONS", 405),
        (b"G\x00T", 400),
        (b"G T", 400),
        (b"", 400),
    ],
)
async def test_a_method_that_nobody_has_is_refused(method: bytes, status: int) -> None:
    reached = Reached()
    assert await reached.status(get("/page").replace(b"GET", method, 1)) == status
    assert reached.seen == []


async def test_head_has_no_content_behind_which_something_could_hide() -> None:
    reached = Reached()
    async with serving(reached.app) as server:
        response = await ask_from(server, get("/page", "HEAD"))
    assert (response.status_code, response.body) == (200, b"")
    assert response.headers["Content-Length"] == "4"


@pytest.mark.parametrize(
    "data",
    [
        b"GET http://evil.com/ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /ws#x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /ws\r\nHost: localhost\r\n\r\n",
        b"GET /ws HTTP/1.1\nHost: localhost\n\n",
        b"\r\n\r\nGET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_what_can_be_read_in_two_ways_is_not_read(data: bytes) -> None:
    reached = Reached()
    assert await reached.status(data) in (400, 505)
    assert reached.seen == []


# Size


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (get("/page", "POST", b"x" * 65_536), 200),
        (get("/page", "POST", b"x" * 65_537), 413),
        (get("/page", "POST")[:-2] + b"Content-Length: 99999999999999999\r\n\r\n", 413),
        (get("/" + "x" * 8_192), 414),
        (get("/page", **{f"X-{number}": "y" for number in range(64)}), 431),
        (get("/page", X_Long="y" * 17_000), 431),
    ],
    ids=["body", "large body", "huge body", "long path", "many headers", "long header"],
)
async def test_what_is_too_large_is_refused(data: bytes, status: int) -> None:
    assert await Reached().status(data) == status


async def test_ten_thousand_parameters_take_no_time() -> None:
    limits = replace(Limits(), max_target=100_000, max_head=100_000)
    app = new_app(limits=limits)
    app.get("/")(lambda request: str(len(request.query)))
    query = "&".join(f"a{number}=1" for number in range(10_000))
    async with serving(app) as server:
        assert (await ask_from(server, get(f"/?{query}"))).body == b"10000"
        assert (await ask_from(server, get("/?" + "&" * 50_000))).body == b"0"
    async with serving(new_app()) as server:
        assert (await ask_from(server, get(f"/?{query}"))).status_code == 414


@pytest.mark.parametrize(
    "message", ["[" * 100_000, '{"item":' * 50_000, '{"item": "' + "x" * 500_000, "9" * 100_000]
)
async def test_json_that_is_deep_or_huge_never_reaches_a_handler(message: str) -> None:
    seen: list[Any] = []
    app = new_app()

    @app.websocket("/", message=Order)
    async def handler(ws: Any) -> None:
        async for order in ws:
            seen.append(order)
            await ws.send(order)

    async with serving(app) as server, connect(uri_of(server)) as ws:
        await ws.send(message)
        assert "error" in str(await ws.recv())
        await ws.send('{"item": "one", "item": "two"}')
        assert await ws.recv() == '{"item":"two"}'
    # Of a key that is there twice, one value counts, the same for everybody.
    assert seen == [Order("two")]
    assert schema_for(Order).decode('{"item": "one", "item": "two"}') == Order("two")


# Addresses: nobody says for himself who he is


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"])
async def test_a_stranger_cannot_say_where_he_comes_from(name: str) -> None:
    reached = Reached(trusted_proxies=["10.0.0.0/8"])
    value = "for=192.0.2.9" if name == "Forwarded" else "192.0.2.9"
    assert await reached.status(opening("/ws", (name, value))) == 101
    assert reached.witness.visits[0].address == "127.0.0.1"


async def test_what_a_client_said_before_its_proxy_does_not_count() -> None:
    reached = Reached(trusted_proxies=["127.0.0.1"], forwarding_header="X-Forwarded-For")
    value = "10.9.9.9, 192.0.2.9"
    assert len(parse_x_forwarded(Headers({"X-Forwarded-For": value}))) == 2
    assert await reached.status(opening("/ws", ("X-Forwarded-For", value))) == 101
    assert reached.witness.visits[0].address == "192.0.2.9"


# And whoever tries none of it is let in


async def test_everybody_else_is_welcome() -> None:
    async with serving(echoing(hosts=["localhost"], origins=["https://a.com"])) as server:
        data = opening("/echo", ("Origin", "https://a.com")) + texts("hello")
        async with caller(server, data) as (reader, _):
            await reader.readuntil(b"\r\n\r\n")
            assert await read_texts(reader, 1) == ["hello"]
