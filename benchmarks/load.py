"""The load of the echo benchmark: many connections, some messages under way on each."""

from __future__ import annotations

import base64
import os
import selectors
import socket
import time
from dataclasses import dataclass

from trunkline.protocol.frames import encode_frame
from trunkline.protocol.opcodes import Opcode

RECEIVE_BYTES = 256 * 1024
CLOSE_TIMEOUT = 10.0
"""Seconds for a server to end a connection."""
WARM_UP = 0.2
"""Seconds of load before the clock starts."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How much is asked of a server: `size` in bytes, `depth` messages under way at once."""

    connections: int
    depth: int
    size: int

    def __str__(self) -> str:
        return f"{self.connections} connections x {self.depth} x {self.size} B"


class Client:
    """One connection that sends a batch, waits for its echo, and sends it again."""

    def __init__(self, port: int, scenario: Scenario) -> None:
        payload = os.urandom(scenario.size)
        frame = encode_frame(Opcode.BINARY, payload, mask_key=os.urandom(4))
        self._batch = frame * scenario.depth
        self._expected = encode_frame(Opcode.BINARY, payload) * scenario.depth
        self._received = bytearray()
        self._unsent = memoryview(b"")
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open(port)
        self.socket.setblocking(False)

    def _open(self, port: int) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        if not answer.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(f"the server did not open the connection: {answer!r}")

    def send_batch(self) -> bool:
        """Send the batch; say whether all of it is on its way."""
        self._unsent = memoryview(self._batch)
        return self.send_rest()

    def send_rest(self) -> bool:
        """Send what is left of the batch; say whether all of it is on its way."""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return False
        return not self._unsent

    def receive(self) -> bool:
        """Receive; say whether the whole echo is there."""
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise RuntimeError("the server closed a connection")
        self._received += data
        if len(self._received) < len(self._expected):
            return False
        if self._received != self._expected:
            raise RuntimeError("the echo differs from what was sent")
        self._received.clear()
        return True

    def close(self) -> None:
        """Wait for the echo that is under way, say goodbye, and wait for the end of the stream."""
        with self.socket:
            self.socket.settimeout(CLOSE_TIMEOUT)
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
            while not self.receive():
                pass
            self.socket.sendall(encode_frame(Opcode.CLOSE, b"", mask_key=os.urandom(4)))
            while self.socket.recv(RECEIVE_BYTES):
                pass


def cpu_seconds(pid: int) -> float:
    """Give the processor time of a process so far, user and kernel."""
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round measured: messages per second, and CPU microseconds for each."""

    rate: float
    cpu: float


def run(port: int, pid: int, scenario: Scenario, seconds: float) -> Figures:
    """Load the server for some seconds.

    Args:
        port: where it listens.
        pid: its process, for the CPU time.
        scenario: how much to ask.
        seconds: for how long to measure.
    """
    clients = [Client(port, scenario) for _ in range(scenario.connections)]
    selector = selectors.DefaultSelector()
    for client in clients:
        events = selectors.EVENT_READ | (0 if client.send_batch() else selectors.EVENT_WRITE)
        selector.register(client.socket, events, client)
    try:
        turn(selector, time.perf_counter() + WARM_UP)
        cpu, start = cpu_seconds(pid), time.perf_counter()
        batches = turn(selector, start + seconds)
        elapsed, cpu = time.perf_counter() - start, cpu_seconds(pid) - cpu
    finally:
        for client in clients:
            client.close()
    messages = batches * scenario.depth
    return Figures(rate=messages / elapsed, cpu=cpu * 1e6 / max(messages, 1))


def turn(selector: selectors.BaseSelector, deadline: float) -> int:
    """Echo until the deadline; give the number of batches that came back."""
    batches = 0
    while time.perf_counter() < deadline:
        for key, mask in selector.select(timeout=0.1):
            client: Client = key.data
            if mask & selectors.EVENT_WRITE and client.send_rest():
                selector.modify(client.socket, selectors.EVENT_READ, client)
            if mask & selectors.EVENT_READ and client.receive():
                batches += 1
                if not client.send_batch():
                    both = selectors.EVENT_READ | selectors.EVENT_WRITE
                    selector.modify(client.socket, both, client)
    return batches
