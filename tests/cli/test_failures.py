import errno
import socket
import ssl

import pytest

from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure, connect_failure, in_one_line
from trunkline.errors import InvalidMessage, InvalidProxy, InvalidURI
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Response
from trunkline.protocol.refusals import InvalidProxyStatus, InvalidStatus

PLACE = "wss://a.example/"


def certificate_error(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def tls_error(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL] something (_ssl.c:1)")
    error.reason = reason  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    ("uri", "hint"),
    [
        ("http://a.example/b", "; try ws://a.example/b"),
        ("HTTPS://a.example/b", "; try wss://a.example/b"),
        ("a.example", "; try ws://a.example"),
        ("a.example/b?c=d", "; try ws://a.example/b?c=d"),
        ("localhost:8765/b", "; try ws://localhost:8765/b"),
        ("localhost:8765", "; try ws://localhost:8765"),
        ("//a.example/b", "; try ws://a.example/b"),
        ("ftp://a.example/b", ""),
        ("ws://", ""),
        ("mailto:a@example", ""),
    ],
)
def test_a_wrong_address_comes_with_a_guess(uri: str, hint: str) -> None:
    failure = connect_failure(InvalidURI(uri, "it is wrong"), uri)
    assert str(failure) == f"{uri!r} is not a WebSocket address: it is wrong{hint}"
    assert failure.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    "error", [InvalidProxy("x", "it has no host"), ValueError("no such thing")]
)
def test_what_cannot_be_meant_is_wrong_usage(error: Exception) -> None:
    failure = connect_failure(error, PLACE)
    assert (str(failure), failure.exit_code) == (str(error), ExitCode.USAGE)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            InvalidStatus(Response(403, "Forbidden", body=b"go away\nnow")),
            "the server answered 403 Forbidden: go away",
        ),
        (
            InvalidStatus(Response(300, "Choices", Headers({"Location": "https://b/"}))),
            "the server answered 300 Choices (Location: https://b/)",
        ),
        (
            InvalidProxyStatus(Response(407, "Authentication Required")),
            "the proxy answered 407 Authentication Required (--no-proxy goes without)",
        ),
        (InvalidMessage("not HTTP"), "not HTTP"),
        (
            certificate_error(10, "certificate has expired"),
            "the certificate of wss://a.example/ has expired (--insecure does not check it)",
        ),
        (
            certificate_error(62, "Hostname mismatch, certificate is not valid for 'a.example'."),
            "the certificate of wss://a.example/ is for another name: Hostname mismatch, "
            "certificate is not valid for 'a.example' (--insecure does not check it)",
        ),
        (
            certificate_error(23, "certificate revoked"),
            "the certificate of wss://a.example/ is not trusted: certificate revoked "
            "(--ca FILE trusts it, --insecure does not check it)",
        ),
        (
            tls_error("WRONG_VERSION_NUMBER"),
            "wss://a.example/ does not speak TLS; it may be a ws:// address",
        ),
        (
            tls_error("SSLV3_ALERT_HANDSHAKE_FAILURE"),
            "TLS with wss://a.example/ failed: sslv3 alert handshake failure",
        ),
        (tls_error(None), "TLS with wss://a.example/ failed: [SSL] something (_ssl.c:1)"),
        (
            ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer ended TLS without close_notify"),
            "TLS with wss://a.example/ failed: the peer ended TLS without close_notify",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "the host of wss://a.example/ cannot be looked up: Name or service not known",
        ),
        (TimeoutError("not opened within 1.0 s"), "not opened within 1.0 s"),
        (TimeoutError(), "wss://a.example/ does not answer"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "wss://a.example/ does not answer"),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"),
            "wss://a.example/ refused the connection: nothing listens there",
        ),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] Connect"),
            "wss://a.example/ refused the connection: nothing listens there",
        ),
        (
            OSError(errno.EIO, "x"),
            "wss://a.example/ failed: Input/output error",
        ),
        (OSError("something"), "wss://a.example/ failed: something"),
    ],
)
def test_a_failed_connection_is_explained_in_one_line(error: Exception, text: str) -> None:
    failure = connect_failure(error, PLACE)
    assert (str(failure), failure.exit_code) == (text, ExitCode.ERROR)


def test_what_a_peer_says_is_made_one_visible_line() -> None:
    assert in_one_line(Failure("a\nb \r\n\x1b[2J")) == "a b \\x1b[2J"
