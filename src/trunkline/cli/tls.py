"""TLS as the command line asks for it."""

from __future__ import annotations

import ssl

from trunkline.cli.arguments import ClientArguments, ServeArguments
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure


def client_context(arguments: ClientArguments) -> ssl.SSLContext | None:
    """Make the context of a client; `None` where nothing is asked for.

    Raises:
        Failure: a file cannot be used.
    """
    check_key(arguments)
    if not (arguments.insecure or arguments.ca or arguments.cert):
        return None
    if arguments.uri.lower().startswith("ws:"):
        problem = "--insecure, --ca and --cert need a wss:// address"
        raise Failure(problem, ExitCode.USAGE)
    context = ssl.create_default_context()
    if arguments.ca is not None:
        load_authorities(context, arguments.ca)
    if arguments.cert is not None:
        load_certificate(context, arguments.cert, arguments.key)
    if arguments.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def server_context(arguments: ServeArguments) -> ssl.SSLContext | None:
    """Make the context of a server; `None` for one without a certificate.

    Raises:
        Failure: a file cannot be used.
    """
    check_key(arguments)
    if arguments.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    load_certificate(context, arguments.cert, arguments.key)
    return context


def check_key(arguments: ClientArguments | ServeArguments) -> None:
    """Refuse a key without a certificate."""
    if arguments.key is not None and arguments.cert is None:
        raise Failure("--key needs --cert", ExitCode.USAGE)


def load_authorities(context: ssl.SSLContext, ca: str) -> None:
    """Trust the certificates in a file."""
    try:
        context.load_verify_locations(ca)
    except OSError as error:
        raise Failure(f"cannot use the certificates in {ca}: {words(error)}") from error


def load_certificate(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    """Use a certificate and its private key."""
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:
        files = cert if key is None else f"{cert} with the key {key}"
        raise Failure(f"cannot use the certificate {files}: {words(error)}") from error


def words(error: OSError) -> str:
    """Give the words of an error with a file: OpenSSL's for its content."""
    if not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    if error.reason is None:
        return "no PEM data of this kind in it"
    return error.reason.replace("_", " ").lower()
