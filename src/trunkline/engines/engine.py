"""What an engine is: streams, listeners and timers.

One engine serves one event loop, and everything of it is used on that loop's thread only. Bytes
leave a stream in the order in which they were written. A receiver is told of the loss of its
stream exactly once, last, and never from inside a call that it makes itself.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline.engines.timers import TimerWheel
from trunkline.errors import UsageError


class Receiver(Protocol):
    """Takes what happens on a stream."""

    def bytes_received(self, data: bytes) -> None:
        """Some bytes arrived."""

    def end_received(self) -> None:
        """The peer will send nothing more."""

    def writing_resumed(self) -> None:
        """The unsent bytes have fallen below low water."""

    def stream_lost(self, error: Exception | None) -> None:
        """The stream is gone, by `error` or in peace; told again where it raises `MemoryError`."""


class Stream(Protocol):
    """One connection of bytes, plain or TLS."""

    receiver: Receiver

    last_heard: float
    """When bytes last arrived, in seconds on the engine's clock."""

    @property
    def has_ended(self) -> bool:
        """Whether a receiver was told that the peer will send nothing more."""

    @property
    def is_lost(self) -> bool:
        """Whether a receiver was told that the stream is gone."""

    @property
    def unsent(self) -> int:
        """Bytes that were written and have not left."""

    @property
    def sent(self) -> int:
        """Bytes that have left, modulo some large number; nothing once the stream is lost."""

    @property
    def is_reading_paused(self) -> bool:
        """Whether the peer waits: nothing is received until `resume_reading()`."""

    @property
    def is_writing_paused(self) -> bool:
        """Whether the unsent bytes have passed high water and not fallen below low water since."""

    @property
    def is_held_up(self) -> bool:
        """Whether what was written waits for the peer, and not only for its turn."""

    def write(self, data: bytes) -> None:
        """Send `data`, now or later; drop it after `end_writing()` or the loss of the stream."""

    def cork(self) -> None:
        """Hold back what is written until `uncork()`, to send it at once."""

    def uncork(self) -> None:
        """Send what was held back."""

    def gather(self) -> None:
        """Hold back what is written for a moment, to send it at once."""

    def limit_unsent(self, size: int) -> None:
        """Have the kernel take no more than so many bytes that it cannot send yet, if it can."""

    def pause_early(self) -> None:
        """Be above high water already, if what was written waits for the peer."""

    def pause_reading(self) -> None:
        """Let the peer wait: receive nothing until `resume_reading()`."""

    def resume_reading(self) -> None:
        """Receive again."""

    def end_writing(self) -> None:
        """Tell the peer, after what is unsent, that nothing more will come; go on reading."""

    def close(self) -> None:
        """Send what is unsent, then let go."""

    def abort(self) -> None:
        """Let go at once."""

    def get_extra_info(self, name: str) -> Any:
        """Give `peername`, `sockname`, `socket`, `ssl_object` and the like, or `None`."""


class Listener(Protocol):
    """Sockets that accept connections."""

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The listening sockets."""

    async def start(self) -> None:
        """Begin to accept; nothing happens when that has begun."""

    def close(self) -> None:
        """Accept no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to connect to, or to listen at: `path` of a Unix socket, `sock`, or host and port.

    `shared` are sockets to listen at that other processes have, too: what they are bound to stays
    when this process lets go of them.
    """

    host: str | Sequence[str] | None = None
    port: int | None = None
    path: str | None = None
    sock: socket.socket | None = None
    family: int = 0
    local_addr: tuple[str, int] | None = None
    reuse_port: bool | None = None
    shared: Sequence[socket.socket] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to secure a stream; `handshake_timeout` in seconds."""

    context: ssl.SSLContext
    server_hostname: str | None = None
    handshake_timeout: float | None = None


class Engine(Protocol):
    """Makes streams, and keeps their time."""

    loop: asyncio.AbstractEventLoop
    timers: TimerWheel
    owners: Callable[[], Iterator[object]] | None
    """Gives what its streams are for, as far as it hears of that; `None` where it does not."""

    @property
    def idle_descriptors(self) -> int:
        """How many descriptors the loop watches for it by which nothing can come at present."""

    def close(self) -> None:
        """Let go of everything, once the loop is closed; nobody is told."""

    def now(self) -> float:
        """Give the time in seconds, on a clock that never jumps."""

    def poll_busily(self, seconds: float) -> None:
        """Look for the next message for so long before the loop sleeps, where that can be done."""

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call `callback` when what is ready now has been handled; an exception is logged."""

    async def connect(
        self, address: Address, receiver: Receiver, *, tls: Tls | None, write_limit: int
    ) -> Stream:
        """Open a stream; raise `OSError` where that fails."""

    async def listen(
        self,
        address: Address,
        accept: Callable[[Stream], Receiver],
        *,
        tls: Tls | None,
        write_limit: int,
    ) -> Listener:
        """Bind, and call `accept` for each stream once the listener is started."""

    def adopt(
        self,
        transport: asyncio.Transport,
        accept: Callable[[Stream], Receiver],
        *,
        write_limit: int,
    ) -> None:
        """Take over a transport that somebody else has made, and call `accept` for its stream.

        Args:
            transport: of the running loop; its reading is paused, and its protocol hears of
                nothing any more. Whoever made it does not touch it again.
            accept: gives the stream, which is paused, its receiver.
            write_limit: high water in bytes.
        """

    async def start_tls(self, stream: Stream, tls: Tls) -> None:
        """Secure an open stream, as its client; raise `OSError` where that fails."""

    def answer_tls(
        self, stream: Stream, tls: Tls, received: bytes, when_secure: Callable[[], None]
    ) -> None:
        """Secure an open stream, as its server; where that fails, the stream is lost by an error.

        Its receiver hears of nothing but a loss until `when_secure` has been called.

        Args:
            stream: whose client begins the handshake, or has.
            tls: how to secure it.
            received: bytes of the handshake that its receiver has been told already.
            when_secure: called once; what is written from then on is encrypted. Where it raises,
                the stream is aborted, and that is logged.
        """


def elsewhere(call: str) -> UsageError:
    """Make the error of a call that came while another loop ran than that of its connections.

    Args:
        call: its name.
    """
    return UsageError(
        f"{call} was called outside of the event loop of its connections;"
        " another thread has it called with loop.call_soon_threadsafe()"
    )
