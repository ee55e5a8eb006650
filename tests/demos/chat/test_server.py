"""The server of the chat on real sockets, with our own client."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import trunkline
from trunkline.demos.chat import server as chat_server
from trunkline.demos.chat.messages import MESSAGE_BYTES
from trunkline.demos.chat.room import Room
from trunkline.demos.chat.server import start, start_at_free_port

HOST = "127.0.0.1"
HANG_GUARD_SECONDS = 30


def port_of(server: trunkline.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def uri_of(server: trunkline.Server) -> str:
    return f"ws://{HOST}:{port_of(server)}/chat"


@pytest.fixture
async def server() -> AsyncIterator[trunkline.Server]:
    async with asyncio.timeout(HANG_GUARD_SECONDS), await start(HOST, 0) as server:
        yield server


async def ask(ws: trunkline.Connection, **message: Any) -> dict[str, Any]:
    """Send a message and give what comes next."""
    await ws.send(json.dumps(message))
    return await hear(ws)


async def hear(ws: trunkline.Connection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await ws.recv())
    return answer


async def get(server: trunkline.Server, path: str) -> bytes:
    """Give the whole answer to a plain request."""
    reader, writer = await asyncio.open_connection(HOST, port_of(server))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


# The page


async def test_the_page_is_served_where_the_room_is(server: trunkline.Server) -> None:
    answer = await get(server, "/")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"</html>\n")


async def test_another_path_is_not_found(server: trunkline.Server) -> None:
    assert (await get(server, "/chats")).startswith(b"HTTP/1.1 404 ")


async def test_the_room_itself_is_no_page(server: trunkline.Server) -> None:
    assert (await get(server, "/chat?a=1")).startswith(b"HTTP/1.1 426 ")


async def test_a_websocket_to_another_path_is_refused(server: trunkline.Server) -> None:
    with pytest.raises(trunkline.InvalidStatus, match="404"):
        await trunkline.connect(f"ws://{HOST}:{port_of(server)}/nowhere")


async def test_a_page_of_another_origin_is_refused(server: trunkline.Server) -> None:
    with pytest.raises(trunkline.InvalidStatus, match="403"):
        await trunkline.connect(uri_of(server), origin="http://localhost:1")


# The room


async def test_two_people_chat(server: trunkline.Server) -> None:
    async with trunkline.connect(uri_of(server)) as ada, trunkline.connect(uri_of(server)) as bob:
        await ask(ada, type="join", name="Ada")
        welcome = await ask(bob, type="join", name="Bob")
        assert welcome["people"] == {"Ada": 1, "Bob": 1}
        assert (await hear(ada))["name"] == "Bob"
        said = await ask(ada, type="say", text="hello")
        assert said["text"] == "hello"
        assert await hear(bob) == said


async def test_who_closes_has_left(server: trunkline.Server) -> None:
    async with trunkline.connect(uri_of(server)) as ada:
        await ask(ada, type="join", name="Ada")
        async with trunkline.connect(uri_of(server)) as bob:
            await ask(bob, type="join", name="Bob")
            await hear(ada)
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
    server: trunkline.Server, data: str | bytes, reason: str
) -> None:
    async with trunkline.connect(uri_of(server)) as ws:
        await ws.send(data)
        assert await hear(ws) == {"type": "trouble", "reason": reason}
        assert (await ask(ws, type="join", name="Ada"))["type"] == "welcome"


async def test_a_message_over_the_limit_ends_the_connection(server: trunkline.Server) -> None:
    async with trunkline.connect(uri_of(server)) as ws:
        await ws.send("x" * (MESSAGE_BYTES + 1))
        with pytest.raises(trunkline.ConnectionClosedError) as caught:
            await ws.recv()
        assert caught.value.code == trunkline.CloseCode.MESSAGE_TOO_BIG


async def test_who_is_going_is_told_nothing_more(server: trunkline.Server) -> None:
    async with trunkline.connect(uri_of(server)) as ada, trunkline.connect(uri_of(server)) as bob:
        await ask(ada, type="join", name="Ada")
        await ask(bob, type="join", name="Bob")
        # Both go at once, each while the other is still in the room.
        server.close()
        await asyncio.gather(ada.wait_closed(), bob.wait_closed())
        await server.wait_closed()
    assert (ada.close_code, bob.close_code) == (1001, 1001)


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
