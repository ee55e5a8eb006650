"""Messages for a coroutine, looked at before it has them."""

import asyncio
import json
from typing import Any

import pytest

from tests.app.premises import SHORT_SECONDS, Order, new_app, serving, uri_of
from tests.app.rooms import Room
from trunkline import ConnectionClosed, Limits, connect
from trunkline.app.connection import AppConnection
from trunkline.app.messages.screened_connection import ScreenedConnection, screened
from trunkline.connection.lane import connection_type

OK = '{"auth": "ok", "expires_at": null}'


async def converse(handler: Any, *messages: Any, close: int = 1000) -> list[Any]:
    """Say messages to a typed handler, and give what it has answered."""
    app = new_app()
    app.websocket("/", message=Order)(handler)
    answers = []
    async with serving(app) as server, connect(uri_of(server)) as ws:
        for message in messages:
            await ws.send(message)
            answers.append(await ws.recv())
        await ws.close(close)
    return answers


async def test_messages_are_objects_both_ways() -> None:
    async def handler(ws: Any) -> None:
        async for order in ws:
            assert type(order) is Order
            if order.item == "wait":
                await ws.send(order)
            else:
                ws.send_soon(order)

    tea, wait = '{"item":"tea"}', '{"item":"wait"}'
    answers = await converse(handler, tea, wait.encode(), "{}", wait)
    assert answers[:2] == [tea, wait]
    assert json.loads(answers[2])["error"] == "Object missing required field `item`"
    assert answers[3] == wait


async def test_other_messages_are_sent_as_they_are() -> None:
    async def handler(ws: Any) -> None:
        async for _ in ws:
            await ws.send([b"a", b"b"], text=False)

    assert await converse(handler, '{"item":"tea"}') == [b"ab"]


async def test_the_loop_over_messages_ends_as_it_always_does() -> None:
    ends: list[str] = []

    async def loud(ws: Any) -> None:
        try:
            async for order in ws:
                await ws.send(order)
            ends.append("well")
        except ConnectionClosed as closed:
            ends.append(str(closed.code))

    async def quiet(ws: Any) -> None:
        ws.ends_quietly = True
        await loud(ws)

    for handler, code in ((loud, 1000), (loud, 4000), (quiet, 4000)):
        await converse(handler, '{"item":"tea"}', close=code)
    assert ends == ["well", "4000", "well"]


@pytest.mark.parametrize("first", ["t.ann", '{"auth":"t.ann"}'])
async def test_what_follows_the_token_comes_in_order(first: str) -> None:
    room = Room("coroutine")
    async with room.open(), room.guest(first, "one", "two") as guest:
        assert await guest.hears() == OK
        await room.tells("two")
    assert room.told[:3] == ["open ann", "one", "two"]


@pytest.mark.parametrize("first", ["hello", '{"auth": 1}', ""])
async def test_another_first_message_closes(first: str) -> None:
    room = Room("coroutine")
    async with room.open(), room.guest(first, "t.ann") as guest:
        assert await guest.hears() == (3500, "the first message has to be a token")
        guest.writer.close()
        await room.witness.sees("left")
    assert (room.told, room.judge.verified) == ([], [])


@pytest.mark.parametrize(
    ("token", "end"),
    [
        ("t.broken", (1011, "see the server's log")),
        ("t.away", (1013, "the keys are away")),
        ('{"auth":"t."}', (3500, "this token is nobody's")),
    ],
)
async def test_a_wrong_token_closes(token: str, end: tuple[int, str]) -> None:
    room = Room("coroutine")
    async with room.open(), room.guest(token) as guest:
        assert await guest.hears() == end
        guest.writer.close()
        await room.witness.sees("left")
    assert room.told == []


@pytest.mark.parametrize("begins", [True, False])
async def test_a_token_that_comes_or_is_judged_too_late_closes(begins: bool) -> None:
    room = Room("coroutine", limits=Limits(open_timeout=SHORT_SECONDS))
    room.judge.may_answer.clear()
    async with room.open(), room.guest(*["t.ann"] * begins) as guest:
        assert await guest.hears() == (3500, f"no token was accepted within {SHORT_SECONDS} s")
        guest.writer.close()
        await room.witness.sees("left")
    assert room.told == []


async def test_whoever_leaves_before_the_token_was_judged_leaves_nothing_behind() -> None:
    room = Room("coroutine")
    room.judge.may_answer.clear()
    async with room.open():
        async with room.guest("t.ann"):
            await room.judge.asked.wait()
        await room.witness.sees("left")
        room.judge.may_answer.set()
        await room.tells("open ann")
        await room.tells("close 1006")
        assert room.server.service.crowd.users.of("ann") == 0


async def test_a_token_refreshes_another_and_is_not_for_the_handler() -> None:
    room = Room("coroutine")
    async with room.open(), room.guest("t.ann.60") as guest:
        guest.say("one", '{"auth":"t.ann.90"}', "two", "t.ann.70")
        await room.tells("t.ann.70")
        assert [json.loads(await guest.hears())["expires_at"] for _ in "12"] == [
            room.clock.time + 60,
            room.clock.time + 90,
        ]
    assert room.told[:4] == ["open ann", "one", "two", "t.ann.70"]


async def test_a_token_is_not_lost_with_whoever_waited_for_a_message() -> None:
    room = Room("coroutine")
    received: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @room.app.websocket("/impatient")
    async def impatient(ws: Any) -> None:
        room.judge.may_answer.clear()
        room.judge.asked.clear()
        room.tell("ready")
        waiting = asyncio.ensure_future(ws.recv())
        await room.judge.asked.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        room.judge.may_answer.set()
        received.set_result(await ws.recv())

    async with room.open():
        uri = uri_of(room.server, "/impatient")
        async with connect(uri, additional_headers={"Authorization": "Bearer t.ann.60"}) as ws:
            await room.tells("ready")
            await ws.send('{"auth":"t.ann.90"}')
            await ws.send("one")
            assert await received == "one"
            assert json.loads(str(await ws.recv()))["expires_at"] == room.clock.time + 90


@pytest.mark.parametrize("token", ["bad", "t.bob"])
async def test_nothing_behind_a_refused_token_is_heard(token: str) -> None:
    room = Room("coroutine")
    async with room.open(), room.guest("t.ann.60") as guest:
        await guest.hears()
        guest.say("before", f'{{"auth":"{token}"}}', "behind")
        code, _ = await guest.hears()
        await room.tells("close 3500")
    assert code == 3500
    assert room.told == ["open ann", "before", "close 3500"]


class OtherConnection(AppConnection):
    """A kind of its own, as one with a fast lane is."""


async def test_nothing_behind_a_token_is_heard_when_its_user_is_disconnected() -> None:
    room = Room("coroutine")
    async with room.open(), room.guest("t.ann") as guest:
        assert await guest.hears() == OK
        room.judge.asked.clear()
        room.judge.may_answer.clear()
        guest.say('{"auth":"t.ann"}', "behind", "too")
        await room.judge.asked.wait()
        assert room.app.disconnect("ann") == 1
        room.judge.may_answer.set()
        await room.tells("close 3503")
        assert room.ws.is_dismissed
        assert room.ws._setting.traffic.discarded == 2
    assert room.told == ["open ann", "close 3503"]


async def test_each_kind_of_connection_is_screened_once() -> None:
    assert screened(AppConnection) is ScreenedConnection
    other = screened(OtherConnection)
    assert other is screened(OtherConnection)
    assert issubclass(other, OtherConnection)
    assert other.recv is ScreenedConnection.recv
    seen: list[Any] = []
    app = new_app()

    @app.websocket("/", message=Order)
    async def handler(ws: Any) -> None:
        kind = connection_type(AppConnection, ws._stream)
        seen.extend((screened(kind) is type(ws), isinstance(ws, kind)))

    async with serving(app) as server, connect(uri_of(server)) as ws:
        await ws.wait_closed()
    assert seen == [True, True]


async def test_reading_goes_on_when_nobody_wants_to_wait_any_more() -> None:
    seen: list[bool] = []
    app = new_app()

    @app.websocket("/", message=Order)
    async def handler(ws: Any) -> None:
        for method in ("hold", "pause_reading", "release", "resume_reading") * 2:
            getattr(ws, method)()
            seen.append(ws._link.is_reading_paused)
        for method in ("pause_reading", "hold", "resume_reading", "release"):
            getattr(ws, method)()
            seen.append(ws._link.is_reading_paused)

    async with serving(app) as server, connect(uri_of(server)) as ws:
        await ws.wait_closed()
    assert seen == [True, True, True, False] * 2 + [True, True, True, False]
