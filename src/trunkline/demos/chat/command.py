"""The command that starts the chat, says where it is, and ends it when it is told to."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from trunkline.demos.chat.server import HIGHEST_PORT, start_at_free_port
from trunkline.server.serve import Server

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000

EXIT_OK = 0
EXIT_FAILURE = 1

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that mean every interface, and one of them that a browser can open."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chat until SIGINT or SIGTERM, and return the exit status.

    Args:
        arguments: of the command line; `None` for those of this process.
    """
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        # Where the loop takes no signals, Ctrl-C arrives as an exception, after the cleaning up.
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(options.host, options.port))
    except OSError as error:
        address = f"{options.host} port {options.port}"
        print(f"cannot listen at {address}: {describe(error)}", file=sys.stderr)
        return EXIT_FAILURE
    return EXIT_OK


def describe(error: OSError) -> str:
    """Say what the system says; asyncio's own text repeats the address."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    return os.strerror(error.errno)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m trunkline.demos.chat", description="A chat room for your browser."
    )
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen at (%(default)s)")
    parser.add_argument(
        "--port",
        type=port_number,
        default=DEFAULT_PORT,
        help="port to listen at, or the next one that is free (%(default)s)",
    )
    return parser.parse_args(arguments)


def port_number(text: str) -> int:
    """Parse a port; raise `ValueError`, or say what is wrong with the number."""
    port = int(text)
    if not 0 <= port <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"port is {port:,}, limit {HIGHEST_PORT:,}")
    return port


async def run(host: str, port: int) -> None:
    """Serve until a signal comes; raise `OSError` where the address cannot be had."""
    server = await start_at_free_port(host, port)
    try:
        stopped = stop_signal()
        print(f"Open {page_address(server)} in a browser, in several tabs if you like.")
        print("Press Ctrl-C to stop.", flush=True)
        await stopped.wait()
    finally:
        server.close(reason="the server is stopping")
        await server.wait_closed()


def stop_signal() -> asyncio.Event:
    """Make an event that the signals to stop set."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Windows' loops take none.
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
    return stopped


def page_address(server: Server) -> str:
    """Give the address of the page at a server that has been started."""
    name: Any = server.sockets[0].getsockname()
    host = ANY_ADDRESS.get(name[0], name[0])
    return f"http://[{host}]:{name[1]}/" if ":" in host else f"http://{host}:{name[1]}/"
