"""Options of TCP: set where they are known, and no harm done elsewhere."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.engines.listening import bind_path
from trunkline.engines.tcp import TCP_NOTSENT_LOWAT, limit_unsent, switch_nagle_off
from trunkline.limits import NOT_SENT

LOOPBACK = "127.0.0.1"


# Nagle


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_small_writes_leave_at_once(family: int) -> None:
    with socket.socket(family) as sock:
        switch_nagle_off(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_other_sockets_and_closed_ones_are_left_alone() -> None:
    left, right = socket.socketpair()
    with left, right:
        switch_nagle_off(left)
    closed = socket.socket()
    closed.close()
    switch_nagle_off(closed)


def test_a_socket_that_was_reset_meanwhile_does_no_harm() -> None:
    def refuse(*option: int) -> None:
        raise OSError("reset")

    sock: Any = SimpleNamespace(family=socket.AF_INET, setsockopt=refuse)
    switch_nagle_off(sock)


# What waits in the kernel


@pytest.mark.skipif(TCP_NOTSENT_LOWAT is None, reason="this platform takes what it likes")
def test_what_is_accepted_inherits_how_little_waits_in_the_kernel() -> None:
    assert TCP_NOTSENT_LOWAT is not None
    with socket.create_server((LOOPBACK, 0)) as sock:
        limit_unsent(sock)
        with socket.create_connection(sock.getsockname()), sock.accept()[0] as accepted:
            limit = accepted.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT)
    assert limit == NOT_SENT


def test_a_unix_socket_has_no_such_limit(tmp_path: Path) -> None:
    with bind_path(str(tmp_path / "socket")) as sock:
        limit_unsent(sock)


def test_a_platform_without_the_option_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.engines.tcp.TCP_NOTSENT_LOWAT", None)
    with socket.create_server((LOOPBACK, 0)) as sock:
        limit_unsent(sock)
