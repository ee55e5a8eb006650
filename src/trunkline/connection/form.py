"""How the frames of a connection look: connections of one form are sent the same bytes."""

from __future__ import annotations

from typing import NamedTuple

from trunkline.limits import SHARED_WINDOW_BITS
from trunkline.protocol.deflate import SMALLEST_ZLIB_WINDOW
from trunkline.protocol.extensions import DeflateParameters
from trunkline.protocol.role import Role


class Form(NamedTuple):
    """What an encoded message depends on, where it does not depend on the connection itself."""

    window_bits: int | None
    """Of the compressor; `None` where nothing is compressed."""

    min_compress: int
    """Bytes below which a message is sent plain."""


PLAIN = Form(None, 0)


def form_of(role: Role, deflate: DeflateParameters | None, min_compress: int) -> Form | None:
    """Give the form of a connection's frames, or `None` where they are nobody else's.

    A client masks each frame with a key of its own (RFC 6455 §5.3), and with context takeover a
    message refers to those before it (RFC 7692 §7.1.1).

    Args:
        role: this side of the connection.
        deflate: what was agreed on.
        min_compress: bytes below which a message is sent plain.
    """
    if role.masks:
        return None
    if deflate is None:
        return PLAIN
    if not deflate.server.no_context_takeover:
        return None
    # What was compressed with a small window is read with any larger one.
    bits = min(deflate.server.max_window_bits, SHARED_WINDOW_BITS)
    return Form(max(bits, SMALLEST_ZLIB_WINDOW), min_compress)
