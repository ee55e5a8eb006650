"""What the tests ask of every peer: to connect, to serve, and to converse."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from tests.interop.certificate import Certificate
from trunkline import Close, Deflate
from trunkline.limits import MIB
from trunkline.protocol.extensions import LARGEST_WINDOW

Data = str | bytes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the peer is set up.

    Args:
        subprotocols: offered or supported.
        deflate: what the peer wants of permessage-deflate.
        max_size: bytes of the largest message that the peer takes.
        hears_pongs: whether the peer will be asked to `ping()`; not all can and answer pings too.
        certificate: of the server, to serve with or to trust.
    """

    subprotocols: Sequence[str] = ()
    deflate: Deflate | None = None
    max_size: int = 2 * MIB
    hears_pongs: bool = False
    certificate: Certificate | None = None


def below_largest(bits: int) -> int | None:
    """Give the window, or `None` for the largest: there is nothing to ask for then."""
    return bits if bits < LARGEST_WINDOW else None


class Conversation(Protocol):
    """The peer's end of one connection."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol, as the peer sees it."""

    @property
    def is_compressed(self) -> bool:
        """Whether permessage-deflate was agreed on, as the peer sees it."""

    async def send(self, message: Data) -> None:
        """Send a message in one frame."""

    async def send_fragments(self, parts: Sequence[Data]) -> None:
        """Send a message with a frame for each part."""

    async def receive(self) -> Data:
        """Receive the next message."""

    async def ping(self, payload: bytes) -> bytes:
        """Send a ping, and give the payload of the pong."""

    async def close(self, code: int | None, reason: str) -> int:
        """Close, and give the code of the answer."""

    async def closed(self) -> Close:
        """Wait for the end, and give what the peer makes of it."""

    def destroy(self) -> None:
        """Let go of the socket without a word."""


class Place(Protocol):
    """A server of the peer's."""

    port: int

    async def accept(self) -> Conversation:
        """Give the next connection."""


class Peer(Protocol):
    """Another implementation, in both roles."""

    def connect(self, uri: str, settings: Settings) -> AbstractAsyncContextManager[Conversation]:
        """Connect to `uri`."""

    def serve(self, settings: Settings) -> AbstractAsyncContextManager[Place]:
        """Serve on 127.0.0.1."""
