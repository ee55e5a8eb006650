"""The race to a host: who wins, who is left, and that nobody's socket stays open."""

import asyncio
import errno
import os
import socket
from typing import Any

import pytest

from trunkline.engines import happy_eyeballs
from trunkline.engines.engine import Address
from trunkline.engines.happy_eyeballs import (
    interleave,
    numeric_place,
    open_socket,
    race,
    resolve,
    summary,
)

HANG_SECONDS = 20.0
FOUR, SIX = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def listener() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def settle() -> None:
    """Let cancelled attempts end."""
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)


class Track:
    """A loop whose connections begin and end as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = asyncio.get_running_loop()
        self.begun: list[str] = []
        self.sockets: list[socket.socket] = []
        self._ends: dict[str, asyncio.Future[None]] = {}
        monkeypatch.setattr(self.loop, "sock_connect", self._connect)

    def end(self, name: str) -> asyncio.Future[None]:
        return self._ends.setdefault(name, self.loop.create_future())

    async def _connect(self, sock: socket.socket, where: tuple[str, int]) -> None:
        self.begun.append(where[0])
        self.sockets.append(sock)
        await self.end(where[0])

    def run(self, *names: str) -> asyncio.Task[socket.socket]:
        places = [(int(FOUR), (name, 1)) for name in names]
        return self.loop.create_task(race(self.loop, places, ()))

    async def until_begun(self, count: int) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while len(self.begun) < count:
                await asyncio.sleep(0)


@pytest.fixture
async def track(monkeypatch: pytest.MonkeyPatch) -> Track:
    monkeypatch.setattr(happy_eyeballs, "HAPPY_EYEBALLS_DELAY", 0.0)
    return Track(monkeypatch)


# Places


@pytest.mark.parametrize(
    ("families", "order"),
    [
        ([], []),
        ([FOUR, FOUR], [0, 1]),
        ([SIX, SIX, FOUR], [0, 2, 1]),
        ([FOUR, SIX, SIX, FOUR, SIX], [0, 1, 3, 2, 4]),
    ],
)
def test_families_take_turns(families: list[int], order: list[int]) -> None:
    places = [(family, number) for number, family in enumerate(families)]
    assert [number for _, number in interleave(places)] == order


# Winning


async def test_a_host_is_connected_to(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    address = Address(host="localhost", port=port)
    with await open_socket(asyncio.get_running_loop(), address) as sock:
        assert sock.getpeername() == ("127.0.0.1", port)
        assert not sock.getblocking()


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("127.0.0.1", (FOUR, ("127.0.0.1", 80))),
        ("::1", (SIX, ("::1", 80, 0, 0))),
        ("fe80::1%lo", None),
        ("localhost", None),
    ],
)
def test_an_address_in_figures_needs_no_look_up(host: str, place: Any) -> None:
    assert numeric_place(host, 80) == place


async def test_an_address_of_another_family_than_asked_for_is_an_error() -> None:
    with pytest.raises(socket.gaierror):
        await resolve(asyncio.get_running_loop(), "127.0.0.1", 80, socket.AF_INET6)


async def test_the_local_address_may_be_chosen(listener: socket.socket) -> None:
    address = Address(host="127.0.0.1", port=listener.getsockname()[1], local_addr=("127.0.0.7", 0))
    with await open_socket(asyncio.get_running_loop(), address) as sock:
        assert sock.getsockname()[0] == "127.0.0.7"


async def test_a_local_address_of_another_family_is_refused(listener: socket.socket) -> None:
    place = (int(FOUR), listener.getsockname())
    local = (int(SIX), ("::1", 0, 0, 0))
    with pytest.raises(OSError, match="no local address is of the family AF_INET"):
        await race(asyncio.get_running_loop(), [place], [local])


async def test_the_first_that_answers_wins_and_the_others_are_closed(track: Track) -> None:
    running = track.run("slow", "fast", "unneeded")
    await track.until_begun(3)
    track.end("fast").set_result(None)
    with await running as sock:
        assert sock is track.sockets[1]
        await settle()
        assert [other.fileno() >= 0 for other in track.sockets] == [False, True, False]


async def test_of_two_that_answer_together_one_is_closed(track: Track) -> None:
    running = track.run("a", "b")
    await track.until_begun(2)
    track.end("a").set_result(None)
    track.end("b").set_result(None)
    with await running:
        await settle()
        assert sorted(sock.fileno() >= 0 for sock in track.sockets) == [False, True]


async def test_after_a_failure_the_next_begins_at_once(
    track: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happy_eyeballs, "HAPPY_EYEBALLS_DELAY", 3600.0)
    running = track.run("broken", "good")
    await track.until_begun(1)
    track.end("broken").set_exception(OSError("broken"))
    await track.until_begun(2)
    track.end("good").set_result(None)
    with await running as sock:
        assert sock is track.sockets[1]


async def test_the_last_that_is_left_may_still_win(track: Track) -> None:
    running = track.run("broken", "good")
    await track.until_begun(2)
    track.end("broken").set_exception(OSError("broken"))
    for _ in range(5):
        await asyncio.sleep(0)
    track.end("good").set_result(None)
    with await running as sock:
        assert sock is track.sockets[1]


# Losing


async def test_a_refused_connection_names_every_place() -> None:
    port = refused_port()
    places = [(int(FOUR), (host, port)) for host in ("127.0.0.1", "127.0.0.2")]
    with pytest.raises(ConnectionRefusedError, match=r"127\.0\.0\.1.*; .*127\.0\.0\.2"):
        await race(asyncio.get_running_loop(), places, ())


@pytest.mark.parametrize(
    ("host", "text"),
    [("::1", "family|known"), ("x" * 64, "is no host name"), ("a..b", "is no host name")],
)
async def test_a_name_that_cannot_be_looked_up_is_an_error(host: str, text: str) -> None:
    with pytest.raises(socket.gaierror, match=text):
        await open_socket(asyncio.get_running_loop(), Address(host=host, port=1, family=FOUR))


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused by a")
REFUSED_TOO = ConnectionRefusedError(errno.ECONNREFUSED, "refused by b")
UNREACHABLE = OSError(errno.ENETUNREACH, "unreachable")


@pytest.mark.parametrize(
    ("errors", "kind", "text"),
    [
        ([REFUSED, REFUSED_TOO], ConnectionRefusedError, "[Errno 111] refused by a; refused by b"),
        ([REFUSED, REFUSED], ConnectionRefusedError, "[Errno 111] refused by a"),
        ([REFUSED, UNREACHABLE], OSError, "refused by a; unreachable"),
        ([OSError("odd"), OSError("even")], OSError, "odd; even"),
    ],
)
def test_errors_are_summed_up(errors: list[OSError], kind: type[OSError], text: str) -> None:
    found = summary(errors)
    assert type(found) is kind
    assert str(found) == text


def test_the_only_error_is_given_as_it_is() -> None:
    assert summary([REFUSED]) is REFUSED


def test_a_mistake_is_not_hidden_among_errors_of_the_network() -> None:
    mistake = TypeError("oh")
    assert summary([mistake, REFUSED]) is mistake


# Calling off


@pytest.mark.parametrize("steps", range(12))
async def test_a_race_that_is_called_off_at_any_step_leaves_nothing(
    listener: socket.socket, steps: int
) -> None:
    before = open_descriptors()
    loop = asyncio.get_running_loop()
    place = (int(FOUR), listener.getsockname())
    running = loop.create_task(race(loop, [place, place], ()))
    for _ in range(steps):
        await asyncio.sleep(0)
    if running.cancel():
        with pytest.raises(asyncio.CancelledError):
            await running
    else:
        running.result().close()
    await settle()
    assert open_descriptors() == before


async def test_an_attempt_that_fails_after_the_end_is_forgotten(track: Track) -> None:
    unhandled: list[Any] = []
    track.loop.set_exception_handler(lambda _, context: unhandled.append(context))
    running = track.run("good", "broken")
    await track.until_begun(2)
    track.end("good").set_result(None)
    track.end("broken").set_exception(OSError("broken"))
    with await running:
        await settle()
    assert unhandled == []
