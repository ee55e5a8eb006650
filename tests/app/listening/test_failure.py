import errno
import os
import socket

import pytest

from trunkline.app.listening.failure import StartFailure, error_words, listen_failure


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "is taken"),
        (errno.EACCES, "may not be used by this user"),
        (errno.EADDRNOTAVAIL, "is not an address of this machine"),
        (errno.ENOENT, "is in a folder that does not exist"),
        (errno.EIO, f"failed: {os.strerror(errno.EIO)}"),
    ],
)
def test_why_nobody_can_listen_is_one_sentence(number: int, words: str) -> None:
    failure = listen_failure(OSError(number, "text of the system"), "localhost:1")
    assert str(failure).startswith(f"localhost:1 {words}")


def test_a_host_that_is_not_known_is_told() -> None:
    failure = listen_failure(socket.gaierror(socket.EAI_NONAME, "unknown"), "nowhere:1")
    assert str(failure) == "the host of nowhere:1 cannot be looked up: unknown"


def test_a_path_that_is_too_long_is_told_with_the_limit() -> None:
    path = "/" + "x" * 107
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(OSError) as caught:
        sock.bind(path)
    failure = listen_failure(caught.value, path)
    assert str(failure) == f"{path} is too long for the path of a Unix socket: limit 107 bytes"


def test_an_error_without_a_number_is_told_in_its_own_words() -> None:
    assert error_words(OSError("no address to listen at"), {}) == "failed: no address to listen at"


def test_numbers_in_a_text_of_several_errors_are_found() -> None:
    error = OSError(f"Multiple exceptions: [Errno {errno.EIO}] a, [Errno {errno.EIO}] b")
    assert error_words(error, {errno.EIO: "is broken"}) == "is broken"


def test_a_failure_may_have_a_traceback_of_the_users_code() -> None:
    assert StartFailure("no", traceback="Traceback\n").traceback == "Traceback\n"
    assert StartFailure("no").traceback == ""
