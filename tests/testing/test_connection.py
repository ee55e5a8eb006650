"""A connection in the hands of a test: it never waits in vain, and tells what happened."""

from __future__ import annotations

import asyncio

import pytest

from trunkline import Connection, ConnectionClosed, ServerConnection, testing
from trunkline.testing import Failure, Toward


async def obey(ws: ServerConnection) -> None:
    """Echo, except for some words."""
    async for message in ws:
        match message:
            case "leave":
                return
            case "fail":
                await ws.close(1008, "not so")
            case "count":
                for number in "123":
                    await ws.send(number)
            case _:
                await ws.send(message)


async def test_messages_go_both_ways() -> None:
    async with testing.serve(obey, subprotocols=["chat"]) as house:
        ws = await house.connect("/rooms/1", subprotocols=["chat"])
        await ws.send("hello")
        assert await ws.receive() == "hello"
        await ws.send(b"\x00\xff")
        assert await ws.receive() == b"\x00\xff"
        await ws.send("hello", text=False)
        assert await ws.receive() == b"hello"
        assert ws.subprotocol == "chat"
        assert ws.response.status_code == 101
        assert ws.history.splitlines() == [
            "what happened on /rooms/1:",
            "      0.000 s  -- opened, subprotocol chat",
            "      0.000 s  -> 'hello'",
            "      0.000 s  <- 'hello'",
            "      0.000 s  -> b'\\x00\\xff'",
            "      0.000 s  <- b'\\x00\\xff'",
            "      0.000 s  -> 'hello'",
            "      0.000 s  <- b'hello'",
        ]


async def test_a_message_that_does_not_come_is_a_failure_after_a_second() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect("/rooms/1")
        with pytest.raises(
            Failure, match=r"no message came within 1\.0 s\nwhat happened on /rooms/1"
        ):
            await ws.receive()
        assert house.clock.elapsed == pytest.approx(1.0)
        ws.line.delay(5.0)
        await ws.send("late")
        assert await ws.receive(timeout=None) == "late"


async def test_a_message_that_cannot_come_any_more_is_a_failure_at_once() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect()
        await ws.send("count")
        await ws.send("fail")
        await house.clock.settle()
        assert ws.unread == ["1", "2", "3"]
        assert [await ws.receive() for _ in "123"] == ["1", "2", "3"]
        with pytest.raises(Failure, match="no message came: connection closed with 1008"):
            await ws.receive()
        assert house.clock.elapsed == 0


async def test_nothing_can_be_expected() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect()
        await ws.expect_nothing(60.0)
        assert house.clock.elapsed == pytest.approx(60.0)
        assert "a ping, which was answered (the last of 2)" in ws.history
        assert "a pong (the last of 2)" in ws.history
        await ws.send("hello")
        with pytest.raises(Failure, match="a message came: 'hello'\n1 unread, the next is 'hello'"):
            await ws.expect_nothing()
        assert await ws.receive() == "hello"
        await ws.send("leave")
        with pytest.raises(Failure, match="the connection has ended: connection closed with 1000"):
            await ws.expect_nothing()


async def test_the_end_can_be_expected_with_code_and_reason() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect()
        await ws.send("count")
        await ws.send("fail")
        closed = await ws.expect_close(1008, "not so")
        assert isinstance(closed, ConnectionClosed)
        assert (await ws.expect_close()) is closed
        assert ws.unread == ["1", "2", "3"]
        with pytest.raises(Failure, match="the connection ended with 1008, not 1000"):
            await ws.expect_close(1000)
        with pytest.raises(Failure, match="the reason for the end is 'not so', not 'so'"):
            await ws.expect_close(1008, "so")


async def test_an_end_that_does_not_come_is_a_failure() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect()
        with pytest.raises(Failure, match=r"no end came within 3 s"):
            await ws.expect_close(1000, timeout=3)
        assert house.clock.elapsed == pytest.approx(3.0)


async def test_a_test_can_say_goodbye() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect()
        await ws.close(1000, "enough")
        closed = await ws.expect_close(1000, "enough")
        assert closed.was_clean
        assert "-> close 1000 enough" in ws.history
        with pytest.raises(ConnectionClosed):
            await ws.send("too late")


class Keeper:
    """A handler that keeps how its connections ended."""

    def __init__(self) -> None:
        self.ends: list[ConnectionClosed] = []

    async def __call__(self, ws: Connection) -> None:
        await ws.wait_closed()
        self.ends.append(ws.closed())


async def test_a_line_that_is_cut_is_lost_for_both_sides() -> None:
    keeper = Keeper()
    async with testing.serve(keeper) as house:
        ws = await house.connect()
        ws.cut()
        await ws.expect_close(1006)
        await house.clock.settle()
        assert [(closed.code, closed.was_clean) for closed in keeper.ends] == [(1006, False)]
        assert "-- the test cuts the line" in ws.history


async def test_a_line_that_stalls_is_found_out_by_the_keep_alive() -> None:
    keeper = Keeper()
    async with testing.serve(keeper) as house:
        ws = await house.connect()
        ws.stall()
        await house.clock.advance(30.0)
        assert keeper.ends == []
        await house.clock.advance(25.0)
        (closed,) = keeper.ends
        assert "no answer to a ping" in closed.reason
        await ws.expect_close(1006)
        assert "-- the test stalls the line both ways" in ws.history


async def test_a_line_that_flows_again_brings_what_was_under_way() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect()
        ws.stall(Toward.CLIENT)
        await ws.send("hello")
        await ws.expect_nothing(5.0)
        ws.flow(Toward.CLIENT)
        assert await ws.receive() == "hello"
        assert "-- the test stalls the line toward client" in ws.history
        assert "-- the test lets the line flow toward client" in ws.history


async def test_a_line_can_be_slow() -> None:
    async with testing.serve(obey) as house:
        ws = await house.connect()
        ws.delay(0.25)
        await ws.send("hello")
        assert await ws.receive() == "hello"
        assert house.clock.elapsed == pytest.approx(0.5)
        ws.delay(0.0, Toward.SERVER)
        await ws.send("hello")
        assert await ws.receive() == "hello"
        assert house.clock.elapsed == pytest.approx(0.75)


async def test_others_may_wait_beside_the_test() -> None:
    async with testing.serve(obey) as house:
        first, second = await house.connect(), await house.connect()
        waiting = asyncio.ensure_future(first.receive())
        await house.clock.settle()
        await second.send("for second")
        assert await second.receive() == "for second"
        await first.send("for first")
        assert await waiting == "for first"
