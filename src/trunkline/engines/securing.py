"""The TLS handshake on a native stream, whose receiver it is meanwhile."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable

from trunkline.engines.engine import Receiver, Tls
from trunkline.engines.timers import Timer, TimerWheel
from trunkline.native import tls as native_tls
from trunkline.native.stream import Stream

logger = logging.getLogger("trunkline.engine")

HANDSHAKE_TIMEOUT = 60.0
"""Seconds for a handshake where nothing else is said, as in asyncio."""


class Securing:
    """Does the handshake, as the receiver of the stream, and lays TLS over it.

    Whoever was the receiver before is it again in the end, and hears of a loss.

    Args:
        stream: open.
        tls: how to secure it.
        timers: keep the deadline.
        is_server: which side this is.
        when_done: called once, with what went wrong; the stream is lost in that case.
        received: bytes of the peer's that were read before.
    """

    def __init__(
        self,
        stream: Stream,
        tls: Tls,
        timers: TimerWheel,
        *,
        is_server: bool,
        when_done: Callable[[Exception | None], None],
        received: bytes = b"",
    ) -> None:
        self._stream = stream
        self._tls = tls
        self._when_done = when_done
        self._is_done = False
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        hostname = None if is_server else tls.server_hostname or None
        self._ssl_object = wrap(tls.context, self._incoming, self._outgoing, is_server, hostname)
        timeout = tls.handshake_timeout
        self._seconds = HANDSHAKE_TIMEOUT if timeout is None else timeout
        self._timer: Timer = timers.call_in(self._seconds, self._time_out)
        self._before: Receiver | None = stream.receiver
        stream.receiver = self
        self._incoming.write(received)
        self._proceed()

    # Called by the stream

    def bytes_received(self, data: bytes) -> None:
        """Take the next step."""
        # What arrives behind a failure means nothing.
        if not self._is_done:
            self._incoming.write(data)
            self._proceed()

    def end_received(self) -> None:
        """The peer has gone in the middle of the handshake."""
        self._fail(ConnectionResetError("the peer ended the stream during the TLS handshake"))

    def writing_resumed(self) -> None:
        """A handshake is short."""

    def stream_lost(self, error: Exception | None) -> None:
        """The stream has gone in the middle of the handshake."""
        self._fail(error or ConnectionResetError("the stream was lost during the TLS handshake"))

    def _proceed(self) -> None:
        try:
            self._ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            self._stream.write(self._outgoing.read())
        except Exception as error:
            # An alert tells the peer why.
            self._stream.write(self._outgoing.read())
            self._fail(error)
        else:
            self._succeed()

    def _succeed(self) -> None:
        native_tls.secure(
            self._stream, self._tls.context, self._ssl_object, self._incoming, self._outgoing
        )
        self._finish(None)

    def _time_out(self) -> None:
        self._fail(ConnectionAbortedError(f"no TLS handshake within {self._seconds} s"))

    def _fail(self, error: Exception) -> None:
        if not self._is_done:
            logger.debug("the TLS handshake failed: %s", error)
            native_tls.fail(self._stream, error)
            self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        self._is_done = True
        self._timer.cancel()
        if self._before is not None:
            self._give_back(self._before, error)
        self._when_done(error)

    def _give_back(self, receiver: Receiver, error: Exception | None) -> None:
        self._stream.receiver = receiver
        # The loss was told to this object, and is told once.
        if self._stream.is_lost:
            receiver.stream_lost(error)


def wrap(
    context: ssl.SSLContext,
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    is_server: bool,
    hostname: str | None,
) -> ssl.SSLObject:
    """Make the object that does the handshake; it refuses to do it again (RFC 5746)."""
    options = context.options
    # An object takes its options from its context, and only there are they at hand.
    context.options = options | ssl.OP_NO_RENEGOTIATION
    try:
        return context.wrap_bio(incoming, outgoing, server_side=is_server, server_hostname=hostname)
    finally:
        context.options = options
