"""Rates and counters, on every engine and loop: at the limit nothing happens, one above it does."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.contracts.meeting import HANG, HOST, Guests, meet, pair
from trunkline import (
    Connection,
    ConnectionClosedError,
    ConnectionClosedOK,
    Events,
    ServerConnection,
    Topic,
    broadcast,
    serve,
)
from trunkline.connection.depths import Depths, measure
from trunkline.limits import Excess, Limits, Rate
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.masking import apply_mask
from trunkline.protocol.opcodes import Opcode

pytestmark = pytest.mark.usefixtures("engine_name")

BURST = 7
NEVER = 1e6
"""Seconds in which one token comes: none does while a test lasts."""
SCARCE = Rate(1, per=NEVER, burst=BURST)
KEY = b"\1\2\3\4"
CLEAN_END = b"\x88\x82" + KEY + apply_mask(b"\x03\xe8", KEY)
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def text(data: str, *, fin: bool = True) -> bytes:
    return encode_frame(Opcode.TEXT, data.encode(), fin=fin, mask_key=KEY)


def more(data: str = "", *, fin: bool = False) -> bytes:
    return encode_frame(Opcode.CONTINUATION, data.encode(), fin=fin, mask_key=KEY)


PING = encode_frame(Opcode.PING, b"p", mask_key=KEY)
PONG = encode_frame(Opcode.PONG, b"p", mask_key=KEY)


class Ears(Events):
    """Writes down what it hears; shared by all connections of a server."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.dropped: list[Any] = []
        self.ends: list[tuple[int, str]] = []
        self.ws: Any = None
        self._changed = asyncio.Event()

    def _note(self, what: Any) -> None:
        self.heard.append(what)
        self._changed.set()

    def on_open(self, ws: Connection) -> None:
        self.ws = ws
        self._changed.set()

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self._note(data)

    def on_ping(self, ws: Connection, data: bytes) -> None:
        self._note(b"ping")

    def on_pong(self, ws: Connection, data: bytes) -> None:
        self._note(b"pong")

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        error = ws.closed()
        self.ends.append((error.code, error.reason))
        self._changed.set()

    def on_dropped(self, ws: Connection, data: str | bytes) -> None:
        self.dropped.append((ws is self.ws, data))

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


class Stranger:
    """A client that sends what it likes."""

    def __init__(self, sock: socket.socket, ears: Ears) -> None:
        self.sock = sock
        self.ears = ears
        self.answer = b""

    async def say(self, *frames: bytes) -> None:
        """Let frames arrive together."""
        await asyncio.get_running_loop().sock_sendall(self.sock, b"".join(frames))

    async def say_apart(self, *frames: bytes) -> None:
        """Let each frame arrive in a read of its own."""
        for frame in frames:
            before = self.traffic.bytes_received
            await self.say(frame)
            while self.traffic.bytes_received == before and not self.is_held:
                await asyncio.sleep(0)

    async def read(self, size: int) -> bytes:
        """Read so many bytes, or up to the end."""
        loop = asyncio.get_running_loop()
        data = b""
        while len(data) < size and (piece := await loop.sock_recv(self.sock, size - len(data))):
            data += piece
        return data

    @property
    def ws(self) -> Any:
        return self.ears.ws

    @property
    def traffic(self) -> Any:
        return self.ws._setting.traffic

    @property
    def is_held(self) -> bool:
        """Whether a rate lets the peer wait."""
        return bool(self.ws._link.meter is not None and self.ws._link.meter.is_holding)


async def spin(condition: Callable[[], object]) -> None:
    """Let the loop turn until something is so of which nobody is told."""
    while not condition():
        await asyncio.sleep(0)


@asynccontextmanager
async def stranger(behind: bytes = b"", **limits: Any) -> AsyncIterator[Stranger]:
    """Open a connection whose client is a bare socket."""
    ears = Ears()
    chosen = Limits(**({"ping_interval": None, "close_timeout": 1.0} | limits))
    server = serve(ears, HOST, 0, limits=chosen, compression=None)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(HANG), server:
        give_hook(server, ears)
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, server.sockets[0].getsockname())
            one = Stranger(sock, ears)
            await one.say(REQUEST, behind)
            while not one.answer.endswith(b"\r\n\r\n"):
                one.answer += await loop.sock_recv(sock, 1)
            await ears.until(lambda: ears.ws is not None)
            yield one
            one.ws.abort()


def give_hook(server: Any, ears: Ears) -> None:
    """Tell what is dropped, as an application has it told."""
    object.__setattr__(server._setting, "when_dropped", ears.on_dropped)


# Exactly so many


@pytest.mark.parametrize("is_one_read", [True, False])
async def test_a_burst_of_messages_does_not_make_the_peer_wait_and_one_more_does(
    is_one_read: bool,
) -> None:
    async with stranger(message_rate=SCARCE) as one:
        say = one.say if is_one_read else one.say_apart
        await say(*[text("x")] * BURST)
        await one.ears.until(lambda: len(one.ears.heard) == BURST)
        assert not one.is_held and not one.ws._stream.is_reading_paused
        await say(text("y"))
        await spin(lambda: one.is_held)
        assert one.ears.heard == ["x"] * BURST + ["y"]
        assert one.ws._stream.is_reading_paused
        assert (one.traffic.paused, one.traffic.dropped, one.traffic.closed) == (1, 0, 0)


async def test_a_burst_behind_the_handshake_counts_as_well() -> None:
    async with stranger(behind=text("x") * (BURST + 1), message_rate=SCARCE) as one:
        await spin(lambda: one.is_held)
        assert one.ears.heard == ["x"] * (BURST + 1)


@pytest.mark.parametrize("is_one_read", [True, False])
async def test_a_burst_of_messages_is_taken_and_one_more_dropped(is_one_read: bool) -> None:
    async with stranger(message_rate=SCARCE, on_excess=Excess.DROP) as one:
        say = one.say if is_one_read else one.say_apart
        await say(*[text("x")] * BURST, text("lost"), PING)
        await one.ears.until(lambda: b"ping" in one.ears.heard)
        assert one.ears.heard == ["x"] * BURST + [b"ping"]
        assert one.ears.dropped == [(True, "lost")]
        assert (one.traffic.messages_received, one.traffic.dropped) == (BURST, 1)
        assert not one.ws._stream.is_reading_paused


@pytest.mark.parametrize("is_one_read", [True, False])
async def test_a_burst_of_messages_is_taken_and_one_more_closes(is_one_read: bool) -> None:
    async with stranger(message_rate=SCARCE, on_excess=Excess.CLOSE) as one:
        say = one.say if is_one_read else one.say_apart
        await say(*[text("x")] * BURST)
        await one.ears.until(lambda: len(one.ears.heard) == BURST)
        await one.say(text("above"), text("behind"), PING)
        reason = b"over 1 messages per 1e+06 s, 7 at once"
        end = b"\x88" + bytes([len(reason) + 2]) + b"\x03\xf0" + reason
        assert await one.read(1 << 20) == end
        one.sock.close()
        await one.ears.until(lambda: one.ears.ends)
        assert one.ears.heard == ["x"] * BURST
        assert one.ears.ends == [(1008, reason.decode())]
        assert (one.traffic.closed, one.traffic.dropped, one.traffic.paused) == (1, 0, 0)


FRAME = len(text("x"))


@pytest.mark.parametrize("excess", list(Excess))
async def test_bytes_are_counted_to_the_last_one(excess: Excess) -> None:
    rate = Rate(1, per=NEVER, burst=3 * FRAME + 1)
    async with stranger(byte_rate=rate, on_excess=excess) as one:
        await one.say_apart(*[text("x")] * 3, text("y")[:1])
        assert one.ears.heard == ["x"] * 3 and not one.is_held
        await one.say(text("y")[1:])
        if excess is not Excess.CLOSE:
            await spin(lambda: one.is_held)
            assert one.ears.heard == ["x"] * 3 + ["y"]
        else:
            one.sock.shutdown(socket.SHUT_WR)
            await one.ears.until(lambda: one.ears.ends)
            assert one.ears.ends[0][0] == 1008 and one.ears.heard == ["x"] * 3


LARGE = 300_000
MORE_THAN_SOCKETS_HOLD = 32 << 20


@pytest.mark.parametrize("excess", list(Excess))
async def test_the_bytes_of_a_large_message_are_counted_where_they_are_received_in_place(
    excess: Excess,
) -> None:
    rate = Rate(1, per=NEVER, burst=LARGE // 2)
    async with stranger(byte_rate=rate, on_excess=excess) as one:
        sending = asyncio.create_task(one.say(text("x" * LARGE)))
        await spin(lambda: one.is_held or one.traffic.closed)
        assert one.is_held == (excess is not Excess.CLOSE)
        assert one.ears.heard in ([], ["x" * LARGE])
        assert one.traffic.bytes_received > LARGE // 2
        one.ws.abort()
        sending.cancel()
        await asyncio.wait([sending])


@pytest.mark.parametrize("excess", list(Excess))
@pytest.mark.parametrize("frame", [PING, PONG])
async def test_control_frames_are_counted(frame: bytes, excess: Excess) -> None:
    async with stranger(control_rate=SCARCE, on_excess=excess) as one:
        await one.say_apart(*[frame] * BURST)
        await one.ears.until(lambda: len(one.ears.heard) == BURST)
        assert not one.is_held
        await one.say(frame, text("end"))
        if excess is Excess.PAUSE:
            await spin(lambda: one.is_held)
            assert len(one.ears.heard) == BURST + 2
        elif excess is Excess.DROP:
            await one.ears.until(lambda: "end" in one.ears.heard)
            assert len(one.ears.heard) == BURST + 1 and one.traffic.dropped == 1
        else:
            one.sock.shutdown(socket.SHUT_WR)
            await one.ears.until(lambda: one.ears.ends)
            reason = "over 1 control frames per 1e+06 s, 7 at once"
            assert one.ears.ends == [(1008, reason)]
            assert len(one.ears.heard) == BURST


@pytest.mark.parametrize("excess", list(Excess))
@pytest.mark.parametrize("is_one_read", [True, False])
async def test_fragments_that_bring_nothing_are_counted(excess: Excess, is_one_read: bool) -> None:
    async with stranger(control_rate=SCARCE, on_excess=excess) as one:
        say = one.say if is_one_read else one.say_apart
        whole = [text("a", fin=False), *[more()] * (BURST - 1), more("b", fin=True)]
        await say(*whole, text("", fin=False), more("c"), more("d", fin=True), text(""))
        await one.ears.until(lambda: len(one.ears.heard) == 3)
        assert one.ears.heard == ["ab", "cd", ""] and not one.is_held
        await say(text("e", fin=False), more(fin=True))
        if excess is not Excess.CLOSE:
            await spin(lambda: one.is_held)
            assert one.ears.heard[3:] == ["e"]
        else:
            one.sock.shutdown(socket.SHUT_WR)
            await one.ears.until(lambda: one.ears.ends)
            assert one.ears.ends[0][0] == 1008


# Waiting


async def test_a_wait_is_as_long_as_the_debt_and_then_everything_comes() -> None:
    async with stranger(message_rate=Rate(1_000, burst=BURST)) as one:
        await one.say(*[text(str(number)) for number in range(300)])
        await one.ears.until(lambda: len(one.ears.heard) == 300)
        await one.say(text("behind"))
        await one.ears.until(lambda: "behind" in one.ears.heard)
        assert one.ears.heard[:300] == [str(number) for number in range(300)]
        assert one.traffic.paused >= 1 and one.traffic.dropped == 0


async def rest(one: Stranger) -> None:
    """Let the loop turn, so that what can be read is read."""
    for _ in range(20):
        await asyncio.sleep(0)


Step = Callable[[Stranger], None]
STEPS: dict[str, Step] = {
    "pause": lambda one: one.ws.pause_reading(),
    "resume": lambda one: one.ws.resume_reading(),
}


@pytest.mark.parametrize("steps", list(itertools.permutations(["pause", "hold", "resume"])))
async def test_a_user_who_resumes_does_not_end_the_wait_of_a_rate(steps: tuple[str, ...]) -> None:
    async with stranger(message_rate=SCARCE) as one:
        await one.say_apart(*[text("x")] * BURST)
        is_paused = False
        for step in steps:
            if step == "hold":
                await one.say(text("above"))
                if not is_paused:
                    await spin(lambda: one.is_held)
            else:
                STEPS[step](one)
                is_paused = step == "pause"
        await rest(one)
        await one.say(text("behind"))
        await rest(one)
        assert "behind" not in one.ears.heard
        assert one.ws._stream.is_reading_paused
        one.ws.resume_reading()
        await spin(lambda: one.is_held)
        assert one.ears.heard[: BURST + 1] == ["x"] * BURST + ["above"]


async def test_a_rate_that_is_paid_for_does_not_end_the_wait_of_a_user() -> None:
    async with stranger(message_rate=Rate(10, burst=1)) as one:
        await one.say(text("a"), text("b"))
        await spin(lambda: one.is_held)
        one.ws.pause_reading()
        await one.say(text("c"))
        while one.is_held:
            await asyncio.sleep(0)
        await rest(one)
        assert one.ears.heard == ["a", "b"] and one.ws._stream.is_reading_paused
        one.ws.resume_reading()
        await one.ears.until(lambda: len(one.ears.heard) == 3)


@pytest.mark.parametrize("reads_first", [True, False])
async def test_an_inbox_that_is_full_waits_for_itself(reads_first: bool) -> None:
    limits = Limits(message_rate=Rate(10, burst=4), max_queue=5, ping_interval=None)
    async with pair(limits=limits) as (client, server):
        for number in range(5):
            client.send_soon(str(number))
        link = server._link
        while not (link.is_reading_paused and link.meter.is_holding):
            await asyncio.sleep(0)
        if not reads_first:
            while link.meter.is_holding:
                await asyncio.sleep(0)
            assert server._stream.is_reading_paused
        got = [await server.recv() for _ in range(5)]
        assert got == ["0", "1", "2", "3", "4"] and not link.is_reading_paused
        client.send_soon("behind")
        assert await server.recv() == "behind"


@pytest.mark.parametrize("excess", list(Excess))
async def test_a_goodbye_is_heard_however_much_was_sent(excess: Excess) -> None:
    limits = Limits(message_rate=SCARCE, on_excess=excess)
    async with pair(limits=limits) as (client, server):
        for _ in range(BURST + (excess is Excess.PAUSE)):
            client.send_soon("x")
        for _ in range(BURST):
            await server.recv()
        server.close_soon()
        await client.wait_closed()
        await server.wait_closed()
        assert isinstance(server.closed(), ConnectionClosedOK)


async def test_who_waits_because_of_a_rate_is_neither_pinged_nor_blamed() -> None:
    async with stranger(message_rate=SCARCE, ping_interval=0.01, ping_timeout=0.01) as one:
        await one.say(*[text("x")] * (BURST + 1))
        await spin(lambda: one.is_held)
        before = one.traffic.bytes_sent
        await asyncio.sleep(0.3)
        assert one.ears.ends == [] and one.traffic.bytes_sent == before


async def test_a_client_may_have_rates_as_well() -> None:
    async with meet(flooding) as meeting:
        ws = await meeting.join(limits=Limits(message_rate=SCARCE, on_excess=Excess.CLOSE))
        for _ in range(BURST):
            assert await ws.recv() == "x"
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        assert caught.value.code == 1008


async def flooding(ws: ServerConnection) -> None:
    for _ in range(BURST + 1):
        await ws.send("x")
    await ws.wait_closed()


# Idle, and stalled


@pytest.mark.parametrize("said", [b"", PING])
async def test_a_connection_without_a_message_is_closed(said: bytes) -> None:
    async with stranger(idle_timeout=0.1) as one:
        talking = asyncio.create_task(repeat(one, said))
        await spin(lambda: not one.ws._link.can_send)
        talking.cancel()
        await asyncio.wait([talking])
        one.sock.setblocking(False)
        await one.say(CLEAN_END)
        await one.ears.until(lambda: one.ears.ends)
        assert one.ws.closed().sent.code == 1001
        assert one.ws.closed().sent.reason.endswith("limit 0.1 s")


async def repeat(one: Stranger, frame: bytes) -> None:
    while True:
        await one.say(frame)
        await asyncio.sleep(0)


def to_one(one: Stranger) -> None:
    one.ws.send_soon("x")


def to_all(one: Stranger) -> None:
    broadcast([one.ws], "x")


@pytest.mark.parametrize("send", [to_one, to_all])
async def test_a_connection_to_which_messages_are_sent_is_not_idle(send: Any) -> None:
    async with stranger(idle_timeout=0.4) as one:
        opened = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - opened < 1.0:
            send(one)
            await asyncio.sleep(0.02)
        assert one.ws._link.can_send


async def test_who_reads_nothing_is_given_up_however_little_waits() -> None:
    limits = {"max_stall": 0.05, "ping_interval": 0.05, "ping_timeout": 60.0}
    async with stranger(**limits, write_limit=1 << 30) as one:
        one.ws.send_soon(bytes(MORE_THAN_SOCKETS_HOLD))
        await one.ears.until(lambda: one.ears.ends)
        error = one.ws.closed()
        code, reason = error.code, error.reason
        assert code == 1013 and reason.startswith("the peer does not read: nothing has left for")


# Counting


async def test_everything_is_counted_on_both_sides() -> None:
    async with pair(compression=None) as (client, server):
        there, here = client._setting.traffic, server._setting.traffic
        await client.send("abc")
        await client.send(b"x" * 70_000)
        await client.send(["a", "b"])
        assert [len(await server.recv()) for _ in range(3)] == [3, 70_000, 2]
        topic = Topic()
        topic.subscribe(server)
        topic.publish("published")
        broadcast([server], "broadcast")
        await server.send("x" * 200)
        server.send_soon(bytearray(b"y" * 20_000))
        for _ in range(4):
            await client.recv()
        await client.ping()
        await server.pong(b"unasked")
        await server.ping()
        for sender, receiver, messages in ((there, here, 3), (here, there, 4)):
            assert sender.messages_sent == receiver.messages_received == messages
            assert sender.bytes_sent == receiver.bytes_received > 0
        assert (here.control_received, there.control_received) == (2, 3)


async def test_compressed_messages_are_counted_as_they_travel() -> None:
    async with pair() as (client, server):
        await client.send("a" * 10_000)
        assert await server.recv() == "a" * 10_000
        assert server._setting.traffic.bytes_received == client._setting.traffic.bytes_sent < 200
        assert client._setting.traffic.messages_sent == 1


async def test_connections_of_one_server_count_together() -> None:
    guests = Guests()
    async with meet(guests) as meeting:
        clients = [await meeting.join() for _ in range(3)]
        servers = [await guests.next() for _ in range(3)]
        settings: set[int] = {id(ws._setting) for ws in servers}
        assert len(settings) == 1
        topic = Topic()
        for ws in servers:
            topic.subscribe(ws)
        topic.publish("x")
        for client in clients:
            assert await client.recv() == "x"
        traffic = servers[0]._setting.traffic
        assert (traffic.messages_sent, traffic.bytes_sent) == (3, 9)


async def test_what_waits_is_found_by_looking() -> None:
    async with stranger(message_rate=SCARCE) as one:
        nothing = Depths(connections=1, unsent=0, writing_paused=0, reading_paused=0)
        assert measure([one.ws]) == nothing
        await one.say(*[text("x")] * (BURST + 1))
        await spin(lambda: measure([one.ws]).reading_paused)
        while not one.ws._stream.is_writing_paused:
            one.ws.send_soon(bytes(1 << 16))
            await asyncio.sleep(0)
        found = measure([one.ws])
        assert (found.writing_paused, found.unsent) == (1, one.ws.buffered_amount)
