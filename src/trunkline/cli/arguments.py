"""The command line: what may stand there, and what it means."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from trunkline.cli.exit_code import ExitCode
from trunkline.engines.choose import engine_info
from trunkline.limits import DEFAULT_DRAIN, DEFAULT_LIMITS, DOCTOR_TIMEOUT
from trunkline.protocol.headers import Headers
from trunkline.version import VERSION

COMMAND = "trunkline"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765
PORTS = range(65536)
DEFAULT_LINGER = 1.0
ANY_ORIGIN = "*"

CONNECT_EXPLANATION = """\
On a terminal, each line that you type is a message, and lines that begin with a slash are
commands: /help lists them. Elsewhere each line of the input is a message, whatever it begins
with. At the end of the input the connection is closed as soon as no message has arrived for
--linger seconds; with --once as soon as one message has arrived.

Each text message is printed as it is, each binary message as a line of hexadecimal digits; on a
terminal with "< " before it, and without control characters. Everything else goes to stderr.

exit codes: 0 closed cleanly, 1 an error, 2 wrong usage, 130 Ctrl-C
"""

SERVE_EXPLANATION = """\
The module is looked for in the current directory first. What is served is a trunkline.App, or a
handler as trunkline.serve() takes it: a coroutine function, a subclass of trunkline.Events, or a
function that makes one for a request. Ctrl-C or SIGTERM asks the connections of an App to leave, a
few at a time, with 1012, and closes those of a handler with 1001; a second one does not wait. With
--workers, SIGHUP starts a new worker for each old one, without a refused connection. An App listens
at the sockets that systemd passes to it, if there are any.
"""


DOCTOR_EXPLANATION = """\
Goes the way of a connection step by step, and says of each what it found, how long it took, and
where it fails what is wrong and what to try: address, proxy, name, every address of the host, TLS
and certificate, the HTTP answer, ping and close. A refusal with 403 is tried again with other
values of Origin. --wait shows whether something on the way cuts connections that are silent.

Passwords, tokens and cookies are shown as ***, so that the output can go into a report.

exit codes: 0 the connection works, 1 it does not, 2 wrong usage, 130 Ctrl-C
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientArguments:
    """What every client on the command line can be told; its help explains each."""

    uri: str
    headers: Sequence[tuple[str, str]]
    subprotocols: Sequence[str]
    origin: str | None
    insecure: bool
    ca: str | None
    cert: str | None
    key: str | None
    proxy: str | Literal[True] | None
    compression: str | None
    timeout: float | None
    verbosity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectArguments(ClientArguments):
    """What `trunkline connect` was told; its help explains each."""

    binary: bool
    once: bool
    linger: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorArguments(ClientArguments):
    """What `trunkline doctor` was told; its help explains each."""

    wait: float | None
    json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeArguments:
    """What `trunkline serve` was told; its help explains each."""

    target: str
    host: str | None
    port: int | None
    unix: str | None
    cert: str | None
    key: str | None
    origins: Sequence[str]
    subprotocols: Sequence[str]
    compression: str | None
    reuse_port: bool
    uvloop: bool
    verbosity: int
    fd: int | None = None
    workers: int | None = None
    reload: bool = False
    drain: float | None = None


Arguments = ConnectArguments | DoctorArguments | ServeArguments


def parse_arguments(argv: Sequence[str] | None = None) -> Arguments:
    """Parse the command line; `None` means that of this process.

    Raises:
        SystemExit: after help, version, or a line about wrong usage.
    """
    parser = make_parser()
    fields = vars(parser.parse_args(argv))
    match fields.pop("subcommand"):
        case "connect":
            return ConnectArguments(**fields)
        case "doctor":
            return DoctorArguments(**fields)
    arguments = ServeArguments(**with_address(fields))
    if arguments.unix is not None and arguments.host is not None:
        parser.error("--unix excludes --host and --port")
    if arguments.fd is not None and (arguments.unix is not None or arguments.host is not None):
        parser.error("--fd excludes --unix, --host and --port")
    return arguments


def with_address(fields: dict[str, Any]) -> dict[str, Any]:
    """Fill in the defaults of host and port, where either or nothing at all is given."""
    is_elsewhere = fields["unix"] is not None or fields["fd"] is not None
    if not is_elsewhere or fields["host"] is not None or fields["port"] is not None:
        fields["host"] = DEFAULT_HOST if fields["host"] is None else fields["host"]
        fields["port"] = DEFAULT_PORT if fields["port"] is None else fields["port"]
    return fields


# The parser


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where to read more."""
        self.exit(ExitCode.USAGE, f"{COMMAND}: {message} (see {self.prog} --help)\n")


class Version(argparse.Action):
    """Prints the versions, and which engine runs and why, in one line."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and exit."""
        info = engine_info()
        python = f"{platform.python_implementation()} {platform.python_version()}"
        engine = f"engine {info.engine}, endpoint {info.endpoint}: {info.why}"
        print(f"{COMMAND} {VERSION}, {python}, {engine}")
        parser.exit(ExitCode.OK)


def make_parser() -> Parser:
    """Make the parser of the whole command line."""
    parser = Parser(prog=COMMAND, description="WebSockets on the command line.")
    parser.add_argument(
        "--version",
        action=Version,
        nargs=0,
        dest=argparse.SUPPRESS,
        help="print the version and exit",
    )
    subcommands = parser.add_subparsers(
        dest="subcommand", required=True, metavar="connect|doctor|serve"
    )
    connect = add_subcommand(
        subcommands, "connect", "open a connection and talk", CONNECT_EXPLANATION
    )
    add_client_arguments(connect)
    add_connect_arguments(connect)
    doctor = add_subcommand(
        subcommands, "doctor", "find out why a connection fails", DOCTOR_EXPLANATION
    )
    add_client_arguments(doctor)
    add_doctor_arguments(doctor)
    serve = add_subcommand(subcommands, "serve", "serve a handler", SERVE_EXPLANATION)
    add_serve_arguments(serve)
    return parser


def add_subcommand(
    subcommands: argparse._SubParsersAction[Parser], name: str, purpose: str, explanation: str
) -> Parser:
    """Add a subcommand, with what its help says at the end."""
    parser = subcommands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=explanation,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_shared_arguments(parser)
    return parser


def add_shared_arguments(parser: Parser) -> None:
    """Add what both ends of a connection have."""
    parser.add_argument(
        "--subprotocol",
        dest="subprotocols",
        action="append",
        default=[],
        metavar="NAME",
        help="subprotocol, the preferred one first (repeatable)",
    )
    parser.add_argument("--cert", metavar="FILE", help="certificate of this side, in PEM")
    parser.add_argument("--key", metavar="FILE", help="its private key, where that is not in it")
    parser.add_argument(
        "--no-compression",
        dest="compression",
        action="store_const",
        const=None,
        default="deflate",
        help="do not agree on permessage-deflate",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        dest="verbosity",
        action="count",
        default=0,
        help="tell what happens; twice for every detail",
    )


def add_client_arguments(parser: Parser) -> None:
    """Add what every client takes."""
    add = parser.add_argument
    add("uri", metavar="URI", help="ws:// or wss:// address")
    add(
        "-H",
        "--header",
        dest="headers",
        action="append",
        default=[],
        type=header,
        metavar="'NAME: VALUE'",
        help="further header of the opening request (repeatable)",
    )
    add("--origin", help="value of the Origin header")
    add("--insecure", action="store_true", help="do not check the server's certificate")
    add("--ca", metavar="FILE", help="trust the certificates in this file as well")
    proxy = parser.add_mutually_exclusive_group()
    proxy.add_argument(
        "--proxy", default=True, metavar="URL", help="instead of the environment's proxy"
    )
    proxy.add_argument(
        "--no-proxy", dest="proxy", action="store_const", const=None, help="use no proxy at all"
    )


def add_connect_arguments(parser: Parser) -> None:
    """Add what `trunkline connect` takes beyond that."""
    add = parser.add_argument
    add("--binary", action="store_true", help="send each line as a binary message")
    add("--once", action="store_true", help="close after one message has arrived")
    add(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help="for the opening, and again for the message of --once (default "
        f"{DEFAULT_LIMITS.open_timeout:g} for the opening, none for the message)",
    )
    add(
        "--linger",
        type=seconds,
        default=DEFAULT_LINGER,
        metavar="SECONDS",
        help="silence to wait for after the end of the input, 'inf' for ever (default %(default)g)",
    )


def add_doctor_arguments(parser: Parser) -> None:
    """Add what `trunkline doctor` takes beyond that."""
    add = parser.add_argument
    add(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help=f"for each step (default {DOCTOR_TIMEOUT:g})",
    )
    add(
        "--wait",
        type=seconds,
        metavar="SECONDS",
        help="keep the open line silent for so long, and tell when and how it was cut",
    )
    add("--json", action="store_true", help="print one JSON object instead of lines")


def add_serve_arguments(parser: Parser) -> None:
    """Add what `trunkline serve` takes."""
    add = parser.add_argument
    add("target", metavar="MODULE:NAME", help="what answers, such as chat:app")
    add("--host", help=f"address to listen at (default {DEFAULT_HOST})")
    add("--port", type=port, help=f"0 takes a free one (default {DEFAULT_PORT})")
    add("--unix", metavar="PATH", help="listen at a Unix socket instead")
    add(
        "--origin",
        dest="origins",
        action="append",
        default=[],
        help=f"page that may connect, instead of those of this host; '{ANY_ORIGIN}' is every page "
        "(repeatable; programs that send no Origin always may)",
    )
    add("--reuse-port", action="store_true", help="let several processes listen at the port")
    add("--uvloop", action="store_true", help="run on uvloop")
    add_application_arguments(parser)


def add_application_arguments(parser: Parser) -> None:
    """Add what only an `App` has."""
    add = parser.add_argument_group("for an App").add_argument
    add("--fd", type=number, metavar="N", help="listen at the inherited socket with this number")
    add("--workers", type=number, metavar="N", help="processes that serve (default 1)")
    add("--reload", action="store_true", help="start again when a file has changed")
    add(
        "--drain",
        type=seconds,
        metavar="SECONDS",
        help="over which connections are asked to leave at the end "
        f"(default {DEFAULT_DRAIN.window:g}, or what the App says)",
    )


# Values


def header(text: str) -> tuple[str, str]:
    """Split `Name: value`."""
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} has no colon; write 'Name: value'")
    try:
        Headers([(name, value.strip())])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, value.strip()


def seconds(text: str) -> float:
    """Read a number of seconds that is not negative."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number


def number(text: str) -> int:
    """Read a whole number that is not negative."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def port(text: str) -> int:
    """Read the number of a port."""
    if not (text.isascii() and text.isdigit() and int(text) in PORTS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, which is 0 to {PORTS[-1]}")
    return int(text)
