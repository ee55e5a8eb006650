"""Listening sockets: bound to every address that a name or a wildcard stands for."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from trunkline.engines.engine import Address
from trunkline.engines.happy_eyeballs import Place, resolve

ANY_HOST: tuple[None] = (None,)
"""Stands for the wildcard addresses of every family."""

NO_SUCH_FAMILY = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT}
"""What `socket()` says of a family that the machine has not."""


async def bind_sockets(loop: asyncio.AbstractEventLoop, address: Address) -> list[socket.socket]:
    """Bind to a Unix socket's path, take given sockets, or bind to hosts and a port.

    Raises:
        OSError: a name is not known, or an address is taken; then nothing stays bound.
    """
    if given := given_sockets(address):
        for sock in given:
            sock.setblocking(False)
        return given
    if address.path is not None:
        return [bind_path(address.path)]
    places: dict[Place, None] = {}
    for host in hosts_of(address):
        infos = await listening_places(loop, host, address)
        places |= dict.fromkeys(infos)
    return bind_places(places, address.reuse_port)


def given_sockets(address: Address) -> list[socket.socket]:
    """Give the sockets that are bound already."""
    return list(address.shared) if address.sock is None else [address.sock]


def hosts_of(address: Address) -> Sequence[str | None]:
    """Give the hosts to listen at."""
    if address.host is None or address.host == "":
        return ANY_HOST
    return (address.host,) if isinstance(address.host, str) else tuple(address.host)


async def listening_places(
    loop: asyncio.AbstractEventLoop, host: str | None, address: Address
) -> list[Place]:
    """Look up a host; the wildcard has a place in every family."""
    if host is not None:
        return await resolve(loop, host, address.port, address.family)
    infos = await loop.getaddrinfo(
        None, address.port, family=address.family, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return [(family, place) for family, _, _, _, place in infos]


def bind_places(places: Iterable[Place], reuse_port: bool | None) -> list[socket.socket]:
    """Bind to every place, or to none."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(sock) for sock in map_bound(places, reuse_port)]
        if not sockets:
            raise OSError("no address to listen at")
        stack.pop_all()
    return sockets


def map_bound(places: Iterable[Place], reuse_port: bool | None) -> Iterable[socket.socket]:
    """Bind to one place after the other; a family that this machine has not is left out."""
    for family, place in places:
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            # Without descriptors, say, nobody would know that half of the places are not served.
            if error.errno not in NO_SUCH_FAMILY:
                raise
            continue
        try:
            prepare(sock, reuse_port)
            bind(sock, place, place[:2])
        except BaseException:
            sock.close()
            raise
        yield sock


def bind(sock: socket.socket, place: Any, name: object) -> None:
    """Bind, or say where that failed."""
    try:
        sock.bind(place)
    except OSError as error:
        why = error.strerror or error
        raise OSError(error.errno, f"cannot listen at {name!r}: {why}") from None


def prepare(sock: socket.socket, reuse_port: bool | None) -> None:
    """Let a restarted server have its port back, and each family be bound by itself."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)


def bind_path(path: str) -> socket.socket:
    """Bind to a Unix socket, in the place of one that somebody left behind."""
    assert sys.platform != "win32"
    with suppress(FileNotFoundError):
        if is_left_behind(path):
            os.remove(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        bind(sock, path, path)
    except BaseException:
        sock.close()
        raise
    return sock


def is_left_behind(path: str) -> bool:
    """Whether there is a Unix socket at which nobody listens any more.

    Raises:
        FileNotFoundError: there is nothing.
    """
    assert sys.platform != "win32"
    if path.startswith("\0") or not stat.S_ISSOCK(os.stat(path).st_mode):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.setblocking(False)  # with a full backlog somebody listens, too
        return visitor.connect_ex(path) == errno.ECONNREFUSED
