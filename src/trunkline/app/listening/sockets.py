"""Listening sockets that outlive the processes that accept from them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import MutableMapping, Sequence
from dataclasses import replace

from trunkline.app.listening.failure import StartFailure, listen_failure
from trunkline.app.listening.place import Place
from trunkline.app.listening.systemd import forget_descriptors, passed_descriptors
from trunkline.engines.engine import Address
from trunkline.engines.listening import bind_sockets, prepare

Sockets = list[socket.socket]


def given_sockets(place: Place, environ: MutableMapping[str, str]) -> Sockets:
    """Take the sockets that somebody else has opened for this process; often there are none.

    Args:
        place: may name one.
        environ: may tell of those of systemd, and does not any more after this.

    Raises:
        StartFailure: a descriptor is not a socket of the right kind.
    """
    if place.fd is not None:
        return [inherited_socket(place.fd)]
    descriptors = passed_descriptors(environ, os.getpid())
    forget_descriptors(environ)
    return [inherited_socket(fd) for fd in descriptors]


def inherited_socket(fd: int) -> socket.socket:
    """Make an object of an inherited socket; raise `StartFailure` where it is none."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        raise StartFailure(f"descriptor {fd} is not a socket: {error.strerror}") from None
    if sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise StartFailure(f"descriptor {fd} is not a socket of streams, such as TCP's")
    sock.set_inheritable(False)
    return sock


def bind(place: Place) -> Sockets:
    """Take an address; raise `StartFailure` where it cannot be had."""
    address = Address(
        host=place.host, port=place.port, path=place.path, reuse_port=place.reuse_port
    )
    try:
        return asyncio.run(bound(address))
    except OSError as error:
        raise listen_failure(error, str(place)) from None


async def bound(address: Address) -> Sockets:
    """Bind; nothing of the loop is left after that."""
    return await bind_sockets(asyncio.get_running_loop(), address)


def bind_for_each(place: Place, count: int) -> list[Sockets]:
    """Bind one set of sockets for each of several processes, between which the kernel chooses.

    A Unix socket cannot be bound twice: there all of them have the same.

    Raises:
        StartFailure: the address cannot be had.
    """
    if place.path is not None:
        return [bind(place)] * count
    if place.port and not place.reuse_port:
        # SO_REUSEPORT would share the port with whoever has it that way, without a word.
        close_all(bind(place))
    first = bind(replace(place, reuse_port=True))
    return [first, *([twin(sock) for sock in first] for _ in range(count - 1))]


def twin(sock: socket.socket) -> socket.socket:
    """Bind another socket to the same address and port."""
    other = socket.socket(sock.family, socket.SOCK_STREAM)
    prepare(other, reuse_port=True)
    other.bind(sock.getsockname())
    return other


def close_all(sockets: Sequence[socket.socket]) -> None:
    """Close sockets."""
    for sock in sockets:
        sock.close()


def renewed(sockets: Sockets) -> Sockets:
    """Give sockets at the same addresses in place of these, at which nobody listens yet.

    The kernel sends newcomers elsewhere until then; whoever waits in the old ones is reset.
    """
    new = [twin(sock) for sock in sockets]
    close_all(sockets)
    return new


def address_of(listening: socket.socket, scheme: str) -> str:
    """Give the address at which a socket listens."""
    name = listening.getsockname()
    if not isinstance(name, tuple):
        return f"the Unix socket {name}"
    host, port = name[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
