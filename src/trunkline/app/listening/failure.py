"""Why an application cannot be started, in one sentence."""

from __future__ import annotations

import errno
import os
import re
import socket

from trunkline.errors import TrunklineError

# asyncio puts the errors of several addresses into one text, and their numbers are lost otherwise
ERROR_NUMBER = re.compile(r"\[Errno (\d+)\]")

TOO_LONG = "path too long"
"""What Python says by itself of the path of a Unix socket, without a number."""

LISTEN_PROBLEMS = {
    errno.EADDRINUSE: "is taken; choose another place, or the port 0 for a free one",
    errno.EACCES: "may not be used by this user",
    errno.EADDRNOTAVAIL: "is not an address of this machine",
    errno.ENOENT: "is in a folder that does not exist",
}


class StartFailure(TrunklineError):
    """It cannot be started; the text says why in one sentence.

    Args:
        text: for the user.
        traceback: what goes before it, where the user's own code failed.
    """

    def __init__(self, text: str, *, traceback: str = "") -> None:
        super().__init__(text)
        self.traceback = traceback


def listen_failure(error: OSError, place: str) -> StartFailure:
    """Explain why nobody can listen at `place`."""
    if isinstance(error, socket.gaierror):
        return StartFailure(f"the host of {place} cannot be looked up: {error.strerror}")
    if TOO_LONG in str(error):
        return StartFailure(f"{place} is too long for the path of a Unix socket: limit 107 bytes")
    return StartFailure(f"{place} {error_words(error, LISTEN_PROBLEMS)}")


def error_words(error: OSError, words: dict[int, str]) -> str:
    """Give the words for an error: ours, or else those of the operating system."""
    numbers = {int(number) for number in ERROR_NUMBER.findall(str(error))}
    number = error.errno if error.errno is not None else min(numbers, default=None)
    if number is None:
        return f"failed: {error}"
    return words.get(number, f"failed: {os.strerror(number)}")
