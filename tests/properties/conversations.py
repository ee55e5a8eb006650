"""What hypothesis makes conversations of: messages, cuts, broken frames, and who holds them."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st

from trunkline.limits import Limits
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Binary, Event, Failed, Ping, Pong, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

# For the properties that hunt for rare coincidences.
often = settings(max_examples=3 * settings().max_examples)

MASK_KEY = bytes.fromhex("37fa213d")

roles = st.sampled_from(list(Role))
directions = st.builds(Direction, st.booleans(), st.integers(8, 15))
parameters = st.none() | st.builds(DeflateParameters, server=directions, client=directions)
small_limits = st.builds(
    Limits,
    max_size=st.none() | st.integers(0, 200),
    max_fragments=st.integers(1, 6),
)


def other(role: Role) -> Role:
    """Give the role of the peer."""
    return Role.CLIENT if role is Role.SERVER else Role.SERVER


def make_endpoint(role: Role, limits: Limits, agreed: DeflateParameters | None) -> Endpoint:
    """Make one side; a client's mask keys are all the same."""
    extensions = [] if agreed is None else [PerMessageDeflate(role, agreed)]
    return Endpoint(role, limits, extensions, lambda: MASK_KEY)


def outcome(event: Event) -> object:
    """Give what two equal events share; an error is no value that could be compared."""
    if isinstance(event, Failed):
        return type(event.error), event.error.code, str(event.error)
    return event


# Cuts


@st.composite
def pieces_of(draw: st.DrawFn, data: bytes, max_cuts: int = 12) -> list[bytes]:
    """Cut `data` anywhere; some pieces may be empty."""
    places = st.integers(0, len(data))
    cuts = sorted(draw(st.lists(places, max_size=max_cuts)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def by_the_byte(data: bytes) -> list[bytes]:
    """Cut `data` everywhere."""
    return [data[index : index + 1] for index in range(len(data))]


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Change, drop or add up to three bytes."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(changed)))
        dropped = draw(st.integers(0, 2))
        changed[place : place + dropped] = draw(st.binary(max_size=2))
    return bytes(changed)


# Messages


@dataclass(frozen=True)
class Message:
    """A message as it is sent: its fragments, and the control frames after each of them."""

    first: str | bytes
    rest: tuple[bytes, ...]
    between: tuple[Ping | Pong, ...]
    is_compressed: bool

    def frames(self, endpoint: Endpoint) -> Iterator[bytes]:
        """Encode it, frame by frame; control frames stand behind the first fragment."""
        fin, compress = not self.rest, self.is_compressed
        if isinstance(self.first, str):
            yield endpoint.send_text(self.first, fin=fin, compress=compress)
        else:
            yield endpoint.send_binary(self.first, fin=fin, compress=compress)
        for control in self.between:
            yield send_control(endpoint, control)
        for index, payload in enumerate(self.rest, start=1):
            yield endpoint.send_continuation(payload, fin=index == len(self.rest))

    def events(self) -> list[Event]:
        """Give what a peer makes of it."""
        if isinstance(self.first, str):
            whole: Event = Text(self.first + b"".join(self.rest).decode())
        else:
            whole = Binary(self.first + b"".join(self.rest))
        return [*self.between, whole] if self.rest else [whole, *self.between]

    def size(self) -> int:
        """Give its bytes."""
        first = self.first.encode() if isinstance(self.first, str) else self.first
        return len(first) + sum(map(len, self.rest))


def send_control(endpoint: Endpoint, control: Ping | Pong) -> bytes:
    """Encode a ping or a pong."""
    send = endpoint.send_ping if isinstance(control, Ping) else endpoint.send_pong
    return send(control.payload)


texts = st.text(max_size=40) | st.builds(
    lambda text, times: text * times, st.text(max_size=10), st.integers(0, 100)
)
binaries = st.binary(max_size=40) | st.builds(
    lambda data, times: data * times, st.binary(max_size=10), st.integers(0, 100)
)
controls = st.builds(Ping, st.binary(max_size=125)) | st.builds(Pong, st.binary(max_size=125))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Draw a message of text or bytes, whole or in fragments cut anywhere."""
    is_text = draw(st.booleans())
    payload = texts if is_text else binaries
    rest: list[bytes] = []
    if draw(st.booleans()):
        later = draw(payload)
        rest = draw(pieces_of(later.encode() if isinstance(later, str) else later, max_cuts=4))
    return Message(
        draw(payload), tuple(rest), tuple(draw(st.lists(controls, max_size=2))), draw(st.booleans())
    )


# Frames that may be wrong

FIRST_BYTES = [
    *(0x00, 0x80, 0x01, 0x81, 0x02, 0x82),
    *(0x41, 0xC1, 0x42, 0xC2, 0x40, 0xC0),
    *(0x88, 0x89, 0x8A, 0x09, 0xC9),
]
TEXT_BYTES = [
    *(b"Hello", "€".encode(), "😀".encode(), b"\xe2\x82", b"\x82", b"\xf0\x9f", b"\xed\xa0"),
    *(b"\xff", b"\x03\xe8", b"\x03\xed", b"\x03\xe8bye\xff", b"x" * 100),
]


def deflated(data: bytes, flush: int) -> bytes:
    """Compress as any peer might."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush(flush)


short_payloads = st.sampled_from(TEXT_BYTES) | st.binary(max_size=30)
deflated_payloads = st.builds(
    deflated,
    short_payloads | st.builds(bytes, st.integers(0, 400)),
    st.sampled_from([zlib.Z_SYNC_FLUSH, zlib.Z_FINISH, zlib.Z_NO_FLUSH]),
).flatmap(lambda data: st.sampled_from([data, data.removesuffix(b"\0\0\xff\xff"), data + b"\0"]))
payloads = short_payloads | deflated_payloads | deflated_payloads.flatmap(mutated)


@st.composite
def loose_frames(draw: st.DrawFn, receiver: Role) -> bytes:
    """Draw a frame that has the right mask, mostly, and anything else at will."""
    first = draw(st.sampled_from(FIRST_BYTES) | st.integers(0, 255))
    payload = draw(payloads)
    is_masked = not receiver.masks if draw(st.integers(0, 30)) else receiver.masks
    length, mask = len(payload), 0x80 * is_masked
    if length < 126:
        head = bytes([first, mask | length])
    else:
        head = bytes([first, mask | 126]) + length.to_bytes(2)
    # A key of zeroes changes nothing, so that the payload stays what it is.
    return head + bytes(4 * is_masked) + payload


@st.composite
def loose_conversations(draw: st.DrawFn, receiver: Role) -> bytes:
    """Draw a stream that begins like a conversation and need not go on like one."""
    frames = draw(st.lists(loose_frames(receiver), max_size=6))
    return b"".join(frames) + draw(st.binary(max_size=12))


@st.composite
def valid_conversations(draw: st.DrawFn, receiver: Role, agreed: DeflateParameters | None) -> bytes:
    """Draw what a peer that keeps to the rules has sent."""
    sender = make_endpoint(other(receiver), Limits(min_compress=0), agreed)
    data = b"".join(
        frame
        for message in draw(st.lists(messages(), max_size=3))
        for frame in message.frames(sender)
    )
    return data + (sender.send_close(1000, "bye") if draw(st.booleans()) else b"")


Reader = Callable[[list[bytes]], object]


def same_in_any_cuts(read: Reader, data: bytes, cut: list[bytes]) -> object:
    """Read `data` at once, in `cut` and by the byte; give what came out, the same each time."""
    whole = read([data])
    assert read(cut) == whole
    assert read(by_the_byte(data)) == whole
    return whole
