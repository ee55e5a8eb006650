"""Connect to every address of a host, each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from trunkline.cli.doctor.facts import Dial
from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.engines.happy_eyeballs import Place, connect


async def dial_all(places: Sequence[Place], timeout: float) -> Sequence[Dial]:
    """Connect to all addresses at once; the first socket that is open stays so, the others do not.

    Args:
        places: in the order in which they are preferred.
        timeout: seconds for each.
    """
    dials = await asyncio.gather(*(dial(place, timeout) for place in places))
    for needless in [dial for dial in dials if dial.sock is not None][1:]:
        assert needless.sock is not None
        needless.sock.close()
    return dials


async def dial(place: Place, timeout: float) -> Dial:
    """Connect to one address."""
    stopwatch = Stopwatch()
    try:
        async with asyncio.timeout(timeout):
            sock = await connect(asyncio.get_running_loop(), place, ())
    except OSError as error:
        return Dial(place=place, seconds=stopwatch.seconds(), error=error)
    return Dial(place=place, seconds=stopwatch.seconds(), sock=sock)
