"""Hold idle connections, and print what each costs the server.

`python tests/soak/idle.py --engine native` holds 15,000 of each kind, with a process of clients
for each 5,000.
"""

from __future__ import annotations

import argparse
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.churn import ADDRESSES, HANG_SECONDS, open_and_echo
from tests.soak.served import HOST, Served, served

CONNECTIONS = 15_000
CLIENTS_PER_PROCESS = 5_000
WARM_UP = 500
KINDS = {
    "events": ("events",),
    "coroutine": ("coroutine",),
    "events, TLS": ("events", "--tls"),
    "coroutine, TLS": ("coroutine", "--tls"),
}


def trusting() -> ssl.SSLContext:
    """Make a context that asks nobody for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def hold(port: int, count: int, is_tls: bool) -> None:
    """Be the clients: open connections, say so, and hold them until stdin ends."""
    context = trusting() if is_tls else None
    held = []
    for number in range(count):
        local = (f"127.0.2.{1 + number % ADDRESSES}", 0)
        sock = socket.create_connection((HOST, port), HANG_SECONDS, source_address=local)
        if context is not None:
            sock = context.wrap_socket(sock)
        open_and_echo(sock)
        held.append(sock)
    print("held", flush=True)
    sys.stdin.read()


def start_holding(stack: ExitStack, server: Served, count: int, is_tls: bool) -> None:
    """Let another process hold connections."""
    command = [sys.executable, __file__, "--hold", str(server.port), "--connections", str(count)]
    pipe = subprocess.PIPE
    process = stack.enter_context(
        subprocess.Popen(
            [*command, *(["--tls"] if is_tls else [])], stdin=pipe, stdout=pipe, text=True
        )
    )
    assert process.stdin is not None and process.stdout is not None
    stack.callback(process.stdin.close)
    assert process.stdout.readline() == "held\n"


def bytes_per_connection(engine: str, options: tuple[str, ...], count: int) -> float:
    """Hold `count` connections, and give what each costs."""
    is_tls = "--tls" in options
    patience = ("--open-timeout", str(HANG_SECONDS))
    with served(engine, *options, *patience) as server, ExitStack() as stack:
        start_holding(stack, server, WARM_UP, is_tls)
        before, descriptors = server.resident_bytes(), server.descriptors()
        for begin in range(0, count, CLIENTS_PER_PROCESS):
            start_holding(stack, server, min(CLIENTS_PER_PROCESS, count - begin), is_tls)
        assert server.descriptors() == descriptors + count
        return (server.resident_bytes() - before) / count


def main() -> None:
    """Print a line for each kind of connection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("asyncio", "native"), default="native")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--hold", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--tls", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.hold is not None:
        hold(arguments.hold, arguments.connections, arguments.tls)
        return
    for kind, options in KINDS.items():
        cost = bytes_per_connection(arguments.engine, options, arguments.connections)
        print(f"{arguments.engine}, {kind}: {cost:,.0f} bytes per idle connection", flush=True)


if __name__ == "__main__":
    main()
