"""Where an application listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Host and port, or a Unix socket, or one that somebody else has opened.

    Args:
        host: address to listen at, or several; `None` for every interface.
        port: 0 for one that is free.
        path: of a Unix socket.
        fd: number of an inherited socket.
        reuse_port: whether somebody else may listen at the same port.

    Raises:
        TypeError: the port is not a number.
        ValueError: there is no such port, or there are two places.
    """

    host: str | Sequence[str] | None = None
    port: int | None = None
    path: str | None = None
    fd: int | None = None
    reuse_port: bool = False

    def __post_init__(self) -> None:
        if self.port is not None and not isinstance(self.port, int):
            raise TypeError(f"port is a whole number, not {self.port!r}")
        if self.path is not None and self.fd is not None:
            raise ValueError(f"there are two places: path {self.path!r} and descriptor {self.fd}")
        if self.port is not None and not 0 <= self.port <= HIGHEST_PORT:
            raise ValueError(f"port is {self.port:,}, limit {HIGHEST_PORT:,}")

    def __str__(self) -> str:
        if self.fd is not None:
            return f"descriptor {self.fd}"
        if self.path is not None:
            return self.path
        host = self.host if isinstance(self.host, str | None) else ", ".join(self.host)
        return f"{host or '*'}:{self.port}"
