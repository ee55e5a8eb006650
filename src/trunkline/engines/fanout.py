"""The same bytes on many streams: the reference of `native.fanout`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from trunkline.engines.engine import Stream

logger = logging.getLogger("trunkline.engine")


def fan_out(streams: Sequence[Stream], data: bytes) -> list[Stream]:
    """Send `data` on every stream that waits for no peer; give back those that do.

    A stream that fails is aborted, and touches no other. No receiver is called meanwhile.

    Args:
        streams: of one engine, each once.
        data: whole frames.
    """
    left: list[Stream] = []
    for stream in streams:
        if stream.is_held_up:
            left.append(stream)
            continue
        try:
            stream.write(data)
        except Exception:
            logger.exception("a stream failed in a fan-out")
            stream.abort()
    return left
