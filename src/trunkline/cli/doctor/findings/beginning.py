"""What speaks at a port, by the first bytes that came from it."""

from __future__ import annotations

import re

HTTP = "HTTP"
TLS = "TLS"
BEGINNINGS = (
    (re.compile(rb"HTTP/1\."), HTTP),
    # RFC 8446 §5.1: a record has a type, and a version that begins with 3
    (re.compile(rb"[\x14-\x17]\x03[\x00-\x04]"), TLS),
    # RFC 9113 §4.1, §3.4: a server's first frame are its settings
    (re.compile(rb"\x00\x00.\x04\x00\x00\x00\x00\x00", re.DOTALL), "HTTP/2"),
    (re.compile(rb"SSH-"), "SSH"),
    (re.compile(rb"220[ -]"), "mail or FTP"),
    (re.compile(rb"[-+](?:ERR|OK|DENIED|PONG)"), "Redis or mail"),
    (re.compile(rb"\s*<"), "HTML without an HTTP head"),
)


def protocol_of(beginning: bytes) -> str | None:
    """Name a protocol; `None` for one that is not known."""
    names = (name for pattern, name in BEGINNINGS if pattern.match(beginning))
    return next(names, None)


def beginning_words(beginning: bytes) -> str:
    """Say what came back, as far as anybody can tell."""
    if not beginning:
        return "nothing came back"
    name = protocol_of(beginning)
    return f"what came back is {name}" if name else f"what came back begins with {beginning!r}"
