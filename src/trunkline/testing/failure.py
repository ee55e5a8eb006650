"""What a test is told."""

from __future__ import annotations

from trunkline.errors import InvalidHandshake
from trunkline.protocol.http1 import Response


class Failure(AssertionError):
    """Something else happened than the test expects; the text says what."""


class Refused(InvalidHandshake):
    """A server of a test has not accepted a connection.

    Args:
        path: what was asked for.
        response: the answer.
    """

    def __init__(self, path: str, response: Response) -> None:
        self.response = response
        self.status = response.status_code
        self.reason = response.body.decode(errors="replace").strip()
        words = f": {self.reason}" if self.reason else ""
        super().__init__(f"{path} was refused with {self.status} {response.reason_phrase}{words}")
