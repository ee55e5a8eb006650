"""The server of the chat, in memory; and the ports that it looks for, on real sockets."""

import json
import socket
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import trunkline
from trunkline import testing
from trunkline.demos.chat import server as chat_server
from trunkline.demos.chat.messages import MESSAGE_BYTES
from trunkline.demos.chat.room import Room
from trunkline.demos.chat.server import start, start_at_free_port

HOST = "127.0.0.1"
ROOM = "/chat"


def port_of(server: trunkline.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


@pytest.fixture
async def house() -> AsyncIterator[testing.House]:
    async with testing.serve(SimpleNamespace(serve=chat_server.make_server)) as house:
        yield house


async def ask(ws: testing.TestConnection, **message: Any) -> dict[str, Any]:
    """Send a message and give what comes next."""
    await ws.send(json.dumps(message))
    return await hear(ws)


async def hear(ws: testing.TestConnection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await ws.receive())
    return answer


# The page


async def test_the_page_is_served_where_the_room_is(house: testing.House) -> None:
    answer = await house.get("/")
    assert answer.status_code == 200
    assert answer.body.endswith(b"</html>\n")


async def test_another_path_is_not_found(house: testing.House) -> None:
    assert (await house.get("/chats")).status_code == 404


async def test_the_room_itself_is_no_page(house: testing.House) -> None:
    assert (await house.get("/chat?a=1")).status_code == 426


async def test_a_websocket_to_another_path_is_refused(house: testing.House) -> None:
    with pytest.raises(testing.Refused, match="404"):
        await house.connect("/nowhere")


async def test_a_page_of_another_origin_is_refused(house: testing.House) -> None:
    with pytest.raises(testing.Refused, match="403"):
        await house.connect(ROOM, origin="http://localhost:1")


# The room


async def test_two_people_chat(house: testing.House) -> None:
    ada, bob = await house.connect(ROOM), await house.connect(ROOM)
    await ask(ada, type="join", name="Ada")
    welcome = await ask(bob, type="join", name="Bob")
    assert welcome["people"] == {"Ada": 1, "Bob": 1}
    assert (await hear(ada))["name"] == "Bob"
    said = await ask(ada, type="say", text="hello")
    assert said["text"] == "hello"
    assert await hear(bob) == said


@pytest.mark.parametrize("way", ["closes", "is cut off", "falls silent"])
async def test_who_goes_has_left(house: testing.House, way: str) -> None:
    ada, bob = await house.connect(ROOM), await house.connect(ROOM)
    await ask(ada, type="join", name="Ada")
    await ask(bob, type="join", name="Bob")
    await hear(ada)
    match way:
        case "closes":
            await bob.close()
        case "is cut off":
            bob.cut()
        case _:
            bob.stall()
            await house.clock.advance(60)
    assert await hear(ada) == {"type": "presence", "name": "Bob", "connections": 0}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00", "messages are text, this one is binary"),
        ("{", "message is not JSON"),
        ('{"type":"join","name":""}', "name is empty"),
        ('{"type":"say","text":"hi"}', "join with a name before you say something"),
    ],
)
async def test_trouble_is_answered_and_the_connection_goes_on(
    house: testing.House, data: str | bytes, reason: str
) -> None:
    ws = await house.connect(ROOM)
    await ws.send(data)
    assert await hear(ws) == {"type": "trouble", "reason": reason}
    assert (await ask(ws, type="join", name="Ada"))["type"] == "welcome"


async def test_a_message_over_the_limit_ends_the_connection(house: testing.House) -> None:
    ws = await house.connect(ROOM)
    await ws.send("x" * (MESSAGE_BYTES + 1))
    await ws.expect_close(trunkline.CloseCode.MESSAGE_TOO_BIG)


async def test_who_is_going_is_told_nothing_more(house: testing.House) -> None:
    ada, bob = await house.connect(ROOM), await house.connect(ROOM)
    await ask(ada, type="join", name="Ada")
    await ask(bob, type="join", name="Bob")
    # Both go at once, each while the other is still in the room.
    house.server.close()
    await ada.expect_close(1001)
    await bob.expect_close(1001)


def test_a_visitor_without_a_connection_is_told_nothing() -> None:
    room = Room("run", clock=lambda: 0.0)
    chat_server.Visitor(room).tell("nobody is there")


# The port


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """Take a port, with the next one probably free."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        yield taken


async def test_a_taken_port_is_stepped_over(taken: socket.socket) -> None:
    port: int = taken.getsockname()[1]
    async with await start_at_free_port(HOST, port) as server:
        assert port < port_of(server) < port + chat_server.PORTS_TRIED


async def test_a_port_that_is_lost_before_it_is_listened_at_leaves_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rival.bind((HOST, 0))
        server = chat_server.make_server(HOST, rival.getsockname()[1])
        await server.bind()
        rival.listen()
        monkeypatch.setattr(chat_server, "make_server", lambda host, port: server)
        with pytest.raises(OSError, match="in use"):
            await start(HOST, 0)
        assert list(server.sockets) == []


async def test_the_last_of_the_ports_says_that_they_are_taken(
    taken: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_server, "PORTS_TRIED", 1)
    with pytest.raises(OSError, match="in use"):
        await start_at_free_port(HOST, taken.getsockname()[1])


async def test_an_address_of_another_machine_is_not_stepped_over() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        await start_at_free_port("192.0.2.1", 8000)


async def test_a_free_port_of_any_number_can_be_asked_for() -> None:
    async with await start_at_free_port(HOST, 0) as server:
        assert port_of(server) != 0
