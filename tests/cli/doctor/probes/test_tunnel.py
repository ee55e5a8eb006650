import asyncio
from dataclasses import replace

from tests.cli.doctor.targets import target_at
from tests.client.scripted import hang, scripted
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.probes.tunnel import open_stream
from trunkline.engines.engine import Receiver, Stream
from trunkline.errors import ProxyError


class Closed:
    """A route that leads nowhere."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def open(self, receiver: Receiver) -> Stream:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_stream_is_opened() -> None:
    async with scripted(hang) as port:
        target = await target_at(port)
        stream, tunnel = await open_stream(target, Reply(target.limits))
        assert stream is not None and tunnel.error is None
        stream.abort()


async def test_a_way_that_fails_is_a_fact() -> None:
    async with scripted(hang) as port:
        target = await target_at(port)
        for error in (OSError("x"), ProxyError("x"), None):
            wrong = replace(target, route=Closed(error), timeout=0.01)
            stream, tunnel = await open_stream(wrong, Reply(target.limits))
            assert stream is None
            assert isinstance(tunnel.error, TimeoutError if error is None else type(error))
        target.route.close()  # type: ignore[attr-defined]
