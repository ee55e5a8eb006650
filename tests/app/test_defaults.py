"""Every default limit of an application: what it keeps strangers from, and that nothing else does.

Each proof is done twice: with the defaults, under which it has to see the limit, and without the
one limit, where it must not see it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

import trunkline
from trunkline import testing
from trunkline.app.connection import AppConnection
from trunkline.limits import APP_LIMITS, KIB, MIB, Limits
from trunkline.protocol.ip_address import bucket_of
from trunkline.testing import House, Toward

TESTS = Path(__file__).parents[1]
FIELDS = frozenset(field.name for field in fields(Limits))
ADDRESS = "203.0.113.7"
"""Of a client in memory."""

PIECE = b"x" * 64 * KIB
PIECES = 40
"""Ten times as much as a line and both of its ends hold."""

FLOOD = 400
"""Of these pieces: more than may ever be unsent."""

MANY = 30_000
"""Messages at once: more than are read together, which are all taken."""

MOMENT = 0.01
"""Seconds on the clock of the test, in which all is done that can be."""

MINUTE = 60.0
DEAF: dict[str, Any] = {"ping_interval": None, "close_timeout": None, "compression": None}
"""For a client that keeps its line, whatever happens there, and takes every byte as it is."""

Proof = Callable[[House], Awaitable[bool]]


@dataclass(frozen=True)
class Row:
    """One limit: with what it is switched off, and what says whether it is there."""

    off: Any
    is_limited: Proof


ROWS: dict[str, Row] = {}

ELSEWHERE = {
    "busy_poll": "engines/test_native_engine.py",
    "idle_timeout": "connection/test_meter.py",
    "max_redirects": "client/test_opening.py",
    "max_stall": "connection/test_keepalive.py",
    "min_compress": "protocol/test_endpoint.py",
    "on_excess": "connection/test_meter.py",
}
"""What keeps a stranger from nothing by default, or limits clients only, and where it is tested."""


def proof(field: str, *, off: Any) -> Callable[[Proof], Proof]:
    """Enter a proof into the table."""

    def enter(is_limited: Proof) -> Proof:
        ROWS[field] = Row(off, is_limited)
        return is_limited

    return enter


# The application


class Flood(trunkline.Events):
    """Sends without looking whether anybody reads."""

    def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
        for _ in range(FLOOD):
            ws.send_soon(PIECE)


class Count(trunkline.Events):
    """Counts what comes."""

    def __init__(self) -> None:
        self.seen = 0

    def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
        self.seen += 1

    def on_pong(self, ws: trunkline.Connection, data: bytes) -> None:
        self.seen += 1


async def echo(ws: AppConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def be_deaf(ws: AppConnection) -> None:
    await ws.wait_closed()


async def say_goodbye(ws: AppConnection) -> None:
    await ws.recv()
    await asyncio.sleep(MOMENT)
    await ws.close()


def serve(limits: Limits) -> House:
    """Serve an application in memory that has a handler for each proof."""
    app, count = trunkline.App(limits=limits), Count()

    async def talk(ws: AppConnection) -> None:
        await ws.recv()
        await asyncio.sleep(MOMENT)
        for _ in range(PIECES):
            await ws.send(PIECE)
            count.seen += 1

    for path, handler in {
        "/echo": echo,
        "/deaf": be_deaf,
        "/goodbye": say_goodbye,
        "/talk": talk,
        "/flood": Flood,
        "/count": count,
    }.items():
        app.add_websocket(path, handler)
    app.add_websocket("/members", echo, auth=lambda _: "ada")
    app.post("/form")(lambda request: str(len(request.body)))
    app.get("/count")(lambda _: str(count.seen))
    return testing.serve(app)


async def count_of(house: House) -> int:
    """Ask what the application has counted."""
    return int((await house.get("/count")).body)


async def status_of(house: House, path: str = "/echo", **options: Any) -> int:
    """Give the status with which a connection is answered."""
    try:
        ws = await house.connect(path, **options)
    except testing.Refused as refused:
        return refused.response.status_code
    return ws.response.status_code


async def closes(house: House, message: Any) -> int | None:
    """Send a message to an echo; give the code with which that ends, `None` if it comes back."""
    async with trunkline.connect(f"{house.uri}/echo", max_size=None) as ws:
        await ws.send(message)
        try:
            await ws.recv()
        except trunkline.ConnectionClosedError as closed:
            return closed.code
    return None


async def stops(house: House, message: bytes, count: int) -> bool:
    """Send messages to who does not read; say whether they wait before all are sent."""
    async with trunkline.connect(f"{house.uri}/deaf", compression=None) as ws:
        try:
            async with asyncio.timeout(MOMENT):
                for _ in range(count):
                    await ws.send(message)
        except TimeoutError:
            return True
    return False


async def is_gone(house: House, path: str, toward: Toward | None = None) -> bool:
    """Connect, let nothing arrive any more, and say whether the server lets go within a minute."""
    ws = await house.connect(path, **DEAF)
    await ws.send("go on")
    await house.clock.settle()
    ws.stall(*([] if toward is None else [toward]))
    await house.clock.advance(MINUTE)
    return not house.server.connections


# What a message may be


@proof("max_size", off=None)
async def a_large_message_ends_the_connection(house: House) -> bool:
    return await closes(house, "x" * (MIB + 1)) == trunkline.CloseCode.MESSAGE_TOO_BIG


@proof("max_fragments", off=1_000_000)
async def a_message_in_many_fragments_ends_the_connection(house: House) -> bool:
    return await closes(house, iter(["x"] * 4097)) == trunkline.CloseCode.MESSAGE_TOO_BIG


# How long it takes


@proof("open_timeout", off=None)
async def a_request_that_is_never_whole_is_answered(house: House) -> bool:
    announced = {"Content-Length": "10"}
    try:
        answer = await house.request("POST", "/form", headers=announced, timeout=MINUTE)
    except testing.Failure:
        return False
    return answer.status_code == HTTPStatus.REQUEST_TIMEOUT


@proof("close_timeout", off=None)
async def a_goodbye_that_is_not_returned_ends_all_the_same(house: House) -> bool:
    return await is_gone(house, "/goodbye", Toward.SERVER)


@proof("ping_interval", off=None)
@proof("ping_timeout", off=None)
async def a_line_that_is_dead_is_found_out(house: House) -> bool:
    return await is_gone(house, "/echo")


# How much waits


@proof("max_queue", off=10_000)
async def messages_that_are_not_read_wait_at_the_client(house: House) -> bool:
    return await stops(house, b"x" * 1000, 1000)


@proof("max_queue_bytes", off=100 * MIB)
async def bytes_that_are_not_read_wait_at_the_client(house: House) -> bool:
    return await stops(house, b"x" * (MIB // 2), APP_LIMITS.max_queue - 1)


@proof("write_limit", off=100 * MIB)
async def who_sends_waits_for_who_does_not_read(house: House) -> bool:
    await is_gone(house, "/talk", Toward.CLIENT)
    return await count_of(house) < PIECES


@proof("max_unsent", off=None)
async def who_does_not_read_what_is_sent_at_once_is_given_up(house: House) -> bool:
    ws = await house.connect("/flood", **DEAF)
    ws.stall(Toward.CLIENT)
    await ws.send("go on")
    await house.clock.settle()
    return not house.server.connections


# What a request may be


@proof("max_head", off=MIB)
async def a_large_head_is_refused(house: House) -> bool:
    long = {"X-Long": "x" * 16 * KIB}
    answer = await house.get("/count", headers=long)
    return answer.status_code == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@proof("max_target", off=MIB)
async def a_long_target_is_refused(house: House) -> bool:
    answer = await house.get("/" + "x" * 8 * KIB)
    return answer.status_code == HTTPStatus.REQUEST_URI_TOO_LONG


@proof("max_headers", off=1000)
async def many_headers_are_refused(house: House) -> bool:
    answer = await house.get("/count", headers=[(f"X-{number}", "x") for number in range(64)])
    return answer.status_code == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@proof("max_body", off=MIB)
async def a_large_body_is_refused(house: House) -> bool:
    answer = await house.request("POST", "/form", body=b"x" * (64 * KIB + 1))
    return answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


# How many, and how often


@proof("max_connections", off=None)
async def a_process_has_no_more_connections_than_it_may(house: House) -> bool:
    for number in range(10_000):
        house.server.service.crowd.enter(str(number))
    return await status_of(house) == HTTPStatus.SERVICE_UNAVAILABLE


@proof("max_connections_per_address", off=None)
async def an_address_has_no_more_connections_than_it_may(house: House) -> bool:
    for _ in range(256):
        house.server.service.crowd.enter(bucket_of(ADDRESS))
    status = await status_of(house, local_addr=(ADDRESS, 0))
    return status == HTTPStatus.TOO_MANY_REQUESTS


@proof("max_connections_per_user", off=None)
async def a_user_has_no_more_connections_than_he_may(house: House) -> bool:
    for _ in range(64):
        house.server.service.crowd.identify("ada")
    return await status_of(house, "/members") == HTTPStatus.TOO_MANY_REQUESTS


@proof("handshake_rate", off=None)
async def an_address_comes_no_more_often_than_it_may(house: House) -> bool:
    statuses = [(await house.get("/health")).status_code for _ in range(201)]
    return HTTPStatus.TOO_MANY_REQUESTS in statuses


@proof("message_rate", off=None)
async def messages_come_no_faster_than_they_may(house: House) -> bool:
    async with trunkline.connect(f"{house.uri}/count", compression=None) as ws:
        for _ in range(MANY):
            ws.send_soon("x")
        await house.clock.settle()
        return await count_of(house) < MANY


@proof("byte_rate", off=None)
async def bytes_come_no_faster_than_they_may(house: House) -> bool:
    wide = {"compression": None, "limits": Limits(max_unsent=None)}
    async with trunkline.connect(f"{house.uri}/count", **wide) as ws:
        for _ in range(33):
            ws.send_soon(b"x" * MIB)
        await house.clock.settle()
        return await count_of(house) < 33


@proof("control_rate", off=None)
async def pongs_come_no_faster_than_they_may(house: House) -> bool:
    async with trunkline.connect(f"{house.uri}/count") as ws:
        for _ in range(MANY):
            await ws.pong()
        await house.clock.settle()
        return await count_of(house) < MANY


# Tests


@pytest.mark.parametrize("field", sorted(FIELDS & ROWS.keys()))
async def test_the_default_is_what_limits(field: str) -> None:
    row = ROWS[field]
    async with serve(APP_LIMITS) as house:
        assert await row.is_limited(house), f"{field} does not limit anything"
    async with serve(replace(APP_LIMITS, **{field: row.off})) as house:
        assert not await row.is_limited(house), f"something else than {field} limits"


def test_no_limit_is_forgotten() -> None:
    assert ROWS.keys() | ELSEWHERE.keys() >= FIELDS
    assert not ROWS.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("field", sorted(FIELDS & ELSEWHERE.keys()))
def test_what_is_tested_elsewhere_is_tested_there(field: str) -> None:
    assert field in (TESTS / ELSEWHERE[field]).read_text()
