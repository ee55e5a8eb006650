"""The first of a host's addresses that answers (RFC 8305).

asyncio can do this too, but where the race is called off in the moment of its end, the socket that
won is lost and stays open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, ip_address
from itertools import chain, zip_longest
from typing import Any

from trunkline.engines.engine import Address
from trunkline.limits import HAPPY_EYEBALLS_DELAY

Place = tuple[int, Any]
"""Address family and socket address."""


async def open_socket(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    """Connect to the address of a host that answers first.

    Raises:
        OSError: the name is not known, or nobody answers.
    """
    host = address.host if isinstance(address.host, str) else None
    places = await resolve(loop, host, address.port, address.family)
    local_places: Sequence[Place] = ()
    if address.local_addr is not None:
        local_places = await resolve(loop, *address.local_addr, address.family)
    return await race(loop, interleave(places), local_places)


async def resolve(
    loop: asyncio.AbstractEventLoop, host: str | None, port: int | None, family: int
) -> list[Place]:
    """Look up a host; an address needs no look-up, and no thread for one."""
    place = None if host is None else numeric_place(host, port or 0)
    if place is not None and family in (socket.AF_UNSPEC, place[0]):
        return [place]
    try:
        infos = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is no host name: {error}") from None
    return [(family, place) for family, _, _, _, place in infos]


def numeric_place(host: str, port: int) -> Place | None:
    """Give the place of an address in figures; `None` for a name, or for one with a zone."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return socket.AF_INET, (host, port)
    return None if address.scope_id else (socket.AF_INET6, (host, port, 0, 0))


def interleave(places: Iterable[Place]) -> list[Place]:
    """Let the families take turns, beginning with that of the first place (RFC 8305 §4)."""
    by_family: dict[int, list[Place]] = {}
    for place in places:
        by_family.setdefault(place[0], []).append(place)
    rounds = zip_longest(*by_family.values())
    return [place for place in chain.from_iterable(rounds) if place is not None]


async def race(
    loop: asyncio.AbstractEventLoop, places: Sequence[Place], local_places: Sequence[Place]
) -> socket.socket:
    """Try each place a little later than the one before; at once where that one failed."""
    waiting = list(places)
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[BaseException] = []
    try:
        while waiting or running:
            if waiting:
                attempt = connect(loop, waiting.pop(0), local_places)
                running.add(loop.create_task(attempt))
            patience = HAPPY_EYEBALLS_DELAY if waiting else None
            for task in await first_of(running, patience):
                running.discard(task)
                error = task.exception()
                if error is None:
                    return task.result()
                errors.append(error)
        raise summary(errors)
    finally:
        call_off(running)


async def first_of(
    running: set[asyncio.Task[socket.socket]], patience: float | None
) -> set[asyncio.Task[socket.socket]]:
    """Wait until an attempt has ended, at most `patience` seconds."""
    done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    return done


def call_off(running: set[asyncio.Task[socket.socket]]) -> None:
    """End the attempts that are not needed, and close what they have opened."""
    for task in running:
        task.cancel()
        task.add_done_callback(close_opened)


def close_opened(task: asyncio.Task[socket.socket]) -> None:
    """Close the socket of an attempt that nobody waits for."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def connect(
    loop: asyncio.AbstractEventLoop, place: Place, local_places: Sequence[Place]
) -> socket.socket:
    """Connect to one place, from one of the local places if there are any."""
    family, where = place
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if local_places:
            bind(sock, local_places)
        await loop.sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def bind(sock: socket.socket, local_places: Sequence[Place]) -> None:
    """Bind to the first local place of the socket's family."""
    for family, where in local_places:
        if family == sock.family:
            sock.bind(where)
            return
    raise OSError(f"no local address is of the family {socket.AddressFamily(sock.family).name}")


def summary(errors: Sequence[BaseException]) -> BaseException:
    """Give the only error, or one that tells of all; its type is theirs where they agree."""
    first = errors[0]
    if len(errors) == 1 or not all(isinstance(error, OSError) for error in errors):
        return first
    numbers = {error.errno for error in errors if isinstance(error, OSError)}
    texts = dict.fromkeys(
        error.strerror or str(error) for error in errors if isinstance(error, OSError)
    )
    number = numbers.pop() if len(numbers) == 1 else None
    text = "; ".join(texts)
    return OSError(text) if number is None else OSError(number, text)
