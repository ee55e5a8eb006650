"""Addresses of sockets as the kernel gives them, made into what Python's sockets give."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

FAMILY = struct.Struct("=H")
IPV4 = struct.Struct("!2xH4s")
IPV6 = struct.Struct("!2xHI16s")
SCOPE = struct.Struct("=I")


def parse_address(raw: bytes | None) -> Any:
    """Give `(host, port)`, `(host, port, flow, scope)` or a path; `None` where there is none."""
    if raw is None:
        return None
    (family,) = FAMILY.unpack_from(raw)
    if family == socket.AF_INET:
        port, host = IPV4.unpack_from(raw)
        return socket.inet_ntop(socket.AF_INET, host), port
    if family == socket.AF_INET6:
        port, flow, host = IPV6.unpack_from(raw)
        (scope,) = SCOPE.unpack_from(raw, IPV6.size)
        return socket.inet_ntop(socket.AF_INET6, host), port, flow, scope
    return parse_path(raw[FAMILY.size :])


def parse_path(raw: bytes) -> str | bytes:
    """Give the path of a Unix socket; an abstract one, which begins with a zero, as bytes."""
    if raw.startswith(b"\0"):
        return raw
    return os.fsdecode(raw.partition(b"\0")[0])
