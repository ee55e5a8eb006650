"""Subscribers of a topic, in processes of their own: some read, some never do.

The reading ones publish, too: the next message when all of them have the one before, so as fast as
everybody can take it. Every message says when it was sent, by the clock of who receives it.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.churn import ADDRESSES, HANG_SECONDS, REQUEST
from tests.soak.served import HOST

SMALL_SEGMENT = 536
SMALL_BUFFER = 4096
"""So that a line is full after some dozen KiB: on loopback a kernel holds megabytes for each."""

PONG = b"\x8a\x80\0\0\0\0"
SIGN_OF_LIFE_SECONDS = 5.0
READ_BYTES = 256 * 1024
EXTENDED_LENGTH = 126


def subscribe(port: int, number: int, path: str, *, stalls: bool = False) -> socket.socket:
    """Open a WebSocket from one of many addresses, with little room where it is not to read."""
    sock = socket.socket()
    sock.settimeout(HANG_SECONDS)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if stalls:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
    sock.bind((f"127.0.3.{1 + number % ADDRESSES}", 0))
    sock.connect((HOST, port))
    sock.sendall(REQUEST.format(path).encode())
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += sock.recv(1)
    assert received.startswith(b"HTTP/1.1 101"), received
    return sock


def frame_of(payload: bytes) -> bytes:
    """Make a binary frame of a client, with a mask that changes nothing."""
    head = struct.pack("!BBH", 0x82, 0x80 | EXTENDED_LENGTH, len(payload))
    return head + bytes(4) + payload


def keep_talking(sockets: list[socket.socket]) -> None:
    """Show signs of life: nobody is asked for them, nor cut off because he is silent."""

    def talk() -> None:
        while True:
            time.sleep(SIGN_OF_LIFE_SECONDS)
            for sock in tuple(sockets):
                with suppress(OSError):  # it was cut off
                    sock.send(PONG)

    threading.Thread(target=talk, daemon=True).start()


def stall(port: int, count: int) -> None:
    """Subscribe, say so, talk, and never read."""
    held: list[socket.socket] = []
    keep_talking(held)
    for number in range(count):
        held.append(subscribe(port, number, "/topic", stalls=True))
    print("held", flush=True)
    sys.stdin.read()
    for sock in held:
        sock.close()


class Readers:
    """Those who read everything at once.

    Args:
        sockets: theirs.
    """

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._poll = select.epoll()
        self._by_descriptor = {sock.fileno(): sock for sock in sockets}
        self._room = bytearray(READ_BYTES)
        for sock in sockets:
            sock.setblocking(False)
            self._poll.register(sock, select.EPOLLIN)

    def receive(self, size: int, sent_at: float) -> list[float]:
        """Let everybody receive a frame; give the seconds that it took each."""
        missing = dict.fromkeys(self._by_descriptor, size)
        took = []
        while missing:
            ready = self._poll.poll(HANG_SECONDS)
            assert ready, f"{len(missing)} have not received all"
            for descriptor, _ in ready:
                got = self._by_descriptor[descriptor].recv_into(self._room)
                assert got, "the server has closed the line of one who reads"
                missing[descriptor] -= got
                if not missing[descriptor]:
                    del missing[descriptor]
                    took.append(time.monotonic() - sent_at)
        return took


def read(port: int, count: int, messages: int, size: int) -> None:
    """Subscribe, say so, and on a word publish and read; tell what each message took."""
    reading: list[socket.socket] = []
    keep_talking(reading)
    for number in range(count):
        reading.append(subscribe(port, number, "/topic"))
    readers = Readers(reading)
    publisher = subscribe(port, count, "/publish")
    frame = frame_of(bytes(size))
    received_bytes = len(frame) - 4
    print("held", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    by_message = []
    for _ in range(messages):
        sent_at = time.monotonic()
        publisher.sendall(frame)
        by_message.append(readers.receive(received_bytes, sent_at))
    seconds = time.monotonic() - begun
    print(json.dumps({"seconds": seconds, "by_message": by_message}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--messages", type=int, default=0, help="to read; 0 to read nothing")
    parser.add_argument("--size", type=int, default=0, help="of a message, in bytes")
    given = parser.parse_args()
    if given.messages:
        read(given.port, given.count, given.messages, given.size)
    else:
        stall(given.port, given.count)
