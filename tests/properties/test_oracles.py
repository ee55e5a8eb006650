"""Outside oracles: what `websockets` and `wsproto` make of the same bytes.

Both twins must agree with them, except where DIFFERENCES tells why they need not.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Close as WebsocketsClose
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side
from websockets.protocol import State as WebsocketsState

from tests.contracts.twins import twins
from tests.properties import short_stories
from trunkline.close_codes import CloseCode
from trunkline.limits import Limits
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Binary, Close, Event, Failed, Ping, Pong, Text
from trunkline.protocol.role import Role

wsproto = pytest.importorskip("wsproto", reason="wsproto is not installed")

UNLIMITED = Limits(max_size=None, max_fragments=2**31)
KEY = bytes(4)
STORIES = 20  # in one example
many = settings(max_examples=max(200, settings().max_examples // 4))

# An end is a close frame, or the code that a peer which broke a rule is told.
Story = list[Event | int]
Oracle = Callable[[Role, bytes], Story]


def told_by(events: list[Event]) -> Story:
    """Give the story that one of our endpoints tells."""
    return [event.error.code if isinstance(event, Failed) else event for event in events]


# Why a twin refuses what an oracle takes, or takes until later: the text of its error, the oracles.
BY_THE_LENGTH = "RFC 6455 §5.2: the shortest form is the only one; websockets takes any"
AT_ONCE = (
    "RFC 6455 §8.1: text is refused at the first byte that cannot be right. The oracles decode it "
    "with Python, which waits for the third byte of a surrogate; websockets, for the whole frame"
)
BY_THE_REASON = "of a close frame with two mistakes websockets names the reason, we name the code"
INSIDE_A_MESSAGE = (
    "RFC 6455 §5.4: control frames may stand inside a fragmented message, and close frames too. "
    "websockets refuses it there"
)
WHEN_WHOLE = "we judge a header when it has come; websockets, most of it with the whole frame"
DIFFERENCES = {
    ("websockets", "is not in its shortest form"): BY_THE_LENGTH,
    ("websockets", "frame length has its most significant bit set"): BY_THE_LENGTH,
    ("websockets", "control frame is over 125 bytes"): BY_THE_LENGTH,
    ("websockets", "is not allowed in a frame"): BY_THE_REASON,
    ("websockets", "text is not valid UTF-8"): AT_ONCE,
    ("wsproto", "text is not valid UTF-8"): AT_ONCE,
}


def explain(oracle: str, ours: list[Event], theirs: Story) -> str | None:
    """Give why the two may differ; they never do in what came before the error."""
    *before, last = ours
    if theirs[: len(before)] != before:
        return None
    if (
        isinstance(last, Close)
        and oracle == "websockets"
        and theirs[-1] == CloseCode.PROTOCOL_ERROR
    ):
        return INSIDE_A_MESSAGE
    if not isinstance(last, Failed):
        return None
    if oracle == "websockets" and theirs == before:
        return WHEN_WHOLE
    reasons = (
        reason
        for (name, text), reason in DIFFERENCES.items()
        if name == oracle and str(last.error).endswith(text)
    )
    return next(reasons, None)


# websockets gives frames; joining them and checking text is done by its users.


def told_by_websockets(role: Role, stream: bytes) -> Story:
    """Give what the core of `websockets` makes of `stream`."""
    side = Side.CLIENT if role is Role.CLIENT else Side.SERVER
    protocol = Protocol(side, state=WebsocketsState.OPEN, max_size=None)
    protocol.receive_data(stream)
    story = list(joined(protocol))
    if protocol.parser_exc is not None and not (story and isinstance(story[-1], int)):
        assert protocol.close_sent is not None
        story.append(protocol.close_sent.code)
    return story


def joined(protocol: Protocol) -> Iterator[Event | int]:
    """Join the frames that were received; stop at text that is none."""
    kind, payload, decoder = Opcode.CONT, b"", codecs.getincrementaldecoder("utf-8")()
    for frame in protocol.events_received():
        if frame.opcode is Opcode.PING:
            yield Ping(bytes(frame.data))
        elif frame.opcode is Opcode.PONG:
            yield Pong(bytes(frame.data))
        elif frame.opcode is Opcode.CLOSE:
            close = WebsocketsClose.parse(frame.data)
            yield Close(close.code, close.reason)
        else:
            kind = frame.opcode if frame.opcode is not Opcode.CONT else kind
            payload += frame.data
            try:
                if kind is Opcode.TEXT:
                    decoder.decode(frame.data, frame.fin)
            except UnicodeDecodeError:
                yield 1007
                return
            if frame.fin:
                yield Text(payload.decode()) if kind is Opcode.TEXT else Binary(payload)
                payload = b""


# wsproto gives parts of messages.


def told_by_wsproto(role: Role, stream: bytes) -> Story:
    """Give what `wsproto` makes of `stream`."""
    from wsproto.connection import Connection, ConnectionState, ConnectionType

    side = ConnectionType.CLIENT if role is Role.CLIENT else ConnectionType.SERVER
    connection = Connection(side)
    connection.receive_data(stream)
    story: Story = []
    parts: list[object] = []
    for event in connection.events():
        take_wsproto(event, parts, story)
    if story and isinstance(story[-1], Close) and connection.state is ConnectionState.OPEN:
        story[-1] = story[-1].code  # no close frame came: a rule is broken
    return story


def take_wsproto(event: object, parts: list[object], story: Story) -> None:
    """Add an event of wsproto to the story."""
    from wsproto import events

    if isinstance(event, events.Ping):
        story.append(Ping(bytes(event.payload)))
    elif isinstance(event, events.Pong):
        story.append(Pong(bytes(event.payload)))
    elif isinstance(event, events.CloseConnection):
        story.append(Close(event.code, event.reason or ""))
    else:
        parts.append(event.data)
        if event.message_finished:
            is_text = isinstance(event, events.TextMessage)
            story.append(Text("".join(parts)) if is_text else Binary(b"".join(parts)))
            parts.clear()


ORACLES: dict[str, Oracle] = {"websockets": told_by_websockets, "wsproto": told_by_wsproto}


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("twin", twins("endpoint", "Endpoint"))
@many
@given(seed=st.integers(0, 2**64))
def test_a_twin_tells_what_others_tell(twin: type[Endpoint], oracle: str, seed: int) -> None:
    random = Random(seed)
    for _ in range(STORIES):
        role = random.choice(list(Role))
        stream = b"".join(short_stories.draw_reads(random, role, may_compress=False))
        ours = twin(role, UNLIMITED, (), lambda: KEY).receive_bytes(stream)
        theirs = ORACLES[oracle](role, stream)
        assert told_by(ours) == theirs or explain(oracle, ours, theirs)
