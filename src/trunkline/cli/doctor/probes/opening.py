"""The opening request, asked on an open stream or on a visit of its own."""

from __future__ import annotations

import asyncio
import ssl

from trunkline.cli.doctor.facts import Opening
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.probes.securing import secure
from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.cli.doctor.probes.tunnel import open_stream
from trunkline.cli.doctor.target import Target
from trunkline.engines.engine import Stream
from trunkline.errors import InvalidMessage
from trunkline.protocol.http1 import Request


async def ask(stream: Stream, reply: Reply, request: Request, timeout: float) -> Opening:
    """Send the request and wait for the answer.

    Args:
        stream: open.
        reply: its receiver.
        request: to send.
        timeout: seconds.
    """
    stopwatch = Stopwatch()
    try:
        async with asyncio.timeout(timeout):
            reply.stopwatch = stopwatch
            stream.write(request.serialize())
            response, rest = await reply.received()
    except (OSError, InvalidMessage) as error:
        seconds = stopwatch.seconds()
        return Opening(seconds=seconds, beginning=reply.beginning, error=error)
    return Opening(
        seconds=reply.seconds,
        beginning=reply.beginning,
        response=response,
        rest=rest,
    )


async def visit(target: Target, request: Request, context: ssl.SSLContext | None) -> Opening:
    """Ask on a stream of its own, and hang up.

    Args:
        target: to visit.
        request: to send.
        context: TLS; `None` goes there without.
    """
    reply = Reply(target.limits)
    stream, tunnel = await open_stream(target, reply)
    if stream is None:
        return Opening(seconds=tunnel.seconds, error=tunnel.error)
    try:
        if context is not None:
            security = await secure(stream, context, target.uri.host, target.timeout)
            if security.error:
                return Opening(seconds=security.seconds, error=security.error)
        return await ask(stream, reply, request, target.timeout)
    finally:
        stream.abort()
