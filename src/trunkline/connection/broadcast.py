"""One message to many connections, at once."""

from __future__ import annotations

from asyncio import _get_running_loop
from collections.abc import Iterable, Sequence

from trunkline.connection.connection import Connection
from trunkline.connection.form import Form
from trunkline.connection.fragments import DataLike
from trunkline.connection.shared_message import SharedMessage
from trunkline.connection.traffic import Traffic
from trunkline.engines.choose import FanOut, fan_out_for
from trunkline.engines.engine import Stream, elsewhere


def broadcast(
    connections: Iterable[Connection],
    message: DataLike,
    *,
    text: bool | None = None,
    compress: bool = True,
) -> None:
    """Send a message to many connections without waiting.

    It is encoded and compressed once for all connections that send it alike. A connection that is
    not open is skipped, and one that fails is cut and touches no other. On a peer that does not
    read it has the effect of `send_soon()`: above `max_unsent` the connection is given up.

    Args:
        connections: all of the event loop that runs now.
        message: `str` is sent as text, anything like bytes as binary.
        text: `True` sends as text and `False` as binary, whatever the type.
        compress: whether to compress, where that was agreed on.

    Raises:
        TypeError: it is no message of one piece, or one of them is no connection.
        UsageError: another loop runs now than that of a connection, or none; nothing was sent.
        ValueError: what is to be sent as text is no text.
    """
    shared = SharedMessage(message, text=text, compress=compress)
    alike: dict[tuple[Form, FanOut, Traffic], dict[Stream, Connection]] = {}
    others: list[Connection] = []
    # Nothing is written yet: whoever is told that there is room again could close another one.
    for connection in of_this_loop(connections):
        outbox = connection._outbox
        if not outbox.can_send or outbox.is_overrun():
            continue
        group = None
        if outbox.form is not None and outbox.has_room:
            kind = outbox.form, fan_out_for(outbox.stream), outbox.traffic
            group = alike.setdefault(kind, {})
        if group is None or outbox.stream in group:
            others.append(connection)
        else:
            group[outbox.stream] = connection
    for (form, fan_out, traffic), group in alike.items():
        frame = shared.frame(form)
        left = fan_out(tuple(group), frame)
        count = len(group) - len(left)
        traffic.messages_sent += count
        traffic.bytes_sent += count * len(frame)
        others += [group[stream] for stream in left]
    for connection in others:
        send_apart(connection, shared)


def of_this_loop(connections: Iterable[Connection]) -> Sequence[Connection]:
    """Give them, once it is seen that they may be used here."""
    members, loop = tuple(connections), _get_running_loop()
    for connection in members:
        if not isinstance(connection, Connection):
            raise TypeError(f"broadcast() takes connections, not {connection!r}")
        if connection._setting.engine.loop is not loop:
            raise elsewhere("broadcast()")
    return members


def send_apart(connection: Connection, shared: SharedMessage) -> None:
    """Send on one connection; cut it where that fails."""
    try:
        connection._outbox.send_shared(shared)
    except Exception:
        connection.logger.exception("a message to many could not be sent to %r", connection)
        connection.abort()
