"""TLS as the command line asks for it."""

from __future__ import annotations

import ssl

from trunkline.app.listening.certificate import Certificate, load_certificate, words
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


def server_certificate(arguments: ServeArguments) -> Certificate | None:
    """Say where the certificate of a server is; `None` for one without.

    Raises:
        Failure: there is a key, and no certificate.
    """
    check_key(arguments)
    return None if arguments.cert is None else Certificate(arguments.cert, arguments.key)


def server_context(arguments: ServeArguments) -> ssl.SSLContext | None:
    """Make the context of a server; `None` for one without a certificate.

    Raises:
        StartFailure: a file cannot be used.
    """
    certificate = server_certificate(arguments)
    return None if certificate is None else certificate.context()


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
