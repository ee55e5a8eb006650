"""An application at work: who is there, and what they take."""

import asyncio
from typing import Any

import pytest

from tests.app.judge import Judge
from tests.app.premises import (
    Witness,
    ask_from,
    caller,
    echo,
    echoing,
    get,
    new_app,
    opening,
    serving,
    texts,
    uri_of,
)
from tests.auth.clock import Clock
from tests.auth.openings import NOW
from tests.server.wire import HANG_SECONDS
from trunkline import Close, ConnectionClosed, Limits, RequestRefused, connect
from trunkline.app.admission.expiry import Expiry
from trunkline.app.app_server import AppServer
from trunkline.app.observation.snapshot import describe_traffic
from trunkline.app.service import Service
from trunkline.limits import APP_LIMITS, Rate


def as_user(server: AppServer, token: str, path: str = "/echo") -> Any:
    uri = uri_of(server, path)
    return connect(uri, additional_headers={"Authorization": f"Bearer t.{token}"})


def nobody_is_left(server: AppServer) -> bool:
    service = server.service
    crowd = service.crowd
    counts = (len(crowd), len(crowd.addresses), len(crowd.users))
    return counts == (0, 0, 0) and not service._users and not service.connections


def test_it_is_one_of_its_application_until_it_ends() -> None:
    app = new_app()
    service = Service(app, app.observers)
    assert (app.services, app.is_announced) == ([], False)
    service.begin()
    assert (app.services, app.is_announced) == ([service], True)
    for _ in range(2):
        service.end()
        assert app.services == []


async def test_everybody_of_a_user_is_disconnected_and_nobody_else() -> None:
    app = echoing(auth=Judge())
    async with serving(app) as server:
        async with (
            as_user(server, "ann") as one,
            as_user(server, "ann") as two,
            as_user(server, "bob") as other,
        ):
            assert len(list(server.service.connections_of("ann"))) == 2
            assert app.disconnect("carl") == 0
            assert app.disconnect("ann", reason="signed out") == 2
            for ws in (one, two):
                await ws.wait_closed()
                assert (ws.close_code, ws.close_reason) == (3503, "signed out")
            await other.send("still here")
            assert await other.recv() == "still here"
            assert server.service.disconnect("bob", 4000) == 1
            await other.wait_closed()
            assert other.close_code == 4000
        await asyncio.wait_for(emptied(server), HANG_SECONDS)


async def emptied(server: AppServer) -> None:
    while not nobody_is_left(server):
        await asyncio.sleep(0)


@pytest.mark.parametrize("token", ["t.ann", "t.ann.60"])
@pytest.mark.parametrize("code", [3503, 3005])
async def test_what_came_from_a_user_before_their_end_is_not_handled(token: str, code: int) -> None:
    app, clock = new_app(auth=Judge()), Clock()
    told: asyncio.Queue[Any] = asyncio.Queue()
    may_go_on = asyncio.Event()

    @app.websocket("/")
    async def slow(ws: Any) -> None:
        told.put_nowait(await ws.recv())
        await may_go_on.wait()
        try:
            told.put_nowait(await ws.recv())
        except ConnectionClosed as closed:
            told.put_nowait(closed.code)

    data = opening("/", ("Authorization", f"Bearer {token}")) + texts("one", "two", "three")
    async with serving(app) as server, caller(server, data):
        server.service.now = clock
        assert await told.get() == "one"
        (ws,) = server.service.connections_of("ann")
        traffic = ws._setting.traffic
        while traffic.messages_received < 3:
            await asyncio.sleep(0)
        if code == 3503:
            app.disconnect("ann")
        else:
            Expiry(ws, clock.time, clock).fire()
        may_go_on.set()
        assert await told.get() == code
        assert describe_traffic(app, "/")["discarded"] == 2
    assert (traffic.messages_received, traffic.discarded, traffic.dropped) == (3, 2, 0)


async def test_nothing_is_said_to_whoever_was_disconnected() -> None:
    app = new_app(auth=Judge())
    sent: list[BaseException] = []

    @app.websocket("/echo")
    async def handler(ws: Any) -> None:
        app.disconnect("ann")
        for send in (ws.send, ws.send_soon):
            try:
                result = send("too late")
                if result is not None:
                    await result
            except ConnectionClosed as closed:
                sent.append(closed)

    async with serving(app) as server, as_user(server, "ann") as ws:
        with pytest.raises(ConnectionClosed) as caught:
            await ws.recv()
    assert caught.value.rcvd == Close(3503, "")
    assert len(sent) == 2


async def test_a_request_for_a_page_is_no_connection_to_close() -> None:
    app = new_app()
    app.get("/", auth=Judge())(lambda request: [app.disconnect("ann"), len(app.services)])
    async with serving(app) as server:
        response = await ask_from(server, get("/", Authorization="Bearer t.ann"))
    assert response.body == b"[0, 1]"


async def test_a_place_of_a_user_is_given_back() -> None:
    app = echoing(auth=Judge(), limits=Limits(max_connections_per_user=1))
    witness = Witness(app)
    async with serving(app) as server:
        for count in (1, 2, 3):
            async with as_user(server, "ann") as ws:
                await ws.send("hello")
                assert await ws.recv() == "hello"
            await witness.sees("left", count)
        assert nobody_is_left(server)


async def test_each_route_has_a_setting_by_which_its_traffic_is_counted() -> None:
    app = echoing()
    app.websocket("/small", limits=Limits(max_size=10))(echo)
    settings: list[Any] = []
    async with serving(app) as server:
        for path in ("/echo", "/echo", "/small"):
            async with connect(uri_of(server, path)):
                (connection,) = server.service.websockets()
                settings.append(connection._setting)
            await connection.wait_closed()
        assert server.service.settings == {"/echo": settings[0], "/small": settings[2]}
    assert settings[0] is settings[1]
    assert [setting.limits.max_size for setting in settings[1:]] == [APP_LIMITS.max_size, 10]


async def test_a_route_has_the_limits_of_the_application_or_its_own() -> None:
    app = echoing()
    app.websocket("/small", limits=Limits(max_size=4))(echo)
    async with serving(app) as server:
        async with connect(uri_of(server, "/small")) as ws:
            await ws.send("1234")
            assert await ws.recv() == "1234"
            await ws.send("12345")
            with pytest.raises(ConnectionClosed, match="1009"):
                await ws.recv()
        async with connect(uri_of(server, "/echo")) as ws:
            await ws.send("12345")
            assert await ws.recv() == "12345"


async def test_a_service_may_count_no_handshakes() -> None:
    for rate, is_counted in ((None, False), (Rate(1, burst=1), True)):
        server = serving(echoing(limits=Limits(handshake_rate=rate)))
        assert (server.service.handshakes is not None) is is_counted


async def test_time_is_the_walls_unless_somebody_says_otherwise() -> None:
    service = serving(echoing()).service
    assert service.now() > NOW - 10**9
    assert service.is_ready


async def test_nobody_comes_in_while_everybody_is_asked_to_leave() -> None:
    async with serving(echoing()) as server:
        server.service.check_open()
        server.service.is_leaving = True
        with pytest.raises(RequestRefused) as refused:
            server.service.check_open()
        server.service.is_leaving = False
    assert refused.value.status == 503
    assert "Retry-After" in refused.value.headers
