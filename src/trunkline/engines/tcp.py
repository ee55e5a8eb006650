"""What servers and clients ask of TCP; other sockets are left alone."""

from __future__ import annotations

import socket
from contextlib import suppress

from trunkline.limits import NOT_SENT

TCP_NOTSENT_LOWAT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)
"""Linux and macOS have it."""


def switch_nagle_off(sock: socket.socket) -> None:
    """Let small writes leave at once; what a listening socket accepts inherits it."""
    set_option(sock, socket.TCP_NODELAY, True)


def limit_unsent(sock: socket.socket, size: int = NOT_SENT) -> None:
    """Let unsent bytes wait here and not in the kernel; what is accepted inherits it."""
    if TCP_NOTSENT_LOWAT is not None:
        set_option(sock, TCP_NOTSENT_LOWAT, size)


def set_option(sock: socket.socket, option: int, value: int) -> None:
    """Set an option of TCP, where the socket speaks that."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):  # the peer may have reset the connection
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
