"""Open a stream along a route: through the tunnel, where a proxy is in the way."""

from __future__ import annotations

import asyncio

from trunkline.cli.doctor.facts import Tunnel
from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.cli.doctor.target import Target
from trunkline.engines.engine import Receiver, Stream
from trunkline.errors import TrunklineError


async def open_stream(target: Target, receiver: Receiver) -> tuple[Stream | None, Tunnel]:
    """Open a stream, which is `None` where that fails, within the time for a step."""
    stopwatch = Stopwatch()
    try:
        async with asyncio.timeout(target.timeout):
            stream = await target.route.open(receiver)
    except (OSError, TrunklineError) as error:
        return None, Tunnel(seconds=stopwatch.seconds(), error=error)
    return stream, Tunnel(seconds=stopwatch.seconds())
