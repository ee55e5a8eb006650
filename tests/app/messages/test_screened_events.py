"""Messages for `Events`, looked at before they have them."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.app.premises import SHORT_SECONDS, caller, opening, texts
from tests.app.rooms import Guest, Room
from tests.server.wire import client_endpoint
from trunkline import Events, Limits
from trunkline.app.messages.screened_events import ScreenedEvents
from trunkline.connection.state import State

OK = '{"auth": "ok", "expires_at": null}'


async def test_without_a_token_to_come_everything_is_handed_on() -> None:
    seen: list[Any] = []

    class Order(msgspec.Struct):
        item: str

    class Typed(Events):
        def on_open(self, ws: Any) -> None:
            seen.append("open")

        def on_message(self, ws: Any, data: Any) -> None:
            seen.append(data)

        def on_ping(self, ws: Any, data: bytes) -> None:
            seen.append(("ping", data))

        def on_pong(self, ws: Any, data: bytes) -> None:
            seen.append(("pong", data))

        def on_error(self, ws: Any, error: Exception) -> None:
            seen.append("error")

        def on_close(self, ws: Any, code: int, reason: str, was_clean: bool) -> None:
            room.tell("close")

    room = Room("events")
    room.app.websocket("/typed", message=Order, auth=None)(Typed)
    async with room.open(), room.guest() as guest:
        guest.writer.transport.abort()
    async with room.open():
        endpoint = client_endpoint()
        frames = endpoint.send_ping(b"a") + endpoint.send_pong(b"b")
        data = opening("/typed") + texts('{"item":"tea"}', "{}") + frames
        async with caller(room.server, data) as (reader, _):
            await reader.readuntil(b"required field `item`")
        await room.tells("close")
    assert seen == ["open", Order("tea"), ("ping", b"a"), ("pong", b"b"), "error"]


async def test_nothing_is_told_of_a_connection_that_is_nobodys() -> None:
    room = Room("events")
    async with room.open():
        async with room.guest() as guest:
            endpoint = client_endpoint()
            guest.writer.write(endpoint.send_ping(b"a") + endpoint.send_pong(b"b"))
        await room.witness.sees("left")
    assert room.told == []


async def test_what_follows_the_token_comes_in_order_after_the_beginning() -> None:
    room = Room("events")
    async with room.open(), room.guest("t.ann", "one", "two") as guest:
        assert await guest.hears() == OK
        await room.tells("two")
        guest.say("three")
        await room.tells("three")
    assert room.told[:4] == ["open ann", "one", "two", "three"]


async def test_what_was_said_before_the_goodbye_is_heard_when_the_token_was_judged() -> None:
    room = Room("events")
    room.judge.may_answer.clear()
    async with room.open(), room.guest() as guest:
        guest.say("t.ann", "one", close=1000)
        await room.judge.asked.wait()
        assert await guest.hears() == (1000, "")
        guest.writer.close()
        await room.witness.sees("left")
        assert room.told == []
        room.judge.may_answer.set()
        await room.tells("close 1000")
    assert room.told == ["open ann", "one", "close 1000"]
    assert room.server.service.crowd.users.of("ann") == 0


@pytest.mark.parametrize("goodbye", [None, 1000])
async def test_what_waits_behind_a_token_is_dropped_when_its_user_is_disconnected(
    goodbye: int | None,
) -> None:
    room = Room("events")
    async with room.open(), room.guest("t.ann") as guest:
        assert await guest.hears() == OK
        room.judge.asked.clear()
        room.judge.may_answer.clear()
        guest.say('{"auth":"t.ann"}', "late", "later", close=goodbye)
        await room.judge.asked.wait()
        traffic = room.ws._setting.traffic
        while goodbye is not None and room.ws.state is State.OPEN:
            await asyncio.sleep(0)
        assert traffic.messages_received == 4
        assert room.app.disconnect("ann") == 1
        room.judge.may_answer.set()
        assert await guest.hears() == ((3503, "") if goodbye is None else (goodbye, ""))
        await room.witness.sees("left")
    assert [what for what in room.told if not what.startswith("close")] == ["open ann"]
    assert traffic.discarded == 2


async def test_an_end_that_is_not_well_is_told_in_its_turn() -> None:
    seen: list[Any] = []

    class Sad(Events):
        def on_open(self, ws: Any) -> None:
            seen.append("open")

        def on_error(self, ws: Any, error: Exception) -> None:
            seen.append("error")

        def on_close(self, ws: Any, code: int, reason: str, was_clean: bool) -> None:
            room.tell(code)

    room = Room("events")
    room.app.websocket("/sad")(Sad)
    room.judge.may_answer.clear()

    async with room.open(), caller(room.server, opening("/sad") + texts("t.ann")):
        await room.judge.asked.wait()
        connection = room.witness.visits[0].connection
        assert connection is not None
        connection.abort()
        await room.witness.sees("left")
        assert seen == []
        room.judge.may_answer.set()
        await room.tells(1006)
    assert seen == ["open", "error"]


@pytest.mark.parametrize("token", ["t.bob", "t.away", "bad"])
async def test_nothing_behind_a_refused_token_is_heard(token: str) -> None:
    room = Room("events")
    async with room.open(), room.guest("t.ann") as guest:
        assert await guest.hears() == OK
        guest.say("before", f'{{"auth":"{token}"}}', "behind", close=1000)
        code, _ = await guest.hears()
        guest.writer.close()
        await room.witness.sees("left")
    assert code in (1000, 1013, 3500)
    assert room.told[:2] == ["open ann", "before"]
    assert "behind" not in room.told


async def test_tokens_may_follow_each_other() -> None:
    room = Room("events")
    async with room.open(), room.guest("t.ann") as guest:
        guest.say('{"auth":"t.ann.60"}', "one", '{"auth":"t.ann.90"}', "two")
        await room.tells("two")
        assert [await guest.hears() for _ in range(3)][1:] == [
            '{"auth": "ok", "expires_at": 1800000060.0}',
            '{"auth": "ok", "expires_at": 1800000090.0}',
        ]
    assert room.told[:3] == ["open ann", "one", "two"]


@pytest.mark.parametrize("first", ["hello", '{"auth": 1}', ""])
async def test_another_first_message_closes(first: str) -> None:
    room = Room("events")
    async with room.open(), room.guest(first, "t.ann") as guest:
        assert await guest.hears() == (3500, "the first message has to be a token")
        guest.writer.close()
        await room.witness.sees("left")
    assert room.told == []
    assert room.judge.verified == []


@pytest.mark.parametrize("begins", [True, False])
async def test_a_token_that_comes_or_is_judged_too_late_closes(begins: bool) -> None:
    room = Room("events", limits=Limits(open_timeout=SHORT_SECONDS))
    room.judge.may_answer.clear()
    async with room.open(), room.guest(*["t.ann"] * begins) as guest:
        assert await guest.hears() == (3500, f"no token was accepted within {SHORT_SECONDS} s")
        guest.writer.close()
        await room.witness.sees("left")
    assert room.told == []


async def test_without_a_deadline_there_is_time() -> None:
    room = Room("events", limits=Limits(open_timeout=None))
    async with room.open(), room.guest() as guest:
        guest.say("t.ann")
        assert await guest.hears() == OK
    await room.tells("close 1006")


class Mistaken(Events):
    """Fails where it is told to."""

    def __init__(self, room: Room, where: str, kind: type[BaseException]) -> None:
        self.room, self.where, self.kind = room, where, kind

    def _do(self, what: str) -> None:
        self.room.tell(what)
        if what == self.where:
            raise self.kind(f"{what} is broken")

    def on_open(self, ws: Any) -> None:
        self._do("open")

    def on_message(self, ws: Any, data: Any) -> None:
        self._do(data)

    def on_close(self, ws: Any, code: int, reason: str, was_clean: bool) -> None:
        self.room.tell("close")


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
@pytest.mark.parametrize(
    ("where", "told"),
    [("open", ["open", "close"]), ("one", ["open", "one", "close"])],
)
async def test_a_mistake_behind_a_token_ends_the_connection(
    where: str, told: list[str], kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    room = Room("events")
    room.app.websocket("/mistaken")(lambda request: Mistaken(room, where, kind))

    async with room.open():
        data = opening("/mistaken") + texts("t.ann", "one", "two")
        async with caller(room.server, data) as (reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            guest = Guest(reader, writer)
            assert await guest.hears() == OK
            assert await guest.hears() == (1011, "")
            writer.close()
            await room.tells("close")
    assert room.told == told
    assert f"{where} is broken" in caplog.text


class Pausing(Events):
    """Lets the peer wait at the first message."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def on_message(self, ws: Any, data: Any) -> None:
        self.room.ws = ws
        if data == "pause":
            ws.pause_reading()
        self.room.tell(data)

    def on_drain(self, ws: Any) -> None:
        self.room.tell("drain")


async def test_whoever_lets_the_peer_wait_is_not_overruled_by_a_token() -> None:
    room = Room("events")
    room.app.websocket("/pausing")(lambda request: Pausing(room))

    data = opening("/pausing") + texts("t.ann")
    async with room.open(), caller(room.server, data) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        guest = Guest(reader, writer)
        assert await guest.hears() == OK
        guest.say("pause", '{"auth":"t.ann.60"}', "one")
        assert await guest.hears() == '{"auth": "ok", "expires_at": 1800000060.0}'
        await room.tells("one")
        assert room.ws._link.is_reading_paused
        room.ws.resume_reading()
        assert not room.ws._link.is_reading_paused
        guest.say("two")
        await room.tells("two")


async def test_on_drain_is_handed_on_once_it_is_known_who_is_there() -> None:

    room = Room("events")
    screen: Any = None
    screened = ScreenedEvents(screen, Pausing(room))
    screened.on_drain(room.ws)
    assert room.told == []
    screened._open(room.ws)
    screened.on_drain(room.ws)
    assert room.told == ["drain"]
