"""Targets on this machine, and what the doctor was told about them."""

import asyncio
import socket
import ssl
from typing import cast

from trunkline.cli.arguments import DoctorArguments, parse_arguments
from trunkline.cli.doctor.question import make_question
from trunkline.cli.doctor.route import DirectRoute
from trunkline.cli.doctor.target import Target
from trunkline.engines.happy_eyeballs import Place, connect
from trunkline.limits import Limits
from trunkline.protocol.uri import parse_uri

PATIENCE = 20.0  # seconds


def arguments_for(uri: str, *options: str) -> DoctorArguments:
    """Give what the command line says."""
    argv = ["doctor", "--no-proxy", *options, uri]
    return cast(DoctorArguments, parse_arguments(argv))


def place_at(port: int) -> Place:
    """Give the place of a port of this machine."""
    return socket.AF_INET, ("127.0.0.1", port)


def closed_port() -> int:
    """Give a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port: int = closed.getsockname()[1]
    return port


async def target_at(
    port: int, context: ssl.SSLContext | None = None, *, timeout: float = PATIENCE
) -> Target:
    """Give the target at a port; its first stream is connected."""
    uri = parse_uri(f"{'wss' if context else 'ws'}://localhost:{port}/")
    sock = await connect(asyncio.get_running_loop(), place_at(port), ())
    return Target(
        uri=uri,
        route=DirectRoute(place_at(port), sock, 65536),
        proxy=None,
        question=make_question(arguments_for(str(uri)), uri, None),
        context=context,
        limits=Limits(ping_interval=None, close_timeout=timeout),
        timeout=timeout,
    )
