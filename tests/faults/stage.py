"""A server, and conversations with it through proxies of their own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from itertools import islice

from tests.faults.exchange import Diary, Pair, Record
from tests.faults.fault_proxy import HOST, Course, FaultProxy
from tests.faults.idle_loop import until_quiet
from tests.server.wire import port_of
from trunkline import Server

AT_ONCE = 50
"""Conversations beside each other."""
HANG_SECONDS = 600.0
"""On a clock that runs only while nothing happens: what waits that long waits for ever."""

Judge = Callable[[FaultProxy, Record, Record | None, float], None]
"""Takes the proxy, what client and server saw, and when it began."""


class Stage:
    """Holds conversations of one kind, and has each judged.

    Args:
        pair: client and server.
        server: runs already.
        diary: the server's.
        judge: raises where something went wrong.
        context: the client's, for TLS.
    """

    def __init__(
        self,
        pair: Pair,
        server: Server,
        diary: Diary,
        judge: Judge,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._pair = pair
        self._diary = diary
        self._port = port_of(server)
        self._judge = judge
        self._context = context
        self._count = 0

    async def converse(self, up: Course, down: Course) -> tuple[Record, Record | None]:
        """Hold a conversation, and have it judged."""
        self._count += 1
        path = f"/{self._count:06}"
        scheme = "ws" if self._context is None else "wss"
        began_at = asyncio.get_running_loop().time()
        async with FaultProxy(self._port, up=up, down=down) as proxy:
            uri = f"{scheme}://{HOST}:{proxy.port}{path}"
            client = await self._pair.talk(uri, context=self._context)
            server = await self._server_record(path)
        self._judge(proxy, client, server, began_at)
        return client, server

    async def converse_each(self, courses: Iterable[tuple[Course, Course]]) -> int:
        """Hold many conversations, and count them."""
        remaining, count = iter(courses), self._count
        while some := list(islice(remaining, AT_ONCE)):
            async with asyncio.TaskGroup() as group:
                for up, down in some:
                    group.create_task(self.converse(up, down))
        return self._count - count

    async def _server_record(self, path: str) -> Record | None:
        await until_quiet()
        record = self._diary.records.get(path)
        if record is not None:
            async with asyncio.timeout(HANG_SECONDS):
                await record.ended.wait()
        # A second end would be told by now.
        await until_quiet()
        return record
