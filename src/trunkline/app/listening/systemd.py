"""What systemd gives to a service, and wants to hear of it.

sd_listen_fds(3) for sockets, sd_notify(3) and sd_watchdog_enabled(3) for messages.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

FIRST_DESCRIPTOR = 3
NAMES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")
NOTIFY_NAMES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
BEATS = 2
"""Signs of life within the time that systemd waits for one, as its manual recommends."""


def passed_descriptors(environ: Mapping[str, str], pid: int) -> range:
    """Give the numbers of the sockets that systemd has opened for a process.

    Args:
        environ: of the process.
        pid: its number: what is meant for another process is nothing for this one.
    """
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(pid) or not count.isdecimal():
        return range(0)
    return range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count))


def forget_descriptors(environ: MutableMapping[str, str]) -> None:
    """Let no other program that is started from here take them for its own."""
    for name in NAMES:
        environ.pop(name, None)


def watchdog_interval(environ: Mapping[str, str], pid: int) -> float | None:
    """Give the seconds between two signs of life; `None` where nobody wants one."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    is_ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    if not (is_ours and microseconds.isdecimal() and int(microseconds)):
        return None
    return int(microseconds) / 1e6 / BEATS


class Notifier:
    """Tells systemd, or whoever else has set NOTIFY_SOCKET, how the service is.

    Args:
        environ: of the process.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.interval = watchdog_interval(environ, os.getpid()) if self._address else None
        """Seconds between two calls of `alive()`; `None` where nobody waits for them."""

    def ready(self) -> None:
        """Everything serves."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """A rolling restart has begun; `ready()` ends it."""
        # sd_notify(3): with this time, systemd tells an old READY=1 from a new one
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """A drain has begun."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """The loop turns."""
        self._tell("WATCHDOG=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        # unix(7): an abstract name begins with a zero byte, for which @ stands in variables
        address = f"\0{self._address[1:]}" if self._address[0] == "@" else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(state.encode(), address)
