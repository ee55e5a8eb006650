"""Every way to say who one is, through an application: before the upgrade, after it, its end."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.app.judge import Judge
from tests.app.premises import (
    Witness,
    ask_from,
    caller,
    echo,
    get,
    new_app,
    opening,
    read_texts,
    serving,
    texts,
    uri_of,
)
from tests.app.rooms import KINDS, Guest, Room
from tests.auth.clock import Clock
from tests.auth.openings import NOW
from trunkline import ConnectionClosed, Request, RequestRefused, Topic, connect
from trunkline.app.admission.step import Step
from trunkline.app.app import App
from trunkline.app.routing.http import HttpRequest
from trunkline.auth import (
    JWT,
    Basic,
    Cookie,
    FirstMessage,
    Header,
    Identity,
    OrAnonymous,
    Query,
    Subprotocol,
    Tickets,
)

KEY = "a key of thirty-two bytes or more"


def token(user: str = "ann", seconds: float = 60, key: str = KEY, **claims: Any) -> str:
    return jwt.encode({"sub": user, "exp": NOW + seconds, **claims}, key, "HS256")


def jwt_from(*sources: Any) -> JWT:
    return JWT(KEY, sources=sources, now=lambda: NOW)


class Hall:
    """An application whose handler says who is there, and what is kept of the request."""

    def __init__(self, auth: Any, **options: Any) -> None:
        self.clock = Clock()
        self.app = new_app(auth=auth, **options)
        self.witness = Witness(self.app)

        @self.app.websocket("/", subprotocols=["chat"])
        async def handler(ws: Any) -> None:
            headers = dict(ws.request.headers.raw_items())
            told = {"user": ws.user, "path": ws.request.path, "headers": headers}
            await ws.send(json.dumps(told))
            await echo(ws)

    async def visited(self, data: bytes) -> tuple[str, Any]:
        """Give the head of the answer, and what the handler has told."""
        async with serving(self.app) as server:
            server.service.now = self.clock
            async with caller(server, data) as (reader, _):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if " 101 " not in head:
                    return head, (await reader.read()).decode()
                return head, json.loads((await read_texts(reader, 1))[0])


# Before the upgrade


def in_header(value: str) -> bytes:
    return opening("/", ("Authorization", value))


def in_subprotocol(value: str) -> bytes:
    return opening("/", ("Sec-WebSocket-Protocol", f"bearer.{value}, chat"))


def in_cookie(value: str) -> bytes:
    return opening("/", ("Cookie", f"a=b; session={value}"), ("Origin", "http://localhost"))


def in_query(value: str) -> bytes:
    return opening(f"/?a=b&token={value}")


def base64url(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


WAYS: list[tuple[Any, bytes, bytes, str]] = [
    (
        lambda: jwt_from(Header()),
        in_header(f"Bearer {token()}"),
        in_header(f"Bearer {token(key='another ' + KEY)}"),
        token(),
    ),
    (
        lambda: jwt_from(Cookie("session")),
        in_cookie(token()),
        in_cookie(token(seconds=-1)),
        token(),
    ),
    (lambda: jwt_from(Subprotocol()), in_subprotocol(token()), in_subprotocol("a.b.c"), token()),
    (
        lambda: jwt_from(Subprotocol()),
        in_subprotocol(base64url(token())),
        in_subprotocol(base64url("x")),
        base64url(token()),
    ),
    (lambda: jwt_from(Query()), in_query(token()), in_query(token()[:-3]), token()),
    (
        lambda: Basic({"ann": "secret"}),
        in_header("Basic " + b64encode(b"ann:secret").decode()),
        in_header("Basic " + b64encode(b"ann:wrong").decode()),
        b64encode(b"ann:secret").decode(),
    ),
]


@pytest.mark.parametrize(("auth", "right", "wrong", "secret"), WAYS)
async def test_a_request_says_who_it_is(
    auth: Callable[[], Any], right: bytes, wrong: bytes, secret: str
) -> None:
    head, told = await Hall(auth()).visited(right)
    assert head.startswith("HTTP/1.1 101 ")
    assert told["user"] == "ann"
    # What is kept of the request has the place, and not what stood there.
    assert secret not in json.dumps(told)
    assert "***" in json.dumps(told)
    assert secret not in head
    for refused in (wrong, opening("/")):
        hall = Hall(auth())
        head, reason = await hall.visited(refused)
        assert head.startswith("HTTP/1.1 401 ")
        assert "WWW-Authenticate: " in head
        assert reason.count("\n") == 1
        assert [step for step, _, _ in hall.witness.refusals] == [Step.AUTH]


async def test_a_subprotocol_that_is_a_token_is_not_echoed_and_another_is_chosen() -> None:
    head, told = await Hall(jwt_from(Subprotocol())).visited(in_subprotocol(token()))
    assert "Sec-WebSocket-Protocol: chat\r\n" in head
    assert "bearer" not in head
    assert told["headers"]["Sec-WebSocket-Protocol"] == "bearer.***, chat"


async def test_a_cookie_needs_an_origin() -> None:
    data = opening("/", ("Cookie", f"session={token()}"))
    head, reason = await Hall(jwt_from(Cookie("session"))).visited(data)
    assert head.startswith("HTTP/1.1 401 ")
    assert "counts only together with an Origin" in reason


async def test_a_function_says_who_it_is() -> None:
    async def somebody(request: Request) -> str | None:
        if "X-Broken" in request.headers:
            raise RuntimeError("a mistake")
        if "X-Banned" in request.headers:
            raise RequestRefused(403, "you are banned")
        return request.headers.get("X-User")

    for lines, status in (
        ([("X-User", "ann")], 101),
        ([], 401),
        ([("X-Banned", "1")], 403),
        ([("X-Broken", "1")], 500),
        ([("X-User", "a\tb")], 500),
    ):
        head, _ = await Hall(somebody).visited(opening("/", *lines))
        assert head.startswith(f"HTTP/1.1 {status} ")


async def test_several_ways_and_none_at_all_may_do() -> None:
    several = [jwt_from(Header()), Basic({"bob": "secret"})]
    basic = in_header("Basic " + b64encode(b"bob:secret").decode())
    for auth, data, user in (
        (several, in_header(f"Bearer {token()}"), "ann"),
        (several, basic, "bob"),
        (OrAnonymous(several), basic, "bob"),
        (OrAnonymous(several), opening("/"), None),
    ):
        _, told = await Hall(auth).visited(data)
        assert told["user"] == user
    head, _ = await Hall(OrAnonymous(several)).visited(in_header("Bearer a.b.c"))
    assert head.startswith("HTTP/1.1 401 ")


# Tickets: issued over HTTP to somebody who is known there, spent once


def box_office(tickets: Tickets) -> App:
    app = new_app(auth=tickets)

    @app.post("/ticket", auth=jwt_from(Cookie("session")))
    def issue(request: HttpRequest) -> dict[str, str]:
        assert request.identity is not None
        return {"ticket": tickets.issue(request.identity)}

    @app.websocket("/")
    async def handler(ws: Any) -> None:
        await ws.send(str(ws.user))

    return app


async def test_a_ticket_is_issued_over_http_and_spent_once() -> None:
    clock = Clock()
    app = box_office(Tickets(now=clock))
    session = {"Cookie": f"session={token()}", "Origin": "http://localhost"}
    async with serving(app) as server:
        server.service.now = clock
        nobody = await ask_from(server, get("/ticket", "POST"))
        foreign = await ask_from(server, get("/ticket", "POST", **session | {"Origin": "null"}))
        answers = [await ask_from(server, get("/ticket", "POST", **session)) for _ in "12"]
        one, two = (json.loads(answer.body)["ticket"] for answer in answers)
        async with connect(uri_of(server, f"/?ticket={one}")) as ws:
            assert await ws.recv() == "ann"
        again = await ask_from(server, opening(f"/?ticket={one}"))
        clock.time += 30
        late = await ask_from(server, opening(f"/?ticket={two}"))
    assert (nobody.status_code, foreign.status_code) == (401, 403)
    assert (again.status_code, late.status_code) == (401, 401)
    assert again.body == b"ticket was used already: fetch a new one for each connection\n"
    assert late.body.startswith(b"ticket expired 0 s ago")


async def test_a_ticket_takes_along_when_its_user_expires() -> None:
    clock = Clock()
    tickets = Tickets(now=clock)
    app = box_office(tickets)
    ended = asyncio.Event()

    @app.websocket("/stay")
    async def stay(ws: Any) -> None:
        await ws.wait_closed()
        ended.set()

    ticket = tickets.issue(Identity("ann", expires_at=NOW + 0.01))
    async with serving(app) as server:
        server.service.now = clock
        async with connect(uri_of(server, f"/stay?ticket={ticket}")) as ws:
            clock.time += 0.01
            await ws.wait_closed()
            assert ws.close_code == 3005
        await ended.wait()


# The first message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrapped", [True, False])
async def test_the_first_message_says_who_it_is(kind: str, wrapped: bool) -> None:
    room = Room(kind, auth=jwt_from(Header(), FirstMessage()))
    first = json.dumps({"auth": token()}) if wrapped else token()
    async with room.open(), room.guest(first, "one", "two") as guest:
        assert json.loads(await guest.hears()) == {"auth": "ok", "expires_at": NOW + 60}
        await room.tells("two")
    assert room.told[:3] == ["open ann", "one", "two"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_in_the_request_needs_no_message(kind: str) -> None:
    room = Room(kind, auth=jwt_from(Header(), FirstMessage()))
    async with room.open(), room.guest("one", Authorization=f"Bearer {token()}"):
        await room.tells("one")
    assert room.told[:2] == ["open ann", "one"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "messages",
    [
        [token()[:20], token()[20:]],
        [json.dumps({"auth": token()})[:20], json.dumps({"auth": token()})[20:]],
        ["hello", token()],
        [json.dumps({"auth": token(), "more": 1}), token()],
        ["a.b.c", token()],
        [token(seconds=0), token()],
        [token(key="another " + KEY), token()],
        [json.dumps({"auth": ""}), token()],
    ],
)
async def test_another_first_message_is_nobodys(kind: str, messages: list[str]) -> None:
    room = Room(kind, auth=jwt_from(Header(), FirstMessage()))
    async with room.open(), room.guest(*messages) as guest:
        code, reason = await guest.hears()
        guest.writer.close()
        await room.witness.sees("left")
    assert code == 3500
    assert reason and token()[:20] not in reason
    assert room.told == []
    assert room.witness.refusals[0][:2] == (Step.AUTH, 401)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_may_come_in_fragments_byte_by_byte(kind: str) -> None:
    room = Room(kind, auth=jwt_from(Header(), FirstMessage()))
    async with room.open(), room.guest() as guest:
        for byte in texts(token(), "one"):
            guest.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        await room.tells("one")
    assert room.told[:2] == ["open ann", "one"]


# While it lasts: refreshed, expired, revoked


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("refresh", "end"),
    [
        (token("bob"), (3500, "this token is another user's")),
        ("a.b.c", (3500, "token cannot be read")),
        ("garbage", (3500, "this is not a token of a kind that is known here")),
        (token(seconds=-5), (3500, "token expired 5 s ago: get a new one")),
    ],
)
async def test_a_refresh_that_is_wrong_ends_it(
    kind: str, refresh: str, end: tuple[int, str]
) -> None:
    room = Room(kind, auth=jwt_from(Header()))
    async with room.open(), room.guest(Authorization=f"Bearer {token()}") as guest:
        guest.say("before", json.dumps({"auth": refresh}), "behind")
        assert await guest.hears() == end
        await room.tells("close 3500")
    assert room.told == ["open ann", "before", "close 3500"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.005, 3_600])
async def test_a_token_that_expires_ends_it_and_a_new_one_keeps_it(
    kind: str, seconds: float
) -> None:
    room = Room(kind, auth=jwt_from(Header()))
    first = token(seconds=0.01 if seconds > 1 else 60)
    async with room.open(), room.guest(Authorization=f"Bearer {first}") as guest:
        guest.say(json.dumps({"auth": token(seconds=seconds)}))
        assert json.loads(await guest.hears())["expires_at"] == NOW + seconds
        room.clock.time += 0.02
        if seconds > 1:
            # The turns of the timer wheel in which the first one would have ended it
            await asyncio.sleep(0.15)
            guest.say("still here")
            await room.tells("still here")
        else:
            assert await guest.hears() == (3005, "the token has expired")


@pytest.mark.parametrize("kind", KINDS)
async def test_it_lasts_as_long_as_the_clock_says(kind: str) -> None:
    room = Room(kind, auth=jwt_from(Header()))
    async with room.open(), room.guest(Authorization=f"Bearer {token(seconds=0.01)}") as guest:
        await asyncio.sleep(0.15)  # the timer has gone off, and the clock has not moved
        guest.say("still here")
        await room.tells("still here")
        room.clock.time += 0.01
        assert await guest.hears() == (3005, "the token has expired")


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_is_disconnected_gets_nothing_more(kind: str) -> None:
    room = Room(kind, auth=Judge())
    topic: Topic = Topic()
    async with room.open(), room.guest("t.ann") as guest:
        await guest.hears()
        await room.tells("open ann")
        topic.subscribe(room.ws)
        topic.publish("before")
        assert await guest.hears() == "before"
        assert room.app.disconnect("ann", reason="signed out") == 1
        topic.publish("behind")
        with pytest.raises(ConnectionClosed):
            room.ws.send_soon("behind")
        guest.say("behind")
        assert await guest.hears() == (3503, "signed out")
        await room.tells("close 3503")
    assert room.told == ["open ann", "close 3503"]


async def test_whoever_was_disconnected_before_it_was_open_is_known_to_nobody() -> None:
    room = Room("events", auth=Judge())
    async with room.open(), room.guest() as guest:
        assert room.app.disconnect("ann") == 0
        guest.say("t.ann")
        assert await guest.hears() == '{"auth": "ok", "expires_at": null}'
        assert isinstance(guest, Guest)
