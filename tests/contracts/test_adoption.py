"""What every engine promises of a transport that somebody else has made."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from tests.engines.ear import HANG, WRITE_LIMIT, Ear, server_context
from tests.engines.foundlings import Meeting, meeting
from trunkline.engines.engine import Engine, Stream

PLENTY = 8 * 1024 * 1024
"""Bytes that no socket buffer of loopback takes at once."""


@pytest.fixture(params=["tcp", "tcp+tls"])
async def met(request: pytest.FixtureRequest) -> AsyncIterator[Meeting]:
    """Meet, in each of the ways."""
    context = server_context() if request.param.endswith("tls") else None
    async with meeting(context) as met:
        yield met


async def test_bytes_go_both_ways_once_the_stream_reads(engine: Engine, met: Meeting) -> None:
    met.writer.write(b"early")
    end = met.adopt(engine)
    assert end.ear.data == b""
    end.stream.resume_reading()
    await end.ear.until_data(b"early")
    end.stream.write(b"answer")
    async with asyncio.timeout(HANG):
        assert await met.reader.readexactly(6) == b"answer"
    end.stream.close()
    assert await met.read_end() == b""
    assert await end.ear.until_lost() is None
    assert met.former.losses == 0


async def test_the_end_of_the_client_is_told(engine: Engine, met: Meeting) -> None:
    end = met.adopt(engine)
    end.stream.resume_reading()
    met.writer.close()
    await end.ear.until(lambda: end.ear.has_ended or bool(end.ear.losses))
    end.stream.close()
    await end.ear.until_lost()


async def test_the_ends_are_known(engine: Engine, met: Meeting) -> None:
    names = [met.transport.get_extra_info(name) for name in ("peername", "sockname")]
    end = met.adopt(engine)
    assert [end.stream.get_extra_info(name) for name in ("peername", "sockname")] == names
    end.stream.abort()
    await end.ear.until_lost()


async def test_what_was_unsent_is_sent_first(engine: Engine, met: Meeting) -> None:
    met.transport.write(b"x" * PLENTY)
    end = met.adopt(engine)
    end.stream.write(b"last")
    end.stream.close()
    assert await met.read_end() == b"x" * PLENTY + b"last"
    await end.ear.until_lost()


async def test_a_descriptor_is_held_for_each_and_given_back(engine: Engine) -> None:
    async with meeting() as met:
        before = len(os.listdir("/proc/self/fd"))
        end = met.adopt(engine)
        await asyncio.sleep(0)
        end.stream.resume_reading()
        met.writer.write(b"x")
        await end.ear.until_data(b"x")
        assert len(os.listdir("/proc/self/fd")) == before
        end.stream.abort()
        await end.ear.until_lost()


async def test_without_a_receiver_nothing_is_left_open(engine: Engine) -> None:
    def refuse(stream: Stream) -> Ear:
        raise LookupError("nobody wants it")

    async with meeting() as met:
        with pytest.raises(LookupError):
            engine.adopt(met.transport, refuse, write_limit=WRITE_LIMIT)
        assert await met.read_end() == b""
