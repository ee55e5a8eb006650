import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.app.listening.systemd import (
    Notifier,
    forget_descriptors,
    passed_descriptors,
    watchdog_interval,
)


@pytest.mark.parametrize(
    ("environ", "descriptors"),
    [
        ({}, []),
        ({"LISTEN_PID": "7", "LISTEN_FDS": "2"}, [3, 4]),
        ({"LISTEN_PID": "8", "LISTEN_FDS": "2"}, []),
        ({"LISTEN_PID": "7", "LISTEN_FDS": "many"}, []),
    ],
)
def test_descriptors_are_for_the_process_that_is_named(
    environ: dict[str, str], descriptors: list[int]
) -> None:
    assert list(passed_descriptors(environ, 7)) == descriptors


def test_no_other_program_takes_them() -> None:
    environ = {"LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "PATH": "/"}
    forget_descriptors(environ)
    assert environ == {"PATH": "/"}


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_two_signs_of_life_are_given_in_each_interval(
    environ: dict[str, str], seconds: float | None
) -> None:
    assert watchdog_interval(environ, 7) == seconds


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"\0trunkline-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name)
        sock.setblocking(False)
        yield sock


def variable_for(sock: socket.socket) -> str:
    name = sock.getsockname()
    return f"@{name[1:].decode()}" if isinstance(name, bytes) else str(name)


def test_whoever_has_started_the_service_is_told_how_it_is(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": variable_for(manager)})
    notifier.ready()
    notifier.alive()
    notifier.reloading()
    notifier.stopping()
    told = [manager.recv(1000).decode() for _ in range(4)]
    assert told[:2] == ["READY=1", "WATCHDOG=1"]
    assert told[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert told[3] == "STOPPING=1"
    assert notifier.interval is None


def test_a_watchdog_needs_a_socket_to_be_told_at() -> None:
    assert Notifier({"WATCHDOG_USEC": "2000000"}).interval is None
    assert Notifier({"WATCHDOG_USEC": "2000000", "NOTIFY_SOCKET": "/gone"}).interval == 1.0


def test_nobody_to_tell_is_no_error() -> None:
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": "/gone"}).ready()
