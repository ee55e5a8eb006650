"""Look a host up, and wait no longer than allowed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread

from trunkline.cli.doctor.facts import Lookup
from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.engines.happy_eyeballs import Place, interleave, numeric_place

Result = list[Place] | OSError


async def look_up(host: str, port: int, timeout: float) -> Lookup:
    """Give the addresses of a host, in the order in which a client tries them.

    Args:
        host: name or address.
        port: goes into the addresses.
        timeout: seconds.
    """
    place = numeric_place(host, port)
    if place is not None:
        return Lookup(host=host, places=[place], is_needless=True)
    stopwatch = Stopwatch()
    try:
        async with asyncio.timeout(timeout):
            result = await in_thread(partial(ask_system, host, port))
    except TimeoutError as error:
        result = error
    seconds = stopwatch.seconds()
    if isinstance(result, OSError):
        return Lookup(host=host, seconds=seconds, error=result)
    return Lookup(host=host, seconds=seconds, places=interleave(dict.fromkeys(result)))


def ask_system(host: str, port: int) -> Result:
    """Let the system look a host up, by its files and name servers."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError as error:
        return socket.gaierror(socket.EAI_NONAME, str(error))
    return [(family, place) for family, _, _, _, place in infos]


async def in_thread(ask: Callable[[], Result]) -> Result:
    """Ask in a daemon thread: one of the loop's own would keep the process until it is answered."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result) -> None:
        if not answer.done():
            answer.set_result(result)

    def run() -> None:
        result = ask()
        with suppress(RuntimeError):  # a loop that is closed waits for nothing
            loop.call_soon_threadsafe(settle, result)

    Thread(target=run, daemon=True).start()
    return await answer
