import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.app.serving import HANG_GUARD, make_app
from trunkline import CloseCode, connect
from trunkline.app.listening.certificate import Certificate
from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.place import Place
from trunkline.app.listening.systemd import Notifier
from trunkline.app.running.alone import beat, make_server, serve_alone, serve_until_told
from trunkline.app.running.deadline import Deadline
from trunkline.app.running.run_options import RunOptions

ANYWHERE = Place(host="127.0.0.1", port=0)
OPTIONS = RunOptions(place=ANYWHERE)


def test_it_serves_until_a_signal_and_says_where() -> None:
    places: list[str] = []

    def say(place: str) -> None:
        places.append(place)
        os.kill(os.getpid(), signal.SIGTERM)

    serve_alone(make_app(), OPTIONS, say)
    (place,) = places
    assert place.startswith("http://127.0.0.1:")


async def test_a_signal_asks_everybody_to_leave() -> None:
    app, places = make_app(), asyncio.Queue[str]()
    deadline = Deadline(app.logger, lambda code: None)
    server = make_server(app, OPTIONS, [])()
    async with asyncio.timeout(HANG_GUARD):
        serving = asyncio.create_task(
            serve_until_told(app, server, OPTIONS, deadline, Notifier({}), places.put_nowait)
        )
        uri = (await places.get()).replace("http", "ws")
        ws = await connect(f"{uri}/echo")
        os.kill(os.getpid(), signal.SIGHUP)
        await ws.wait_closed()
        assert ws.close_code == CloseCode.SERVICE_RESTART
        await serving
    deadline.cancel()


def test_a_taken_address_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = RunOptions(place=Place(host="127.0.0.1", port=port))
        with pytest.raises(StartFailure, match=rf"^127\.0\.0\.1:{port} is taken"):
            serve_alone(make_app(), options, print)


def test_a_certificate_that_cannot_be_used_is_one_sentence() -> None:
    options = RunOptions(place=ANYWHERE, certificate=Certificate("gone"))
    with pytest.raises(StartFailure, match="cannot use the certificate gone"):
        serve_alone(make_app(), options, print)


def killing(places: list[str]) -> Callable[[str], None]:
    """Give what notes a place, and stops the server."""

    def say(place: str) -> None:
        places.append(place)
        os.kill(os.getpid(), signal.SIGTERM)

    return say


def test_an_inherited_socket_is_listened_at() -> None:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port, places = sock.getsockname()[1], list[str]()
    serve_alone(make_app(), RunOptions(place=Place(fd=sock.detach())), killing(places))
    assert places == [f"http://127.0.0.1:{port}"]


def test_a_certificate_makes_it_https(tmp_path: Path) -> None:
    file, places = tmp_path / "pem", list[str]()
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    options = RunOptions(place=ANYWHERE, certificate=Certificate(str(file)))
    serve_alone(make_app(), options, killing(places))
    assert places[0].startswith("https://127.0.0.1:")


async def test_a_watchdog_hears_a_sign_of_life_again_and_again() -> None:
    class Heart(Notifier):
        def __init__(self) -> None:
            self.interval = 0.0
            self.beats = 0
            self.enough = asyncio.Event()

        def alive(self) -> None:
            self.beats += 1
            if self.beats == 3:
                self.enough.set()

    heart = Heart()
    beating = asyncio.create_task(beat(heart))
    await heart.enough.wait()
    beating.cancel()


async def test_without_a_watchdog_nobody_is_told() -> None:
    await beat(Notifier({}))
