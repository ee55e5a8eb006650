"""The load and the limit, over loopback: every reply is checked, and a wrong one is found."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)

import trunkline
from benchmarks.certificate import Certificate, make_certificate
from benchmarks.lineup import BENCHMARKS

HEADERS = (Path("/usr/include/openssl/ssl.h"), Path("/usr/include/zlib.h"))
PATIENCE_SECONDS = 60
SHORT = ("--seconds=0.05", "--warm-up=0.01")

pytestmark = pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("make") and all(map(Path.exists, HEADERS))),
    reason="needs a C compiler, OpenSSL and zlib: tools/setup bench",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    command = ["make", "--silent", "-C", str(BENCHMARKS), f"OUT={folder}"]
    subprocess.run(command, check=True, timeout=PATIENCE_SECONDS * 5)
    return folder


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@asynccontextmanager
async def limit(built: Path, *arguments: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(built / "limit", *arguments, stdout=PIPE)
    assert process.stdout
    try:
        yield int((await process.stdout.readline()).split()[0])
    finally:
        process.kill()
        await process.communicate()


async def load(built: Path, port: int, *arguments: str, lines: bytes = b"") -> tuple[int, str, str]:
    """Run the load; give its status, output and errors."""
    command = [str(built / "load"), f"--port={port}", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(PATIENCE_SECONDS):
        output, errors = await process.communicate(lines)
    return process.returncode or 0, output.decode(), errors.decode()


# Against the limit


@pytest.mark.parametrize(
    "arguments",
    [
        ("echo", "--connections=3", "--depth=5"),
        ("echo", "--connections=2", "--depth=2", "--bytes=1"),
        ("echo", "--connections=2", "--depth=3", "--bytes=65536", "--text"),
        ("echo", "--connections=2", "--depth=2", "--bytes=1048576"),
        ("fanout", "--connections=7", "--depth=3"),
        ("churn", "--connections=3"),
    ],
    ids=" ".join,
)
async def test_the_limit_answers_every_message(built: Path, arguments: tuple[str, ...]) -> None:
    async with limit(built) as port:
        status, output, errors = await load(built, port, *arguments, *SHORT)
    assert (status, errors) == (0, "")
    assert json.loads(output).keys() >= {"messages", "seconds", "p50_us", "p99_us"}


async def test_the_limit_delivers_message_by_message_as_well(built: Path) -> None:
    async with limit(built, "--apart") as port:
        arguments = ("fanout", "--connections=7", "--depth=3")
        status, output, errors = await load(built, port, *arguments, *SHORT)
    assert (status, errors) == (0, "")
    assert json.loads(output)["messages"] > 0


async def test_idle_connections_are_opened_as_told(built: Path) -> None:
    async with limit(built) as port:
        told = await load(built, port, "idle", "--connections=9", lines=b"3\n9\n")
    assert told == (0, "3\n9\n", "")


# Against ourselves

Handler = Callable[[trunkline.ServerConnection], Awaitable[None]]


async def play(
    built: Path, handler: Handler, *arguments: str, **options: Any
) -> tuple[int, str, str]:
    async with trunkline.serve(handler, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        return await load(built, port, "echo", *arguments, *SHORT)


async def echo(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def test_compressed_messages_are_inflated_and_compared(built: Path) -> None:
    status, _, errors = await play(
        built, echo, "--deflate", "--bytes=1024", "--connections=2", "--depth=2"
    )
    assert (status, errors) == (0, "")


class Insisting(ServerPerMessageDeflateFactory):
    """Agrees to compress, and keeps its context although it is asked not to."""

    def process_request_params(
        self, params: object, accepted_extensions: object
    ) -> tuple[list[tuple[str, str | None]], PerMessageDeflate]:
        return [], PerMessageDeflate(
            remote_no_context_takeover=False,
            local_no_context_takeover=False,
            remote_max_window_bits=15,
            local_max_window_bits=15,
        )


async def echo_of_websockets(ws: websockets.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def test_a_server_may_keep_its_context(built: Path) -> None:
    async with websockets.serve(
        echo_of_websockets, "127.0.0.1", 0, compression=None, extensions=[Insisting()]
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        options = ("--deflate", "--bytes=1024", "--depth=3", *SHORT)
        status, _, errors = await load(built, port, "echo", *options)
    assert (status, errors) == (0, "")


async def test_tls_is_spoken_and_verified(built: Path, certificate: Certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.server)
    options = (f"--tls={certificate.authority}", "--bytes=40000", "--depth=2")
    status, _, errors = await play(built, echo, *options, ssl=context, compression=None)
    assert (status, errors) == (0, "")


async def flip_a_bit(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        assert isinstance(message, bytes)
        await ws.send(message[:-1] + bytes([message[-1] ^ 1]))


async def cut_short(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message[:-1])


async def say_more(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        assert isinstance(message, bytes)
        await ws.send(message + b"!")


async def repeat(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)
        await ws.send(message)


async def turn_into_text(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send("x" * len(message))


async def leave(ws: trunkline.ServerConnection) -> None:
    await ws.recv()


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (flip_a_bit, "differs from what was sent"),
        (cut_short, "has 63 bytes, expected 64"),
        (say_more, "is longer than 64 bytes"),
        (repeat, "differs from what was sent"),
        (turn_into_text, "has opcode 1, expected 2"),
        (leave, "the server closes a connection"),
    ],
)
async def test_a_wrong_server_is_found_out(built: Path, handler: Handler, reason: str) -> None:
    status, _, errors = await play(built, handler, compression=None)
    assert status == 1
    assert reason in errors


async def test_a_server_that_does_not_compress_is_found_out(built: Path) -> None:
    status, _, errors = await play(built, echo, "--deflate", compression=None)
    assert (status, errors) == (1, "the server refuses to compress\n")
