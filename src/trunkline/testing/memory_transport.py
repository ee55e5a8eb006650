"""One end of a line in memory, as an asyncio transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from trunkline.engines.asyncio_securing import feed
from trunkline.limits import LINE_READ, LOW_WATER_DIVISOR
from trunkline.testing.course import END, Course, Piece


def reset_error(why: str) -> ConnectionResetError:
    """Make what a stream is lost by where its peer is not there any more."""
    return ConnectionResetError(f"connection reset: {why}")


class MemoryTransport(asyncio.Transport):
    """Writes into one course of a line, and reads from the other.

    As a socket it ends in peace only if everything that had arrived was read; otherwise, and
    where bytes come for an end that is gone, the peer's end is reset.

    Args:
        loop: calls the protocol.
        out: takes what is written.
        names: `peername`, `sockname` and the like.
        when_lost: called when this end is gone.
    """

    _start_tls_compatible = True
    """What asyncio asks a transport before it lays TLS over it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        out: Course,
        into: Course,
        names: Mapping[str, Any],
        when_lost: Callable[[], None],
    ) -> None:
        super().__init__(dict(names))
        self._loop = loop
        self._out, self._in = out, into
        out.sender, into.sink = self, self
        self._when_lost = when_lost
        self._protocol: asyncio.BaseProtocol | None = None
        self._high, self._low = 64 * 1024, 16 * 1024
        self._unsent = bytearray()
        self._is_writing_paused = False
        self._has_written_eof = False
        self._received = bytearray()
        self._has_end_arrived = False
        self._is_end_told = False
        self._is_reading_paused = False
        self._is_delivery_due = False
        self._is_closing = False
        self.is_lost = False

    # The protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell `protocol` from now on."""
        self._protocol = protocol
        self._deliver_soon()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Give who is told."""
        assert self._protocol is not None
        return self._protocol

    def _call(self, method: Callable[..., object], *args: object) -> None:
        """Tell the protocol; where that fails, it is logged, and this end is lost."""
        try:
            method(*args)
        except Exception as error:
            message = "Fatal error: a protocol failed"
            context = {"message": message, "exception": error, "transport": self}
            self._loop.call_exception_handler(context)
            self._force_close(error)

    # Writing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set high and low water, in bytes."""
        assert high is not None
        self._high, self._low = high, high // LOW_WATER_DIVISOR if low is None else low
        self._watch_water()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Give low and high water, in bytes."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """Give the bytes for which there is no room in the course."""
        return len(self._unsent)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`, now or when there is room."""
        if self._is_closing or not data:
            return
        self._unsent += data
        self._pump()
        self._watch_water()

    def can_write_eof(self) -> bool:
        """One direction can end before the other."""
        return True

    def write_eof(self) -> None:
        """End this direction behind what is unsent."""
        self._has_written_eof = True
        if not self._unsent:
            self._out.send(END)

    def room_made(self) -> None:
        """Send what has waited for room."""
        self._pump()
        if self._is_writing_paused and len(self._unsent) <= self._low and not self.is_lost:
            self._is_writing_paused = False
            self._call(cast(asyncio.Protocol, self._protocol).resume_writing)

    def _watch_water(self) -> None:
        if len(self._unsent) > self._high and not self._is_writing_paused:
            self._is_writing_paused = True
            self._call(cast(asyncio.Protocol, self._protocol).pause_writing)

    def _pump(self) -> None:
        room = self._out.room
        if not self._unsent or room <= 0:
            return
        piece = bytes(memoryview(self._unsent)[:room])
        del self._unsent[:room]
        self._out.send(piece)
        if not self._unsent:
            self._all_sent()

    def _all_sent(self) -> None:
        if self._is_closing:
            self._lose_soon(None)
        elif self._has_written_eof:
            self._out.send(END)

    # Reading

    @property
    def unread(self) -> int:
        """Bytes that have arrived and have not been read."""
        return len(self._received)

    def arrived(self, piece: Piece) -> None:
        """Take what has come along the line."""
        if isinstance(piece, OSError):
            self.reset(piece)
        elif self.is_lost:
            if piece != END:
                self._out.send(reset_error("the peer has let go of the stream"))
        else:
            self._received += piece
            self._has_end_arrived |= piece == END
            self._deliver_soon()

    def is_reading(self) -> bool:
        """Whether what arrives is delivered."""
        return not (self._is_reading_paused or self._is_closing or self._protocol is None)

    def pause_reading(self) -> None:
        """Deliver nothing until `resume_reading()`."""
        self._is_reading_paused = True

    def resume_reading(self) -> None:
        """Deliver again."""
        self._is_reading_paused = False
        self._deliver_soon()

    def _deliver_soon(self) -> None:
        has_something = self._received or (self._has_end_arrived and not self._is_end_told)
        if has_something and self.is_reading() and not self._is_delivery_due:
            self._is_delivery_due = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._is_delivery_due = False
        if not self.is_reading():
            return
        if self._received:
            piece = bytes(memoryview(self._received)[:LINE_READ])
            del self._received[:LINE_READ]
            self._call(self._hand_on, piece)
            self._in.was_read()
        else:
            self._is_end_told = True
            self._call(self._hand_on_end)
        self._deliver_soon()

    def _hand_on(self, piece: bytes) -> None:
        protocol = self._protocol
        if isinstance(protocol, asyncio.BufferedProtocol):
            feed(protocol, piece)
        else:
            cast(asyncio.Protocol, protocol).data_received(piece)

    def _hand_on_end(self) -> None:
        if not cast(asyncio.Protocol, self._protocol).eof_received():
            self.close()

    # Ending

    def is_closing(self) -> bool:
        """Whether this end is gone or on its way."""
        return self._is_closing

    def close(self) -> None:
        """Send what is unsent, then let go."""
        if not self._is_closing:
            self._is_closing = True
            if not self._unsent:
                self._lose_soon(None)

    def abort(self) -> None:
        """Let go at once."""
        self._force_close(None)

    def reset(self, error: OSError) -> None:
        """Let go at once, by an error of the line."""
        self._force_close(error)

    def _force_close(self, error: Exception | None) -> None:
        self._is_closing = True
        self._unsent.clear()
        self._lose_soon(error)

    def _lose_soon(self, error: Exception | None) -> None:
        self._loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        self._part()
        protocol, self._protocol = self._protocol, None
        self._when_lost()
        # Nobody where the line was never accepted
        if protocol is not None:
            protocol.connection_lost(error)

    def _part(self) -> None:
        """Let the peer know, as a kernel would."""
        if self._received:
            self._received.clear()
            self._out.send(reset_error("the peer has left bytes unread"))
        elif not self._has_written_eof:
            self._out.send(END)
