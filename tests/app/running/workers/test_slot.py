import os
import socket
from pathlib import Path

import pytest

from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.place import Place
from trunkline.app.running.workers.slot import NOT_PLANNED, Slot, addresses_of, open_slots
from trunkline.limits import RESTART

ANYWHERE = Place(host="127.0.0.1", port=0)


def test_places_have_sockets_of_their_own_at_one_address() -> None:
    with open_slots(ANYWHERE, 2, {}) as slots:
        one, other = (slot.sockets[0] for slot in slots)
        assert one.fileno() != other.fileno()
        assert one.getsockname() == other.getsockname()
        assert [slot.number for slot in slots] == [1, 2]
        assert not slots[0].shares_sockets
        port = one.getsockname()[1]
        assert addresses_of(slots, "http") == [f"http://127.0.0.1:{port}"]
    assert one.fileno() == other.fileno() == -1


def test_a_unix_socket_is_shared_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with open_slots(Place(path=str(path)), 2, {}) as slots:
        assert slots[0].sockets is slots[1].sockets
        assert slots[0].shares_sockets
        assert path.exists()
    assert not path.exists()


def test_a_given_socket_is_shared_and_its_path_stays(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        with open_slots(Place(fd=os.dup(sock.fileno())), 2, {}) as slots:
            assert slots[0].shares_sockets
    assert path.exists()


def test_a_taken_address_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place(host="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(StartFailure, match="is taken"), open_slots(place, 2, {}):
            pass


def test_after_the_first_crash_the_next_one_starts_at_once_in_the_same_sockets() -> None:
    with open_slots(ANYWHERE, 1, {}) as (slot,):
        before = slot.sockets
        assert slot.start_at == NOT_PLANNED
        slot.plan(100.0, slot.pause_after_crash(0.0))
        assert (slot.start_at, slot.sockets) == (100.0, before)


def test_during_a_pause_nobody_is_sent_to_its_sockets() -> None:
    with open_slots(ANYWHERE, 1, {}) as (slot,):
        before, name = slot.sockets, slot.sockets[0].getsockname()
        slot.plan(100.0, 2.0)
        assert slot.start_at == 102.0
        assert before[0].fileno() == -1
        assert slot.sockets[0].getsockname() == name


def test_a_shared_socket_stays_as_it_is() -> None:
    slot = Slot(1, [], shares_sockets=True)
    before = slot.sockets
    slot.plan(100.0, 2.0)
    assert slot.sockets is before


def test_pauses_grow_until_a_worker_has_lived_long_enough() -> None:
    slot = Slot(1, [], shares_sockets=True)
    assert [slot.pause_after_crash(0.0) for _ in range(4)] == [0.0, 0.5, 1.0, 2.0]
    assert slot.pause_after_crash(RESTART.stable_after) == 0.0
    assert slot.pause_after_crash(0.0) == 0.5
    assert [slot.pause_after_failed_start() for _ in range(2)] == [0.5, 1.0]
    assert slot.failed_starts == 2
