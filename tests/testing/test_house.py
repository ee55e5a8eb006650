"""A server in memory: everything as in production, but for the sockets and the time."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from trunkline import (
    Events,
    Request,
    Response,
    ServerConnection,
    TrunklineError,
    UsageError,
    connect,
    serve,
    testing,
)
from trunkline.server.serve import Server
from trunkline.testing import Failure, Refused, Toward, Weather


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def describe(ws: ServerConnection) -> None:
    """Say who has come, and with what."""
    assert ws.request is not None
    await ws.send(f"{ws.request.path} {ws.request.headers.get('X-Name')} {ws.remote_address[0]}")


class Echo(Events):
    def on_message(self, ws: Any, data: str | bytes) -> None:
        ws.send_soon(data)


@pytest.mark.parametrize("handler", [echo, Echo, Echo(), lambda request: Echo()])
async def test_every_kind_of_handler_is_served(handler: Any) -> None:
    async with testing.serve(handler) as house:
        ws = await house.connect()
        await ws.send("hello")
        assert await ws.receive() == "hello"


class Application:
    """Makes a server of itself, as `trunkline.App` does."""

    def serve(self, host: str, port: int, **options: Any) -> Server:
        return serve(echo, host, port, **options)


async def test_an_application_is_served_with_its_options() -> None:
    async with testing.serve(Application(), max_size=3) as house:
        ws = await house.connect()
        await ws.send("long")
        await ws.expect_close(1009)


async def test_the_request_is_what_the_test_says() -> None:
    async with testing.serve(describe) as house:
        ws = await house.connect(
            "/rooms/1?x=y", headers={"X-Name": "Ada"}, local_addr=("203.0.113.7", 0)
        )
        assert await ws.receive() == "/rooms/1?x=y Ada 203.0.113.7"


@pytest.mark.parametrize("path", ["rooms", "ws://test/rooms", ""])
async def test_a_path_begins_with_a_slash(path: str) -> None:
    async with testing.serve(echo) as house:
        for ask in (house.connect, house.get):
            with pytest.raises(UsageError, match=f"'{path}' is not a path in this house"):
                await ask(path)


async def test_a_refusal_has_status_and_reason() -> None:
    async with testing.serve(echo) as house:
        with pytest.raises(Refused, match="403 Forbidden: this Origin may not connect") as refused:
            await house.connect("/admin", origin="https://evil.example")
        assert refused.value.status == 403
        assert refused.value.reason == "this Origin may not connect"
        ws = await house.connect(origin="http://test")
        await ws.close()


async def test_an_answer_that_does_not_come_is_an_error_at_open_timeout() -> None:
    async def never(ws: ServerConnection, request: Request) -> None:
        await asyncio.get_running_loop().create_future()

    async with testing.serve(echo, process_request=never, open_timeout=60) as house:
        with pytest.raises(TimeoutError, match=r"was not opened within 10\.0 s"):
            await house.connect()
        assert house.clock.elapsed == pytest.approx(10.0)


def page(ws: ServerConnection, request: Request) -> Response | None:
    if request.path == "/health":
        return ws.respond(200, f"{request.headers['Host']}: fine\n", {"X-Answer": "yes"})
    return None


async def test_plain_http_is_answered() -> None:
    async with testing.serve(echo, process_request=page) as house:
        response = await house.get("/health")
        assert (response.status_code, response.body) == (200, b"test: fine\n")
        assert response.headers["X-Answer"] == "yes"
        response = await house.get("/health", headers={"Host": "another"})
        assert response.body == b"another: fine\n"
        response = await house.request("POST", "/health", body=b"four")
        assert response.status_code in (200, 400, 405)
        await house.clock.settle()
        assert house.lines == []


async def test_a_page_that_does_not_come_is_a_failure() -> None:
    async def never(ws: ServerConnection, request: Request) -> None:
        await asyncio.get_running_loop().create_future()

    async with testing.serve(echo, process_request=never) as house:
        with pytest.raises(Failure, match=r"GET /slow was not answered within 1\.0 s"):
            await house.get("/slow")
        with pytest.raises(Failure, match=r"GET /slow was not answered within 5 s"):
            await house.request("GET", "/slow", timeout=5)


async def test_whoever_connects_by_itself_comes_into_the_house() -> None:
    connections = 0

    async def count(ws: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await echo(ws)

    async with testing.serve(count) as house:
        async for ws in connect(f"{house.uri}/", proxy=None):
            await ws.send("hello")
            assert await ws.recv() == "hello"
            if connections == 3:
                break
            house.lines[0].cut()
            with pytest.raises(StopAsyncIteration):
                await anext(ws)
        assert connections == 3


async def test_two_houses_of_a_test_have_one_clock_and_know_each_other() -> None:
    async with testing.serve(echo, host="backend") as backend:

        async def ask(ws: ServerConnection) -> None:
            async with connect(backend.uri, proxy=None) as behind:
                async for message in ws:
                    await behind.send(message)
                    await ws.send(await behind.recv())

        async with testing.serve(ask) as house:
            assert house.clock is backend.clock
            ws = await house.connect()
            await ws.send("hello")
            assert await ws.receive() == "hello"
        ws = await backend.connect()
        await ws.close()


async def test_a_second_house_needs_a_name_of_its_own() -> None:
    async with testing.serve(echo) as house:
        with pytest.raises(OSError, match="a second house needs another host="):
            async with testing.serve(echo):
                pass
        with pytest.raises(UsageError, match="a loop has one clock"):
            async with testing.serve(echo, host="b", clock=testing.Clock()):
                pass
        ws = await house.connect()
        await ws.close()


async def test_weather_comes_over_the_handshake_too() -> None:
    async with testing.serve(echo, weather=Weather(delay=0.1)) as house:
        await house.connect()
        # TCP's way there and back, and the request's
        assert house.clock.elapsed == pytest.approx(0.4)


async def talk(seed: int) -> list[str]:
    """Talk until the line is lost, and give what came."""
    async with testing.serve(echo, weather=Weather(loss=0.001, seed=seed)) as house:
        heard: list[str] = []
        try:
            ws = await house.connect()
            for number in range(1000):
                await ws.send(str(number))
                heard.append(str(await ws.receive()))
        except (OSError, TrunklineError, Failure) as error:
            heard.append(type(error).__name__)
        return heard


async def test_the_same_seed_is_the_same_weather() -> None:
    stories = [await talk(seed) for seed in range(5)]
    assert stories == [await talk(seed) for seed in range(5)]
    assert len({len(story) for story in stories}) > 1


async def test_tokens_expire_when_the_test_says_so() -> None:
    clock = testing.Clock(start=1000.0)

    async def expire(ws: ServerConnection) -> None:
        while clock.now() < 1060:
            await asyncio.sleep(1)
        await ws.close(4001, "token expired")

    async with testing.serve(expire, clock=clock) as house:
        ws = await house.connect()
        await house.clock.advance(59)
        await ws.expect_nothing(0)
        await house.clock.advance(2)
        await ws.expect_close(4001, "token expired")


async def test_a_test_that_waits_for_what_never_happens_is_told_what_did() -> None:
    async def wait() -> None:
        async with testing.serve(echo) as house:
            ws = await house.connect("/rooms/1")
            await ws.send("hello")
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(wait())
    with pytest.raises(Failure, match=r"the test has waited for 3,600 s on its clock") as failure:
        await task
    assert not task.cancelling()
    assert "what happened on /rooms/1" in str(failure.value)
    assert "-> 'hello'" in str(failure.value)
    assert "going away" not in str(failure.value)


async def test_with_a_clock_that_stands_the_end_still_comes() -> None:
    async def hang(ws: ServerConnection) -> None:
        await asyncio.sleep(3600)

    async with testing.serve(hang, clock=testing.Clock(autojump=False)) as house:
        ws = await house.connect()
        ws.stall(Toward.SERVER)
    assert house.clock.elapsed >= 10


async def test_what_is_left_at_the_end_is_cut() -> None:
    async with testing.serve(echo) as house:
        other = await serve(echo, "other", 80)
        ws = await connect("ws://other", proxy=None)
        assert len(house.lines) == 1
    await ws.wait_closed()
    assert ws.close_code == 1006
    other.close()
    await other.wait_closed()


async def test_a_server_that_cannot_start_leaves_nothing_behind() -> None:
    house = testing.serve(echo)
    house.server.close()
    await house.server.wait_closed()
    with pytest.raises(RuntimeError, match="the server has been closed"):
        async with house:
            pass


async def test_what_cannot_be_meant_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_sise'"):
        testing.serve(echo, max_sise=1)
    with pytest.raises(UsageError, match="leave ssl= away"):
        testing.serve(echo, ssl=ssl.create_default_context())
    with pytest.raises(TypeError, match="is not a handler"):
        testing.serve(3)  # type: ignore[arg-type]
