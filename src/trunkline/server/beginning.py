"""What follows an opening handshake: the conversation."""

from __future__ import annotations

from trunkline.connection.events import Events
from trunkline.protocol.handshake import Agreement
from trunkline.server.connection import ServerConnection
from trunkline.server.conversation import Conversation
from trunkline.server.options import ServerOptions
from trunkline.server.watch import Watch


def begin(
    watch: Watch,
    options: ServerOptions,
    connection: ServerConnection,
    agreement: Agreement,
    events: Events | None,
    received: bytes,
) -> None:
    """Open a connection whose request was answered, and start its handler.

    Args:
        watch: told of the connection.
        options: the server's.
        connection: not open yet.
        agreement: what the handshake agreed on.
        events: take the messages; `None` keeps them for `recv()`.
        received: bytes that arrived behind the handshake.
    """
    watch.opened(connection)
    try:
        connection.open(agreement, events, received)
        if options.coroutine is not None:
            start(watch, options, connection)
    except Exception:
        undo(watch, options, connection)


def start(watch: Watch, options: ServerOptions, connection: ServerConnection) -> None:
    """Start the handler of an open connection; the server has one that is a coroutine."""
    assert options.coroutine is not None
    Conversation(watch, connection, options.coroutine, options.logger)


def undo(watch: Watch, options: ServerOptions, connection: ServerConnection) -> None:
    """Let go of a connection that could not begin; called where the reason is handled."""
    options.logger.exception("a connection could not begin")
    # Otherwise the server would wait for its end.
    watch.lost(connection)
    connection.abort()
