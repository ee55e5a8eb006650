"""The supervisor's end of the connection with one worker."""

from __future__ import annotations

import socket
from typing import Any

from trunkline.app.running.workers.message import Lines, Message, Say, encode

BYTES_READ = 64 * 1024


class Channel:
    """Sends without waiting, and gives what has come.

    Args:
        sock: one end of a socket pair.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._lines = Lines()
        self._unsent = bytearray()
        self.is_over = False
        """Whether the worker has let go of its end."""

    def fileno(self) -> int:
        """Give the descriptor to wait for."""
        return self._sock.fileno()

    @property
    def has_unsent(self) -> bool:
        """Whether something waits for the worker to read."""
        return bool(self._unsent)

    def tell(self, say: Say, **what: Any) -> None:
        """Say something to the worker."""
        self._unsent += encode(say, **what)
        self.flush()

    def flush(self) -> None:
        """Send what can be sent; what a worker that has gone was to hear is forgotten."""
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()

    def receive(self) -> list[Message]:
        """Give what has come."""
        messages: list[Message] = []
        try:
            while data := self._sock.recv(BYTES_READ):
                messages += self._lines.feed(data)
        except BlockingIOError:
            return messages
        except OSError:
            pass
        self.is_over = True
        return messages

    def close(self) -> None:
        """Let go."""
        self._sock.close()
