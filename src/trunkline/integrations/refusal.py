"""The answer to a client that does not become a connection."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.connection.setting import Setting
from trunkline.engines.engine import Stream
from trunkline.engines.timers import Timer
from trunkline.errors import RequestRefused
from trunkline.limits import LINGER
from trunkline.protocol.http1 import Response, make_response


class Refusal(Timer):
    """Sends a response and ends the stream such that it is read: unread bytes would reset it.

    Args:
        setting: of connections; its `when_lost` is called with `None`.
        stream: is let go of.
        response: says why.
    """

    __slots__ = ("_setting", "_stream")

    def __init__(self, setting: Setting, stream: Stream, response: Response) -> None:
        super().__init__()
        self._setting = setting
        self._stream = stream
        setting.engine.timers.set(self, LINGER)
        stream.receiver = self
        stream.write(response.serialize())
        stream.resume_reading()
        stream.end_writing()

    def bytes_received(self, data: bytes) -> None:
        """Nobody asked for these."""

    def end_received(self) -> None:
        """The client has read the answer, or does not want to."""
        self._stream.close()

    def writing_resumed(self) -> None:
        """There is nothing else to send."""

    def stream_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self.cancel()
        tell_loss(self._setting)

    def fire(self) -> None:
        """Called by the timer wheel: the client stays."""
        self._stream.abort()

    def shut_down(self) -> None:
        """The client has been told to leave."""


def tell_loss(setting: Setting) -> None:
    """Tell that a stream is lost that was no connection."""
    if setting.when_lost is not None:
        setting.when_lost(None)


def refusal_of(refused: RequestRefused, default_headers: Iterable[tuple[bytes, bytes]]) -> Response:
    """Make the response: a status and one line.

    Args:
        refused: says why.
        default_headers: of every answer of this server.
    """
    response = make_response(refused.status, refused.reason + "\n", refused.headers)
    for name, value in default_headers:
        response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
    # RFC 9110 §7.8: whoever sends Upgrade names it in Connection
    if "Upgrade" in response.headers:
        response.headers["Connection"] = "close, Upgrade"
    return response
