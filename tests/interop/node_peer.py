"""The npm package `ws` as a peer, in a process of node that outlives the tests' loops."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from tests.interop.peers import Data, Settings, below_largest
from trunkline import Close, Deflate

FOLDER = Path(__file__).with_name("node")
REMEDY = "run `tools/setup test`"


def what_is_missing() -> str | None:
    """Say what keeps node from running, and what helps."""
    if shutil.which("node") is None:
        return f"node is not installed: {REMEDY}"
    if not (FOLDER / "node_modules" / "ws").is_dir():
        return f"the npm package ws is not installed in {FOLDER}: {REMEDY}"
    return None


class NodeProcess:
    """A running `peer.js`; any loop can wait for its answers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "peer.js"],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._numbers = itertools.count()
        self._calls: dict[int, Future[Any]] = {}
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def call(self, name: str, **arguments: Any) -> asyncio.Future[Any]:
        """Have node do something, and wait for the result."""
        return asyncio.wrap_future(self.call_soon(name, **arguments))

    def call_soon(self, name: str, **arguments: Any) -> Future[Any]:
        """Have node do something."""
        number = next(self._numbers)
        answer = self._calls[number] = Future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "call": name, **arguments}) + "\n")
        self._process.stdin.flush()
        return answer

    @property
    def is_alive(self) -> bool:
        """Whether it was neither stopped nor killed."""
        return self._process.returncode is None

    def kill(self) -> None:
        """End the process without a chance to say goodbye."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._listener.join()
        # Leaving closes the pipes and waits for the process.
        with self._process:
            pass

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._resolve(json.loads(line))
        for answer in self._calls.values():
            answer.set_exception(EOFError("node has ended"))

    def _resolve(self, line: dict[str, Any]) -> None:
        answer = self._calls.pop(line["id"])
        # A test that failed meanwhile has cancelled it.
        if not answer.set_running_or_notify_cancel():
            return
        if "error" in line:
            answer.set_exception(RuntimeError(f"node: {line['error']}"))
        else:
            answer.set_result(line["value"])


class NodeConversation:
    """One connection of the package's.

    Args:
        node: where it lives.
        introduction: how it was introduced there.
    """

    def __init__(self, node: NodeProcess, introduction: dict[str, Any]) -> None:
        self.subprotocol = introduction["subprotocol"] or None
        self.is_compressed = "permessage-deflate" in introduction["extensions"]
        self._node = node
        self._handle = introduction["handle"]

    async def _call(self, name: str, **arguments: Any) -> Any:
        return await self._node.call(name, handle=self._handle, **arguments)

    async def send(self, message: Data) -> None:
        await self._call("send", message=pack(message))

    async def send_fragments(self, parts: Sequence[Data]) -> None:
        await self._call("sendFragments", parts=[pack(part) for part in parts])

    async def receive(self) -> Data:
        return unpack(await self._call("receive"))

    async def ping(self, payload: bytes) -> bytes:
        return b64decode(await self._call("ping", payload=b64encode(payload).decode()))

    async def close(self, code: int | None, reason: str) -> int:
        return int((await self._call("close", code=code, reason=reason))["code"])

    async def closed(self) -> Close:
        return Close(**await self._call("closed"))

    def destroy(self) -> None:
        if self._node.is_alive:
            self._node.call_soon("terminate", handle=self._handle)


class NodePlace:
    """A server of the package's."""

    def __init__(self, node: NodeProcess, handle: int, port: int) -> None:
        self.port = port
        self._node = node
        self._handle = handle

    async def accept(self) -> NodeConversation:
        return NodeConversation(self._node, await self._node.call("accept", handle=self._handle))


class NodePeer:
    """`ws`, in its own process."""

    def __init__(self, node: NodeProcess) -> None:
        self._node = node

    @asynccontextmanager
    async def connect(self, uri: str, settings: Settings) -> AsyncIterator[NodeConversation]:
        conversation = NodeConversation(
            self._node,
            await self._node.call(
                "connect",
                uri=uri,
                subprotocols=list(settings.subprotocols),
                options=shared_options(settings),
                ca=settings.certificate and settings.certificate.authority,
            ),
        )
        yield conversation
        conversation.destroy()

    @asynccontextmanager
    async def serve(self, settings: Settings) -> AsyncIterator[NodePlace]:
        certificate = settings.certificate
        place = await self._node.call(
            "serve",
            subprotocols=list(settings.subprotocols),
            options=shared_options(settings),
            certificate=certificate and {"cert": certificate.chain, "key": certificate.key},
        )
        yield NodePlace(self._node, **place)
        if self._node.is_alive:
            await self._node.call("stop", handle=place["handle"])


def shared_options(settings: Settings) -> dict[str, Any]:
    """Give the options that both roles have."""
    deflate = settings.deflate
    return {
        "maxPayload": settings.max_size,
        "perMessageDeflate": False if deflate is None else deflate_options(deflate),
    }


def deflate_options(wanted: Deflate) -> dict[str, Any]:
    """Translate what is wanted of permessage-deflate."""
    wishes = {
        "serverNoContextTakeover": wanted.server_no_context_takeover,
        "clientNoContextTakeover": wanted.client_no_context_takeover,
        "serverMaxWindowBits": below_largest(wanted.server_max_window_bits),
        "clientMaxWindowBits": below_largest(wanted.client_max_window_bits),
    }
    # To the package, what is false or 15 is a demand; what is not there is no wish.
    return {"threshold": 0} | {name: wish for name, wish in wishes.items() if wish}


def pack(message: Data) -> dict[str, str]:
    """Make a message fit for JSON."""
    if isinstance(message, str):
        return {"text": message}
    return {"binary": b64encode(message).decode()}


def unpack(message: dict[str, str]) -> Data:
    """Undo `pack()`."""
    return message["text"] if "text" in message else b64decode(message["binary"])
