"""What follows an opening handshake: the conversation."""

from __future__ import annotations

from trunkline.server.connection import ServerConnection
from trunkline.server.conversation import Conversation
from trunkline.server.desk import Admission
from trunkline.server.handler import CoroutineHandler
from trunkline.server.options import ServerOptions
from trunkline.server.watch import Watch


def begin(watch: Watch, options: ServerOptions, admission: Admission, received: bytes) -> None:
    """Open a connection whose request was answered, and start its handler.

    Args:
        watch: told of the connection.
        options: the server's.
        admission: what was decided.
        received: bytes that arrived behind the handshake.
    """
    connection, coroutine = admission.connection, admission.coroutine
    watch.opened(connection)
    try:
        connection.open(admission.agreement, admission.events, received)
        if coroutine is not None:
            start(watch, options, coroutine, connection)
    except Exception:
        undo(watch, options, connection)


def start(
    watch: Watch,
    options: ServerOptions,
    coroutine: CoroutineHandler,
    connection: ServerConnection,
) -> None:
    """Start the handler of an open connection."""
    Conversation(watch, connection, coroutine, options.logger)


def undo(watch: Watch, options: ServerOptions, connection: ServerConnection) -> None:
    """Let go of a connection that could not begin; called where the reason is handled."""
    options.logger.exception("a connection could not begin")
    # Otherwise the server would wait for its end.
    watch.lost(connection)
    connection.abort()
