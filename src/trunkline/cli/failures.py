"""One line for each way in which it does not work."""

from __future__ import annotations

import errno
import re
import socket
import ssl

from trunkline.app.listening.failure import StartFailure, error_words
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.visible import visible
from trunkline.errors import InvalidURI, UsageError
from trunkline.protocol.http1 import Response
from trunkline.protocol.refusals import InvalidProxyStatus, InvalidStatus

# X509_V_ERR_… of OpenSSL: what is wrong with a certificate
NOT_YET_VALID = 9
EXPIRED = 10
SELF_SIGNED = 18
SELF_SIGNED_ISSUER = 19
UNKNOWN_ISSUER = 20
WRONG_NAME = 62
WRONG_ADDRESS = 64

OUT_OF_DATE = {NOT_YET_VALID: "is not valid yet", EXPIRED: "has expired"}
UNTRUSTED = {
    SELF_SIGNED: "is self-signed",
    SELF_SIGNED_ISSUER: "was issued by an authority that is not trusted",
    UNKNOWN_ISSUER: "was issued by an authority that is not known",
}
FOR_ANOTHER_NAME = frozenset({WRONG_NAME, WRONG_ADDRESS})
IGNORE_HINT = "--insecure does not check it"
TRUST_HINT = f"--ca FILE trusts it, {IGNORE_HINT}"
PROXY_HINT = "--no-proxy goes without"

WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}
NO_SCHEME = re.compile(r"(?://)?[^/:?#]+(?::\d+)?(?:[/?#]|$)")

OS_PROBLEMS = {
    errno.ECONNREFUSED: "refused the connection: nothing listens there",
    errno.ECONNRESET: "cut the connection while it was opened",
    errno.EPIPE: "cut the connection while it was opened",
    errno.ETIMEDOUT: "does not answer",
    errno.EHOSTUNREACH: "cannot be reached: no way to the host",
    errno.ENETUNREACH: "cannot be reached: no way to its network",
    errno.ENOENT: "does not exist",
}


class Failure(StartFailure):
    """It does not work; the text says why in one line.

    Args:
        text: for the user.
        exit_code: for the shell.
        traceback: what goes before it, where the user's own code failed.
    """

    def __init__(
        self, text: str, exit_code: ExitCode = ExitCode.ERROR, *, traceback: str = ""
    ) -> None:
        super().__init__(text, traceback=traceback)
        self.exit_code = exit_code


# Connecting


def connect_failure(error: Exception, place: str) -> Failure:
    """Explain why there is no connection to `place`, an address and perhaps a proxy."""
    match error:
        case InvalidURI():
            return Failure(f"{error}{address_hint(error.uri)}", ExitCode.USAGE)
        case OSError():
            return Failure(os_problem(error, place))
        case UsageError() | ValueError():
            return Failure(str(error), ExitCode.USAGE)
        case InvalidStatus():
            return Failure(f"{error}{location(error.response)}")
        case InvalidProxyStatus():
            return Failure(f"{error} ({PROXY_HINT})")
        case _:
            return Failure(str(error))


def address_hint(uri: str) -> str:
    """Guess what was meant by an address that is none."""
    scheme, separator, rest = uri.partition("://")
    if separator and scheme.lower() in WEBSOCKET_SCHEMES:
        return f"; try {WEBSOCKET_SCHEMES[scheme.lower()]}://{rest}"
    if not separator and NO_SCHEME.match(uri):
        return f"; try ws://{uri.lstrip('/')}"
    return ""


def location(response: Response) -> str:
    """Tell where a response points to, if it does."""
    places = response.headers.get_all("Location")
    return f" (Location: {places[0]})" if places else ""


def os_problem(error: OSError, place: str) -> str:
    """Explain what the operating system or TLS says."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate of {place} {certificate_problem(error)}"
        case ssl.SSLError() if tls_reason(error) in ("WRONG_VERSION_NUMBER", "UNEXPECTED_MESSAGE"):
            return f"{place} does not speak TLS; it may be a ws:// address"
        case ssl.SSLError():
            return f"TLS with {place} failed: {tls_words(error)}"
        case socket.gaierror():
            return f"the host of {place} cannot be looked up: {error.strerror}"
        case TimeoutError() if error.errno is None:
            return str(error) or f"{place} does not answer"
        case _:
            return f"{place} {error_words(error, OS_PROBLEMS)}"


def tls_reason(error: ssl.SSLError) -> str | None:
    """Give OpenSSL's word for an error; one that was not made by OpenSSL has none."""
    return getattr(error, "reason", None)


def tls_words(error: ssl.SSLError) -> str:
    """Give the words for an error of TLS."""
    reason = tls_reason(error)
    return (error.strerror or str(error)) if reason is None else reason.replace("_", " ").lower()


def certificate_problem(error: ssl.SSLCertVerificationError) -> str:
    """Say what is wrong with a certificate, its dates, issuer or name, and what can be done."""
    message = error.verify_message.rstrip(".")
    if error.verify_code in FOR_ANOTHER_NAME:
        return f"is for another name: {message} ({IGNORE_HINT})"
    if error.verify_code in OUT_OF_DATE:
        return f"{OUT_OF_DATE[error.verify_code]} ({IGNORE_HINT})"
    problem = UNTRUSTED.get(error.verify_code, f"is not trusted: {message}")
    return f"{problem} ({TRUST_HINT})"


# Showing


def in_one_line(text: object) -> str:
    """Make a text one line, without control characters: parts of it may be the peer's."""
    return visible(" ".join(str(text).split()))
