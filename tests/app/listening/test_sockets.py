import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.place import Place
from trunkline.app.listening.sockets import (
    address_of,
    bind,
    bind_for_each,
    close_all,
    given_sockets,
    inherited_socket,
    renewed,
    twin,
)

ANYWHERE = Place(host="127.0.0.1", port=0)
Keep = Callable[[list[socket.socket]], list[socket.socket]]


@pytest.fixture
def keep() -> Iterator[Keep]:
    kept: list[socket.socket] = []

    def keep(sockets: list[socket.socket]) -> list[socket.socket]:
        kept.extend(sockets)
        return sockets

    yield keep
    close_all(kept)


# Given ones


def test_a_number_names_an_inherited_socket(keep: Keep) -> None:
    with socket.socket() as sock:
        fd = os.dup(sock.fileno())
    (taken,) = keep(given_sockets(Place(fd=fd), {}))
    assert taken.fileno() == fd and not taken.get_inheritable()


def test_sockets_of_systemd_are_taken_once(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def open_instead(fd: int) -> socket.socket:
        opened.append(fd)
        return socket.socket()

    monkeypatch.setattr("trunkline.app.listening.sockets.inherited_socket", open_instead)
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}
    assert len(keep(given_sockets(ANYWHERE, environ))) == 2
    assert opened == [3, 4]
    assert given_sockets(ANYWHERE, environ) == []


def test_a_descriptor_that_is_no_socket_is_told() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(StartFailure, match=f"descriptor {reading} is not a socket"):
            inherited_socket(reading)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_socket_of_datagrams_is_told() -> None:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with datagrams, pytest.raises(StartFailure, match="is not a socket of streams"):
        inherited_socket(datagrams.fileno())


# Bound ones


def test_a_taken_address_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailure, match=rf"^127\.0\.0\.1:{port} is taken"):
            bind(Place(host="127.0.0.1", port=port))


def test_each_process_has_its_own_socket_at_the_same_port(keep: Keep) -> None:
    sets = bind_for_each(ANYWHERE, 3)
    sockets = keep([sock for each in sets for sock in each])
    assert len({sock.getsockname() for sock in sockets}) == 1
    assert len({sock.fileno() for sock in sockets}) == 3


def test_a_port_that_another_program_shares_is_taken_all_the_same(keep: Keep) -> None:
    ((sock,),) = bind_for_each(ANYWHERE, 1)
    keep([sock])
    sock.listen()
    place = Place(host="127.0.0.1", port=sock.getsockname()[1])
    with pytest.raises(StartFailure, match="is taken"):
        bind_for_each(place, 2)
    place = Place(host="127.0.0.1", port=sock.getsockname()[1], reuse_port=True)
    keep([each for sockets in bind_for_each(place, 2) for each in sockets])


def test_a_port_that_is_named_is_taken_where_it_is_free(keep: Keep) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ((sock,),) = bind_for_each(Place(host="127.0.0.1", port=port), 1)
    keep([sock])
    assert sock.getsockname()[1] == port


def test_a_unix_socket_is_the_same_for_all(keep: Keep, tmp_path: Path) -> None:
    first, second = bind_for_each(Place(path=str(tmp_path / "socket")), 2)
    assert keep(first) is second


# Renewed ones


def accepted(sock: socket.socket) -> int:
    """Accept everybody who waits; give their number."""
    sock.setblocking(False)
    count = 0
    while True:
        try:
            sock.accept()[0].close()
        except OSError:
            return count
        count += 1


@pytest.mark.skipif(not os.path.exists("/proc"), reason="only Linux chooses among sockets")
def test_newcomers_go_to_others_while_one_is_not_listened_at(keep: Keep) -> None:
    (one,) = keep(bind(Place(host="127.0.0.1", port=0, reuse_port=True)))
    (other,) = keep([twin(one)])
    one.listen()
    other.listen()
    (one,) = keep(renewed([one]))
    clients = keep([socket.create_connection(other.getsockname()) for _ in range(20)])
    assert accepted(other) == len(clients)
    one.listen()
    keep([socket.create_connection(other.getsockname()) for _ in range(40)])
    assert accepted(one) > 0


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        (("127.0.0.1", 80), "ws://127.0.0.1:80"),
        (("::1", 80, 0, 0), "ws://[::1]:80"),
        ("/a/b", "the Unix socket /a/b"),
    ],
)
def test_addresses_look_like_those_of_clients(name: object, uri: str) -> None:
    listening = cast(socket.socket, SimpleNamespace(getsockname=lambda: name))
    assert address_of(listening, "ws") == uri
