"""The server of the chat: the page over HTTP, the room over WebSocket, at one address."""

from __future__ import annotations

import errno
import logging
import secrets
import time

from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.state import State
from trunkline.demos.chat import page
from trunkline.demos.chat.messages import MESSAGE_BYTES, Join, Refused, Trouble, encode, parse
from trunkline.demos.chat.room import Room
from trunkline.limits import MIB, Limits
from trunkline.protocol.http1 import Request, Response
from trunkline.server.connection import ServerConnection
from trunkline.server.serve import Server, serve

logger = logging.getLogger("trunkline.demos.chat")

CHAT_PATH = "/chat"

LIMITS = Limits(
    max_size=MESSAGE_BYTES,
    max_unsent=1 * MIB,  # a tab that does not read is let go, and comes back
    close_timeout=2.0,  # a tab that does not answer must not hold up Ctrl-C
)

PORTS_TRIED = 100
HIGHEST_PORT = 65_535


class Visitor(Events):
    """One connection: takes what the page sends to the room, and back."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._ws: Connection | None = None

    def on_open(self, ws: Connection) -> None:
        """Keep the way to the page."""
        self._ws = ws

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        """Do what the page asks for, or tell it why not."""
        try:
            request = parse(data)
            if isinstance(request, Join):
                self._room.join(self, request.name)
            else:
                self._room.say(self, request.text)
        except Refused as refused:
            self.tell(encode(Trouble(str(refused))))

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        """Leave the room."""
        self._room.leave(self)

    def tell(self, message: str) -> None:
        """Send an encoded message to the page, unless it is going."""
        if self._ws is not None and self._ws.state is State.OPEN:
            self._ws.send_soon(message)


def make_server(host: str, port: int) -> Server:
    """Make the server of a new and empty room.

    Args:
        host: address to listen at.
        port: port to listen at; 0 for one that is free.
    """
    room = Room(label=secrets.token_hex(8), clock=time.time)
    return serve(
        lambda request: Visitor(room),
        host,
        port,
        process_request=answer_page,
        limits=LIMITS,
    )


def answer_page(connection: ServerConnection, request: Request) -> Response | None:
    """Answer with a file of the page, where it is not the room that is asked for."""
    if request.path.partition("?")[0] == CHAT_PATH:
        return None
    return page.answer(request.path)


async def start_at_free_port(host: str, port: int) -> Server:
    """Start the server at `port`, or at the next one that is free.

    Raises:
        OSError: the address cannot be had for another reason, or all of the ports are taken.
    """
    last = min(port + PORTS_TRIED - 1, HIGHEST_PORT)
    for candidate in range(port, last):
        try:
            return await start(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            logger.debug("port %d is taken", candidate)
    return await start(host, last)


async def start(host: str, port: int) -> Server:
    """Start the server at this port and no other.

    Raises:
        OSError: the address cannot be had.
    """
    server = make_server(host, port)
    try:
        return await server
    except OSError:
        # Another program may take the port between bind() and listen(): that leaves a socket.
        server.close()
        await server.wait_closed()
        raise
