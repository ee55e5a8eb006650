"""The certificate of a server, in files."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from os import PathLike

from trunkline.app.listening.failure import StartFailure
from trunkline.server.tls import make_context


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where certificate and private key are.

    Args:
        cert: file with the certificate and those between it and its authority, in PEM.
        key: file with the private key; `None` where it is in the other one.
    """

    cert: str
    key: str | None = None

    def context(self) -> ssl.SSLContext:
        """Make a context of what the files hold now.

        Raises:
            StartFailure: a file cannot be used.
        """
        context = make_context()
        load_certificate(context, self.cert, self.key)
        return context


def certificate_of(
    cert: str | PathLike[str] | None, key: str | PathLike[str] | None
) -> Certificate | None:
    """Give the certificate for the arguments of a call; `None` for none.

    Raises:
        ValueError: there is a key without a certificate.
    """
    if cert is None:
        if key is not None:
            raise ValueError("tls_key needs tls_cert")
        return None
    return Certificate(os.fspath(cert), None if key is None else os.fspath(key))


def load_certificate(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    """Use a certificate and its private key; raise `StartFailure` where that cannot be."""
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:
        files = cert if key is None else f"{cert} with the key {key}"
        raise StartFailure(f"cannot use the certificate {files}: {words(error)}") from error


def words(error: OSError) -> str:
    """Give the words of an error with a file: OpenSSL's for its content."""
    if not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    if error.reason is None:
        return "no PEM data of this kind in it"
    return error.reason.replace("_", " ").lower()
