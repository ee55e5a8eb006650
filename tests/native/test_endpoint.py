"""The compiled endpoint: what it is beyond the contract.

What both twins promise is in tests/protocol/test_endpoint.py.
"""

from __future__ import annotations

import gc
import importlib
import sys
import weakref
from array import array
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.native.starving import check_starving
from trunkline.engines.choose import deflate_class
from trunkline.errors import PayloadTooBig
from trunkline.limits import DEFAULT_LIMITS, Limits
from trunkline.native import MODULES
from trunkline.protocol import endpoint as reference
from trunkline.protocol.closing import State
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.events import Binary, Event, Failed, Ping, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

if "endpoint" in MODULES:
    from trunkline.native.endpoint import Endpoint
    from trunkline.native.masking import new_mask_key

pytestmark = needs("endpoint")

KEY = bytes.fromhex("37fa213d")
FORGETS = DeflateParameters(server=Direction(True), client=Direction(True))


def client(limits: Limits = DEFAULT_LIMITS) -> Endpoint:
    """Make a side that reads what is not masked."""
    return Endpoint(Role.CLIENT, limits, (), lambda: KEY)


def test_an_idle_endpoint_takes_120_bytes_at_the_most() -> None:
    assert sys.getsizeof(Endpoint(Role.SERVER)) <= 120


def test_both_twins_have_the_same_methods() -> None:
    def public(twin: type[Any]) -> set[str]:
        return {name for name in dir(twin) if not name.startswith("_")}

    assert public(Endpoint) - public(reference.Endpoint) == {"state", "is_open"}
    assert public(reference.Endpoint) <= public(Endpoint)


def test_it_is_open_until_a_side_says_otherwise() -> None:
    endpoint = client()
    assert endpoint.is_open
    endpoint.send_close(1000)
    assert not endpoint.is_open
    endpoint = client()
    endpoint.receive_end()
    assert not endpoint.is_open


def test_the_state_is_not_set_from_outside() -> None:
    with pytest.raises(AttributeError):
        client().state = State.CLOSED  # type: ignore[misc]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: array("B", data)])
def test_any_bytes_can_be_received_and_sent(kind: Any) -> None:
    assert client().receive_bytes(kind(b"\x81\x02Hi")) == [Text("Hi")]
    assert Endpoint(Role.SERVER).send_binary(kind(b"Hi")) == b"\x82\x02Hi"


def test_what_is_received_stays_as_it_is() -> None:
    masked = bytearray(client().send_text("x" * 200))
    before = bytes(masked)
    assert Endpoint(Role.SERVER).receive_bytes(masked) == [Text("x" * 200)]
    assert masked == before


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 200_000])
def test_mask_keys_may_come_from_the_pool(size: int) -> None:
    sender = Endpoint(Role.CLIENT, new_mask_key=new_mask_key)
    frames = [sender.send_binary(bytes(size)) for _ in range(2)]
    assert frames[0][:2] == frames[1][:2]
    assert frames[0] != frames[1]
    receiver = Endpoint(Role.SERVER)
    assert receiver.receive_bytes(b"".join(frames)) == [Binary(bytes(size))] * 2


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde"])
def test_a_mask_key_of_another_size_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="a mask key is 4 bytes"):
        Endpoint(Role.CLIENT, new_mask_key=lambda: key).send_text("x")


def test_a_source_of_mask_keys_that_fails_is_not_hidden() -> None:
    def no_key() -> bytes:
        raise OSError("no entropy")

    endpoint = Endpoint(Role.CLIENT, new_mask_key=no_key)
    with pytest.raises(OSError, match="no entropy"):
        endpoint.send_close(1000)
    assert endpoint.state is State.OPEN


@pytest.mark.parametrize("limit", [0, 1, 2**63 - 1, 2**63, 2**64, 2**100])
def test_limits_of_any_size_hold(limit: int) -> None:
    limits = Limits(max_size=limit, max_fragments=limit, min_compress=limit)
    endpoint = client(limits)
    expected = reference.Endpoint(Role.CLIENT, limits, (), lambda: KEY)
    data = b"\x01\x02He\x00\x03llo\x80\x00"
    assert str(endpoint.receive_bytes(data)) == str(expected.receive_bytes(data))
    assert endpoint.state is expected.state


def test_an_error_carries_its_numbers() -> None:
    (failed,) = client(Limits(max_size=10)).receive_bytes(b"\x82\x0b")
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, PayloadTooBig)
    assert (failed.error.size, failed.error.limit) == (11, 10)


def test_calls_of_wrong_types_are_refused() -> None:
    endpoint: Any = client()
    for call in (
        lambda: endpoint.receive_bytes("text"),
        lambda: endpoint.send_text(b"bytes"),
        lambda: endpoint.send_text(None),
        lambda: endpoint.send_binary("text"),
        lambda: endpoint.send_close(1000, None),
    ):
        with pytest.raises(TypeError):
            call()
    assert endpoint.receive_bytes(b"\x81\x02Hi") == [Text("Hi")]


# What happens between the events of one read


class Meddling(PerMessageDeflate):
    """A deflate during which something else happens to the endpoint."""

    endpoint: Endpoint
    what: str
    seen: list[Event]

    def inflate(self, data: bytes, room: int | None) -> Any:
        yield b"before "
        if self.what == "end":
            self.endpoint.receive_end()
        elif self.what == "close":
            self.endpoint.send_close(1000)
        else:
            self.seen += self.endpoint.receive_bytes(bytes.fromhex(self.what))
        yield b"after"

    def finish_inflating(self, room: int | None) -> Any:
        return iter(())


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("end", State.CLOSED),
        ("close", State.CLOSE_SENT),
        ("8900", State.OPEN),
        ("8300", State.FAILED),
        ("880203e8", State.CLOSE_RECEIVED),
        ("8000", State.OPEN),
        ("c103616263", State.OPEN),
    ],
)
@pytest.mark.parametrize("frame", ["c103616263", "41026162", "c10a616263"])
def test_nothing_breaks_when_something_happens_while_a_message_is_inflated(
    what: str, state: State, frame: str
) -> None:
    """Which events come is nobody's promise; memory stays whole, and the end is the end."""
    deflate = Meddling(Role.CLIENT, FORGETS)
    deflate.what, deflate.seen = what, []
    endpoint = Endpoint(Role.CLIENT, Limits(), [deflate], lambda: KEY)
    deflate.endpoint = endpoint
    if what == "c103616263":
        deflate.what = "8900"
    events = endpoint.receive_bytes(bytes.fromhex(frame))
    assert all(isinstance(event, Event) for event in events + deflate.seen)
    if state in (State.CLOSED, State.FAILED, State.CLOSE_RECEIVED):
        assert endpoint.state in (state, State.FAILED)
        assert endpoint.receive_bytes(b"\x89\x00") == []
    assert isinstance(endpoint.state, State)


@pytest.mark.parametrize("role", list(Role))
def test_an_endpoint_has_no_head_for_the_collector_and_needs_none(role: Role) -> None:
    class Keys:
        def __call__(self) -> bytes:
            return KEY

    keys = Keys()
    gone = weakref.ref(keys)
    endpoint = Endpoint(role, new_mask_key=keys)
    endpoint.receive_bytes(b"\x01\x05He" if role.masks else b"\x01\x85abcd\0")
    assert not gc.is_tracked(endpoint) and sys.getsizeof(endpoint) <= 64
    del keys, endpoint
    assert gone() is None


# No memory


def frames(*parts: tuple[int, bytes]) -> bytes:
    """Encode frames by their first bytes; they are masked."""
    return b"".join(
        encode_frame(
            Opcode(first & 0x0F),
            payload,
            fin=bool(first & 0x80),
            rsv1=bool(first & 0x40),
            mask_key=KEY,
        )
        for first, payload in parts
    )


STREAMS = {
    "whole": frames((0x81, "Hello €".encode()), (0x82, bytes(3000)), (0x89, b"ping")),
    "fragments": frames(
        (0x01, "€".encode()), (0x89, b""), (0x00, b"x" * 3000), (0x80, b"y" * 9000)
    ),
    "large": frames((0x82, bytes(5_000_000))),
    "not text": frames((0x81, b"\xff")),
    "out of place": frames((0x80, b"x")),
    "reserved": frames((0xA1, b"x")),
    "close": frames((0x88, b"\x03\xe8bye")),
    "compressed": frames((0x41, b"\xf2\x48\xcd"), (0x80, b"\xc9\xc9\x07\x00")),
}


def receive_without(allocation: int, testcapi: Any, reads: list[bytes]) -> bool:
    """Receive `reads` while one allocation fails; say whether that was noticed."""
    # What inflates is compiled as well: a tracer of Python may not survive this.
    deflate = deflate_class()(Role.SERVER, FORGETS)
    endpoint = Endpoint(Role.SERVER, Limits(max_size=None), [deflate])
    testcapi.set_nomemory(allocation, allocation + 1)
    try:
        for read in reads:
            endpoint.receive_bytes(read)
    except MemoryError:
        return True
    finally:
        testcapi.remove_mem_hooks()
    # Whatever it was that failed: the endpoint can still be used, and be freed.
    assert isinstance(endpoint.receive_bytes(STREAMS["whole"]), list)
    endpoint.receive_end()
    assert endpoint.state is State.CLOSED
    return False


def starve() -> None:
    """Let every allocation of every stream in two cuts fail; called in a process of its own."""
    testcapi = importlib.import_module("_testcapi")
    for stream in STREAMS.values():
        for cut in (0, 1, 7, 2000):
            reads = [stream[:cut], stream[cut:]]
            noticed = [receive_without(k, testcapi, reads) for k in range(100)]
            assert any(noticed)
            assert not noticed[-1]


def test_an_allocation_that_fails_is_a_memory_error_and_no_crash() -> None:
    check_starving(__name__)


# Numbers that both sides know


def test_the_numbers_of_the_opcodes_are_those_of_the_reference() -> None:
    server = Endpoint(Role.SERVER)
    first_bytes = [
        server.send_text("")[0],
        server.send_binary(b"")[0],
        server.send_ping()[0],
        server.send_pong()[0],
        server.send_text("", fin=False)[0],
        server.send_continuation(b"", fin=True)[0],
        server.send_close()[0],
    ]
    names = [Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG]
    assert first_bytes == [
        *(0x80 | opcode for opcode in names),
        Opcode.TEXT,
        0x80 | Opcode.CONTINUATION,
        0x80 | Opcode.CLOSE,
    ]


def test_a_ping_between_two_reads_of_its_bytes_is_one_ping() -> None:
    endpoint = client()
    assert endpoint.receive_bytes(b"\x89") == []
    assert endpoint.receive_bytes(b"\x04pi") == []
    assert endpoint.receive_bytes(b"ng\x8a") == [Ping(b"ping")]
