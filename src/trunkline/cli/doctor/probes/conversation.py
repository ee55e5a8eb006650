"""What an open connection is good for: pings, silence, a close handshake."""

from __future__ import annotations

import asyncio
import logging

from trunkline.cli.doctor.facts import Goodbye, Pulse, Silence
from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.client.connection import ClientConnection
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.lane import connection_type
from trunkline.connection.setting import Setting
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Stream
from trunkline.errors import ConnectionClosed
from trunkline.limits import Limits
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role

logger = logging.getLogger("trunkline.client")


def begin(stream: Stream, agreement: Agreement, rest: bytes, limits: Limits) -> Connection:
    """Make the connection of a stream whose handshake is done; its messages are not kept.

    Args:
        stream: open.
        agreement: what the handshake agreed on.
        rest: bytes that arrived behind it.
        limits: without a keep-alive, which would break a silence.
    """
    kind = connection_type(ClientConnection, stream)
    connection = kind(Setting(current_engine(), Role.CLIENT, limits, logger), stream)
    connection.open(agreement, Events(), rest)
    return connection


async def feel_pulse(connection: Connection, pings: int, timeout: float) -> Pulse:
    """Measure round trips, one after the other.

    Args:
        connection: open, or ended meanwhile.
        pings: to send.
        timeout: seconds for all of them.
    """
    round_trips: list[float] = []
    try:
        async with asyncio.timeout(timeout):
            for _ in range(pings):
                round_trips.append(await connection.ping())
    except (TimeoutError, ConnectionClosed) as error:
        return Pulse(round_trips=round_trips, error=error)
    return Pulse(round_trips=round_trips)


async def keep_silent(
    connection: Connection, stream: Stream, seconds: float, timeout: float
) -> Silence:
    """Send nothing, and see how long the line stays.

    Args:
        connection: open, without a keep-alive.
        stream: of it.
        seconds: to be silent.
        timeout: seconds for a ping afterwards: a line may be cut without a word.
    """
    stopwatch, heard_before = Stopwatch(), stream.last_heard
    try:
        async with asyncio.timeout(seconds):
            await connection.wait_closed()
    except TimeoutError:
        lasted, was_broken = stopwatch.seconds(), stream.last_heard > heard_before
        pulse = await feel_pulse(connection, 1, timeout)
        return Silence(wanted=seconds, lasted=lasted, was_broken=was_broken, pulse=pulse)
    return Silence(wanted=seconds, lasted=stopwatch.seconds(), closed=connection.closed())


async def say_goodbye(connection: Connection) -> Goodbye:
    """Close the connection; its limits say how long that may take."""
    stopwatch = Stopwatch()
    await connection.close()
    return Goodbye(seconds=stopwatch.seconds(), closed=connection.closed())
