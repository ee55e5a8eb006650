"""TLS sessions are taken up again by whoever gives them to `ssl`, on every engine and loop."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from tests.contracts.meeting import HANG, HOST, echo
from tests.engines.ear import authority, server_context
from trunkline import connect, serve

pytestmark = pytest.mark.usefixtures("engine_name")


class Resuming(ssl.SSLContext):
    """A context whose connections go on with the session of an earlier one."""

    session: ssl.SSLSession | None = None

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **options | {"session": self.session})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_is_taken_up_again(version: ssl.TLSVersion) -> None:
    context = Resuming(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = version
    authority().configure_trust(context)
    reused = []
    async with asyncio.timeout(HANG), serve(echo, HOST, 0, ssl=server_context()) as server:
        uri = f"wss://{HOST}:{server.sockets[0].getsockname()[1]}"
        for _ in range(2):
            async with connect(uri, ssl=context, proxy=None) as ws:
                await ws.send("hello")
                assert await ws.recv() == "hello"
                tls = ws.get_extra_info("ssl_object")
                reused.append(tls.session_reused)
                context.session = tls.session
    assert reused == [False, True]
