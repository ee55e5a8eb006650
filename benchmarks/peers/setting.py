"""How a peer is asked to serve, the same for every peer of Python.

    python -m benchmarks.peers.NAME [--handler H] [--loop L] [--deflate] [--tls FILE] [--spin S]
        [--keep-memory] [--ws PROTOCOL]

Every peer prints one line, `PORT what it is`, when it listens. What arrives on /pub goes to all
of /sub; any other path is echoed.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HOST = "0.0.0.0"
"""All of 127.0.0.0/8, so that a load has ports enough."""

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
BACKLOG = 1024
ECHO = "/echo"
PUBLISHER = "/pub"
SUBSCRIBER = "/sub"


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to serve; `certificate` is a file with key and certificates, for TLS."""

    handler: str
    loop: str
    is_compressed: bool
    certificate: Path | None
    spin_seconds: float
    keeps_memory: bool
    ws: str

    @property
    def ssl(self) -> ssl.SSLContext | None:
        """The TLS context, `None` to serve in the clear."""
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context

    @property
    def compression(self) -> str | None:
        """The option of that name, as websockets and Trunkline understand it."""
        return "deflate" if self.is_compressed else None


def parse_setting(arguments: list[str] | None = None) -> Setting:
    """Read the setting from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--handler", default="async")
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--deflate", action="store_true")
    parser.add_argument("--tls", type=Path)
    parser.add_argument("--spin", type=float, default=0.0, help="seconds")
    parser.add_argument("--keep-memory", action="store_true", help="of large messages")
    parser.add_argument("--ws", default="websockets-sansio", help="uvicorn's protocol")
    given = parser.parse_args(arguments)
    return Setting(
        given.handler, given.loop, given.deflate, given.tls, given.spin, given.keep_memory, given.ws
    )


def ready(port: int, package: str, detail: str = "") -> None:
    """Say where we listen, and what we are."""
    print(port, package, version(package), detail, flush=True)


def run(main: Coroutine[object, object, None], setting: Setting) -> None:
    """Run on the loop that the setting names."""
    if setting.loop == "uvloop":
        import uvloop

        uvloop.run(main)
    else:
        asyncio.run(main)
