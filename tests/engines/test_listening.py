"""Listening sockets: every place or none, and nothing left open."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from trunkline.engines.engine import Address
from trunkline.engines.listening import (
    bind_path,
    bind_places,
    bind_sockets,
    hosts_of,
)

LOOPBACK = "127.0.0.1"


async def bind(**address: Any) -> list[socket.socket]:
    return await bind_sockets(asyncio.get_running_loop(), Address(**address))


def close(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


# A socket that is there


async def test_a_given_socket_is_taken_as_it_is() -> None:
    with socket.create_server((LOOPBACK, 0)) as sock:
        assert await bind(sock=sock) == [sock]
        assert not sock.getblocking()


async def test_several_given_sockets_are_taken_as_they_are() -> None:
    with socket.create_server((LOOPBACK, 0)) as one, socket.create_server((LOOPBACK, 0)) as other:
        assert await bind(shared=[one, other]) == [one, other]
        assert not (one.getblocking() or other.getblocking())


# Hosts


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        (None, (None,)),
        ("", (None,)),
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
    ],
)
def test_hosts_may_be_one_or_many(host: Any, hosts: tuple[str | None, ...]) -> None:
    assert hosts_of(Address(host=host)) == hosts


async def test_an_address_in_figures_is_bound() -> None:
    (sock,) = await bind(host=LOOPBACK, port=0)
    with sock:
        host, port = sock.getsockname()
        assert host == LOOPBACK and port > 0
        assert not sock.getblocking()
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


async def test_hosts_that_are_the_same_are_bound_once() -> None:
    sockets = await bind(host=[LOOPBACK, LOOPBACK, "127.0.0.2"], port=0)
    assert [sock.getsockname()[0] for sock in sockets] == [LOOPBACK, "127.0.0.2"]
    close(sockets)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_the_wildcard_is_that_of_the_family(family: int) -> None:
    (sock,) = await bind(host=None, port=0, family=family)
    with sock:
        assert sock.family == family
        assert sock.getsockname()[0] in ("0.0.0.0", "::")


async def test_both_wildcards_can_be_bound_to_one_port() -> None:
    (first,) = await bind(host=None, port=0, family=socket.AF_INET)
    with first:
        port = first.getsockname()[1]
        (second,) = await bind(host=None, port=port, family=socket.AF_INET6)
        with second:
            assert second.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


async def test_a_port_can_be_shared() -> None:
    (first,) = await bind(host=LOOPBACK, port=0, reuse_port=True)
    port = first.getsockname()[1]
    (second,) = await bind(host=LOOPBACK, port=port, reuse_port=True)
    assert second.getsockname() == first.getsockname()
    close([first, second])


async def test_a_taken_port_is_refused_by_name_and_nothing_stays_bound() -> None:
    (first,) = await bind(host=LOOPBACK, port=0)
    with first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(OSError) as caught:
            await bind(host=["127.0.0.2", LOOPBACK], port=port)
    assert caught.value.errno == errno.EADDRINUSE
    assert f"cannot listen at ('{LOOPBACK}', {port}): Address already in use" in str(caught.value)
    (again,) = await bind(host="127.0.0.2", port=port)
    again.close()


async def test_a_port_that_is_none_leaves_nothing_open() -> None:
    with pytest.raises(OverflowError):
        await bind(host=[LOOPBACK], port=65_536)
    gc.collect()  # an open socket would warn


async def test_a_name_that_nobody_knows_is_an_os_error() -> None:
    with pytest.raises(OSError):
        await bind(host="a" * 64 + ".invalid", port=0)


async def test_no_host_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no address to listen at"):
        await bind(host=[], port=0)


async def test_a_family_that_the_machine_has_not_is_left_out() -> None:
    absent = 10_000, ("::", 0)
    here = socket.AF_INET, (LOOPBACK, 0)
    (sock,) = bind_places([absent, here], None)
    assert sock.family == socket.AF_INET
    sock.close()
    with pytest.raises(OSError, match="no address to listen at"):
        bind_places([absent], None)


async def test_where_there_is_no_descriptor_nothing_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[socket.socket] = []

    class Scarce(socket.socket):
        def __init__(self, *args: Any) -> None:
            if made:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(socket, "socket", Scarce)
    with pytest.raises(OSError, match="Too many open files"):
        bind_places([(socket.AF_INET, (LOOPBACK, 0)), (socket.AF_INET6, ("::1", 0))], None)
    assert made[0].fileno() == -1


# Paths


async def test_a_path_is_bound(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    (sock,) = await bind(path=path)
    with sock:
        assert sock.getsockname() == path
        assert not sock.getblocking()


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    bind_path(path).close()
    with socket.socket(socket.AF_UNIX) as visitor, bind_path(path) as sock:
        sock.listen()
        visitor.connect(path)


def test_a_socket_at_which_somebody_listens_is_left_to_him(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with bind_path(path) as sock:
        sock.listen(0)
        for _ in range(2):  # the first look fills the backlog
            with pytest.raises(OSError, match="Address already in use"):
                bind_path(path)
        assert os.path.exists(path)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OSError, match=r"cannot listen at '.*precious': Address already in use"):
        bind_path(str(path))
    assert path.read_text() == "data"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"cannot listen at '.*nowhere/socket'"):
        bind_path(str(tmp_path / "nowhere" / "socket"))


def test_a_path_that_is_too_long_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="path too long"):
        bind_path(str(tmp_path / ("x" * 200)))
    gc.collect()  # an open socket would warn


def test_a_path_that_is_no_text_leaves_nothing_open() -> None:
    with pytest.raises(UnicodeEncodeError):
        bind_path("\0\ud800")
    gc.collect()  # an open socket would warn


@pytest.mark.skipif(not hasattr(socket, "SOCK_CLOEXEC"), reason="abstract names are Linux's own")
def test_an_abstract_name_is_bound() -> None:
    name = f"\0trunkline tests {os.getpid()}"
    with bind_path(name) as sock:
        assert sock.getsockname() == name.encode()
    bind_path(name).close()
