import errno
import socket

import pytest

from tests.cli.doctor.targets import PATIENCE, closed_port, place_at
from tests.client.scripted import hang, scripted
from trunkline.cli.doctor.probes import dialing
from trunkline.cli.doctor.probes.dialing import dial_all


async def test_every_address_is_dialed_and_one_socket_stays_open() -> None:
    async with scripted(hang) as port:
        places = [place_at(closed_port()), place_at(port), place_at(port)]
        refused, first, second = await dial_all(places, PATIENCE)
    assert isinstance(refused.error, OSError)
    assert refused.error.errno == errno.ECONNREFUSED
    assert first.sock is not None and second.sock is not None
    assert (first.sock.fileno() >= 0, second.sock.fileno() >= 0) == (True, False)
    first.sock.close()


async def test_an_address_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(dialing, "connect", never)
    (dial,) = await dial_all([place_at(1)], PATIENCE)
    assert isinstance(dial.error, TimeoutError)
