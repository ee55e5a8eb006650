"""Connect, echo and leave, in every way, very often; the server must stay as it was.

`python tests/soak/churn.py --engine native` makes 200,000 connections.
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.served import HANDLERS, HOST, Served, served

CONNECTIONS = 200_000
WARM_UP_PART = 5
"""One in so many connections fills caches and arenas before memory is looked at."""
ALLOWED_BYTES = 1024 * 1024
"""Growth of memory that says nothing."""
ALLOWED_BYTES_PER_CONNECTION = 8
"""Less than the smallest object that could be left."""
SLOW_PART = 200
"""One in so many lets the server wait until its patience ends."""
ADDRESSES = 200
"""Local addresses that take turns: each has its own ports, which rest for a minute after use."""
OPEN_SECONDS = 0.4
"""How patient the server is: longer than a busy machine takes for whoever wants to be served."""
HANG_SECONDS = 60.0
NO_LINGER = struct.pack("ii", 1, 0)

REQUEST = (
    "GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
HELLO = b"\x81\x85\0\0\0\0hello"
HELLO_BACK = b"\x81\x05hello"
GOODBYE = b"\x88\x82\0\0\0\0\x03\xe8"
GOODBYE_BACK = b"\x88\x02\x03\xe8"


@contextmanager
def connected(port: int, number: int) -> Iterator[socket.socket]:
    """Connect from one of many local addresses."""
    with socket.socket() as sock:
        sock.settimeout(HANG_SECONDS)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((f"127.0.1.{1 + number % ADDRESSES}", 0))
        sock.connect((HOST, port))
        yield sock


def open_and_echo(sock: socket.socket) -> None:
    """Open a connection, and have a message sent back."""
    sock.sendall(REQUEST.format("/").encode())
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += receive(sock)
    assert received.startswith(b"HTTP/1.1 101"), received
    sock.sendall(HELLO)
    expect(sock, HELLO_BACK)


def receive(sock: socket.socket) -> bytes:
    """Receive something."""
    data = sock.recv(4096)
    assert data, "the server has closed the connection"
    return data


def expect(sock: socket.socket, wanted: bytes) -> None:
    """Receive exactly this."""
    received = b""
    while len(received) < len(wanted):
        received += receive(sock)
    assert received == wanted, received


def drain(sock: socket.socket) -> bytes:
    """Receive everything until the end."""
    pieces = []
    while data := sock.recv(4096):
        pieces.append(data)
    return b"".join(pieces)


def leave_cleanly(sock: socket.socket) -> None:
    open_and_echo(sock)
    sock.sendall(GOODBYE)
    expect(sock, GOODBYE_BACK)
    assert drain(sock) == b""


def reset(sock: socket.socket) -> None:
    open_and_echo(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)


def end_without_a_word(sock: socket.socket) -> None:
    open_and_echo(sock)
    sock.shutdown(socket.SHUT_WR)
    assert drain(sock) == b""


def break_a_rule(sock: socket.socket) -> None:
    open_and_echo(sock)
    sock.sendall(b"\xff\xff")
    assert drain(sock).startswith(b"\x88")


def be_refused(sock: socket.socket) -> None:
    sock.sendall(REQUEST.format("/refused").encode())
    assert drain(sock).startswith(b"HTTP/1.1 403")


def talk_nonsense(sock: socket.socket) -> None:
    sock.sendall(b"nonsense\r\n\r\n")
    assert drain(sock).startswith(b"HTTP/1.1 400")


def say_nothing(sock: socket.socket) -> None:
    """Leave at once."""


def reset_while_asking(sock: socket.socket) -> None:
    sock.sendall(REQUEST.format("/").encode())
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)


def wait_for_the_timeout(sock: socket.socket) -> None:
    sock.sendall(b"GET / HTTP/1.1\r\n")
    assert drain(sock).startswith(b"HTTP/1.1 408")


WAYS: tuple[Callable[[socket.socket], None], ...] = (
    leave_cleanly,
    reset,
    end_without_a_word,
    break_a_rule,
    be_refused,
    talk_nonsense,
    say_nothing,
    reset_while_asking,
)


def visit(server: Served, count: int) -> None:
    """Connect `count` times, in every way in turn."""
    for number in range(count):
        with connected(server.port, number) as sock:
            is_slow = number % SLOW_PART == SLOW_PART - 1
            way = wait_for_the_timeout if is_slow else WAYS[number % len(WAYS)]
            way(sock)


def until_descriptors(server: Served, count: int) -> None:
    """Wait until the server has let go of everybody."""
    hang = time.monotonic() + HANG_SECONDS
    while server.descriptors() > count:
        assert time.monotonic() < hang, f"{server.descriptors()} descriptors, {count} before"
        time.sleep(0.01)


def churn(engine: str, handler: str, count: int, open_timeout: float) -> int:
    """Visit a server, and give the bytes by which it has grown since it was warm.

    Raises:
        AssertionError: it has grown, or has not closed something.
    """
    with served(engine, handler, "--open-timeout", str(open_timeout)) as server:
        with connected(server.port, 0) as sock:
            leave_cleanly(sock)
        before = server.descriptors()
        visit(server, count // WARM_UP_PART)
        until_descriptors(server, before)
        warm = server.resident_bytes()
        visit(server, count)
        until_descriptors(server, before)
        growth = server.resident_bytes() - warm
    allowed = ALLOWED_BYTES + ALLOWED_BYTES_PER_CONNECTION * count
    assert growth <= allowed, f"memory grew by {growth:,} bytes, allowed {allowed:,}"
    return growth


def main() -> None:
    """Visit servers with every kind of handler."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("asyncio", "native"), default="native")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    arguments = parser.parse_args()
    count = arguments.connections // len(HANDLERS)
    for handler in HANDLERS:
        begun = time.monotonic()
        growth = churn(arguments.engine, handler, count, OPEN_SECONDS)
        seconds = time.monotonic() - begun
        print(
            f"{arguments.engine}, {handler}: {count:,} connections in {seconds:.0f} s, "
            f"no descriptor left, memory {growth:+,} bytes",
            flush=True,
        )


if __name__ == "__main__":
    main()
