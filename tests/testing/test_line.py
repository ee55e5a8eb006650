"""What can befall a line between a client and a server."""

from __future__ import annotations

import asyncio

import pytest

from trunkline import UsageError
from trunkline.testing.clock import Clock
from trunkline.testing.line import Line, Toward, bytes_before_loss


class Peer(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.data = b""
        self.losses: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.losses.append(exc)


class Call:
    """A line with somebody at both ends."""

    def __init__(self) -> None:
        self.gone: list[Line] = []
        self.line = Line(asyncio.get_running_loop(), "client", "server", self.gone.append)
        self.client, self.server = Peer(), Peer()
        self.line.client.set_protocol(self.client)
        self.line.server.set_protocol(self.server)

    def talk(self) -> None:
        self.line.client.write(b"up")
        self.line.server.write(b"down")

    @property
    def heard(self) -> tuple[bytes, bytes]:
        return self.server.data, self.client.data


async def test_both_ends_hear_each_other_and_know_where_they_are() -> None:
    clock = Clock()
    with clock.drive():
        call = Call()
        call.talk()
        await clock.settle()
        assert call.heard == (b"up", b"down")
        assert call.line.passed(Toward.SERVER) == 2
        assert call.line.passed(Toward.CLIENT) == 4
        names = ("sockname", "peername", "line")
        assert [call.line.client.get_extra_info(name) for name in names] == [
            "client", "server", call.line,
        ]  # fmt: skip
        assert [call.line.server.get_extra_info(name) for name in names] == [
            "server", "client", call.line,
        ]  # fmt: skip


async def test_a_cut_is_a_reset_for_both_and_takes_what_is_under_way() -> None:
    clock = Clock()
    with clock.drive():
        call = Call()
        call.talk()
        call.line.cut()
        call.line.cut()
        assert call.client.losses == []
        await clock.settle()
        assert call.heard == (b"", b"")
        for peer in (call.client, call.server):
            assert [type(error) for error in peer.losses] == [ConnectionResetError]
        assert call.gone == [call.line]


async def test_a_line_is_cut_after_so_many_bytes_of_one_direction() -> None:
    clock = Clock()
    with clock.drive():
        call = Call()
        call.line.cut_after(3, toward=Toward.CLIENT)
        call.talk()
        await clock.settle()
        assert call.heard == (b"up", b"dow")
        assert call.gone == [call.line]
        with pytest.raises(UsageError, match="a line cannot be cut after -1 bytes"):
            call.line.cut_after(-1, toward=Toward.SERVER)


@pytest.mark.parametrize(
    ("toward", "heard"),
    [
        ([], (b"", b"")),
        ([Toward.SERVER], (b"", b"down")),
        ([Toward.CLIENT], (b"up", b"")),
        ([Toward.CLIENT, Toward.SERVER], (b"", b"")),
    ],
)
async def test_a_line_stalls_in_one_direction_or_in_both(
    toward: list[Toward], heard: tuple[bytes, bytes]
) -> None:
    clock = Clock()
    with clock.drive():
        call = Call()
        call.line.stall(*toward)
        call.talk()
        await clock.advance(1000.0)
        assert call.heard == heard
        assert call.client.losses == call.server.losses == []
        call.line.flow(*toward)
        await clock.settle()
        assert call.heard == (b"up", b"down")


async def test_a_line_is_late_in_one_direction_or_in_both() -> None:
    clock = Clock()
    with clock.drive():
        call = Call()
        call.line.delay(1.0)
        call.line.delay(2.0, Toward.CLIENT)
        call.talk()
        await clock.advance(1.5)
        assert call.heard == (b"up", b"")
        await clock.advance(1.0)
        assert call.heard == (b"up", b"down")
        with pytest.raises(UsageError, match="a delay is 0 or more seconds"):
            call.line.delay(-1.0)


async def lost_after(probability: float, seed: int) -> bytes:
    """Give what arrives of a thousand bytes."""
    clock = Clock()
    with clock.drive():
        call = Call()
        call.line.lose(probability, seed)
        call.line.client.write(bytes(1000))
        await clock.settle()
        assert bool(call.gone) == (len(call.server.data) < 1000)
        return call.server.data


async def test_the_same_seed_loses_the_line_at_the_same_byte() -> None:
    sizes = [len(await lost_after(0.01, seed)) for seed in range(20)]
    assert sizes == [len(await lost_after(0.01, seed)) for seed in range(20)]
    assert len(set(sizes)) > 10
    assert len(await lost_after(0.0, 1)) == 1000
    assert await lost_after(1.0, 1) == b""
    with pytest.raises(UsageError, match="a probability is from 0 to 1, not 2"):
        await lost_after(2, 1)


@pytest.mark.parametrize(
    ("probability", "drawn", "size"),
    [(0, 0.5, None), (1, 0.5, 0), (0.5, 0.0, 0), (0.5, 0.49, 0), (0.5, 0.51, 1), (0.5, 0.76, 2)],
)
def test_each_byte_has_the_same_chance(probability: float, drawn: float, size: int | None) -> None:
    assert bytes_before_loss(probability, drawn) == size
