"""Two endpoints and the pipes between them, which cut anywhere: they never hang and never differ.

The pipes are TCP's: nothing is reordered, what arrives comes in any pieces, and each of them may
end at any byte, with everything that is still under way.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.properties.conversations import (
    binaries,
    controls,
    make_endpoint,
    other,
    parameters,
    roles,
    send_control,
    texts,
)
from trunkline.errors import InvalidState
from trunkline.limits import Limits
from trunkline.protocol.closing import State
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Binary, Close, Event, Ping, Pong, Text
from trunkline.protocol.extensions import DeflateParameters
from trunkline.protocol.role import Role

LIMITS = Limits(min_compress=8)
SENDING = {State.OPEN, State.CLOSE_RECEIVED}
ROUNDS = 3
"""So many times each side may take a turn at the end; a conversation that needs more hangs."""

# Words that come again and again are what a window is for.
words = st.sampled_from(["Hello, hello, hello!", "to be or not to be; " * 9, "€"]) | texts
close_codes = st.sampled_from([None, 1000, 1001, 1011, 3000, 4999])
sizes = st.integers(1, 10) | st.integers(1, 5_000)


@dataclass
class Side:
    """One end: its endpoint, the pipe to it, and both stories so far."""

    endpoint: Endpoint
    pipe: bytearray = field(default_factory=bytearray)
    pipe_ends: bool = False
    pipe_was_cut: bool = False
    sent: list[Event] = field(default_factory=list)
    received: list[Event] = field(default_factory=list)
    unfinished: str | bytes | None = None

    @property
    def is_sending(self) -> bool:
        """Whether frames may be sent."""
        return self.endpoint.state in SENDING

    def take(self, size: int) -> None:
        """Receive what has arrived, up to `size` bytes, and the end of the pipe behind it."""
        data = bytes(self.pipe[:size])
        del self.pipe[:size]
        self.received += self.endpoint.receive_bytes(data)
        if self.pipe_ends and not self.pipe:
            self.endpoint.receive_end()


class Conversation(RuleBasedStateMachine):
    """What two programs may do with a connection, and what the network may."""

    @initialize(agreed=parameters, patience=st.integers(0, 30))
    def connect(self, agreed: DeflateParameters | None, patience: int) -> None:
        self.sides = {role: Side(make_endpoint(role, LIMITS, agreed)) for role in Role}
        self.frames_until_an_end = patience

    @property
    def was_cut(self) -> bool:
        """Whether the network has taken something."""
        return any(side.pipe_was_cut for side in self.sides.values())

    def write(self, role: Role, frame: bytes) -> None:
        """Put a frame into the pipe to the other side, if there is still one."""
        self.frames_until_an_end -= 1
        peer = self.sides[other(role)]
        if not peer.pipe_ends:
            peer.pipe += frame

    # What programs do

    @rule(role=roles, first=words | binaries, fin=st.booleans(), compress=st.booleans())
    def begin_message(self, role: Role, first: str | bytes, fin: bool, compress: bool) -> None:
        side = self.sides[role]
        if not side.is_sending or side.unfinished is not None:
            return
        if isinstance(first, str):
            frame = side.endpoint.send_text(first, fin=fin, compress=compress)
        else:
            frame = side.endpoint.send_binary(first, fin=fin, compress=compress)
        self.write(role, frame)
        if fin:
            side.sent.append(Text(first) if isinstance(first, str) else Binary(first))
        else:
            side.unfinished = first

    @rule(role=roles, rest=words, fin=st.booleans())
    def continue_message(self, role: Role, rest: str, fin: bool) -> None:
        side = self.sides[role]
        if not side.is_sending or side.unfinished is None:
            return
        self.write(role, side.endpoint.send_continuation(rest.encode(), fin=fin))
        begun = side.unfinished
        whole = begun + rest if isinstance(begun, str) else begun + rest.encode()
        side.unfinished = None if fin else whole
        if fin:
            side.sent.append(Text(whole) if isinstance(whole, str) else Binary(whole))

    @rule(role=roles, control=controls)
    def send_ping_or_pong(self, role: Role, control: Ping | Pong) -> None:
        side = self.sides[role]
        if side.is_sending:
            self.write(role, send_control(side.endpoint, control))
            side.sent.append(control)

    @precondition(lambda self: self.frames_until_an_end <= 0)
    @rule(role=roles, code=close_codes, reason=st.text(max_size=10))
    def close(self, role: Role, code: int | None, reason: str) -> None:
        side, words = self.sides[role], "" if code is None else reason
        if side.is_sending:
            self.write(role, side.endpoint.send_close(code, words))
            side.sent.append(Close(1005 if code is None else code, words))

    @precondition(lambda self: not all(side.is_sending for side in self.sides.values()))
    @rule(role=roles)
    def speak_out_of_turn(self, role: Role) -> None:
        endpoint = self.sides[role].endpoint
        if endpoint.state not in SENDING:
            for send in (endpoint.send_ping, endpoint.send_close):
                with pytest.raises(InvalidState):
                    send()

    # What the network does

    @rule(role=roles, reads=st.lists(sizes, min_size=1, max_size=8))
    def deliver(self, role: Role, reads: list[int]) -> None:
        for size in reads:
            self.sides[role].take(size)

    @precondition(lambda self: self.frames_until_an_end <= 0 and not self.was_cut)
    @rule(role=roles, kept=sizes)
    def cut(self, role: Role, kept: int) -> None:
        side = self.sides[role]
        del side.pipe[kept:]
        side.pipe_ends = side.pipe_was_cut = True

    # What must hold

    @invariant()
    def what_arrives_is_what_was_sent_in_order(self) -> None:
        for role, side in self.sides.items():
            sent = self.sides[other(role)].sent
            assert side.received == sent[: len(side.received)]

    @invariant()
    def only_a_goodbye_of_both_or_the_end_of_the_pipe_closes(self) -> None:
        for side in self.sides.values():
            said_goodbye = [
                bool(events) and isinstance(events[-1], Close)
                for events in (side.sent, side.received)
            ]
            pipe_ended = side.pipe_ends and not side.pipe
            assert (side.endpoint.state is not State.CLOSED) or all(said_goodbye) or pipe_ended

    def teardown(self) -> None:
        """Let both sides come to an end, as any two programs would."""
        for role in list(Role) * ROUNDS:
            side = self.sides[role]
            side.take(len(side.pipe))
            self.close(role, 1000, "")
            if side.endpoint.state is State.CLOSED:
                self.sides[other(role)].pipe_ends = True
        self.what_arrives_is_what_was_sent_in_order()
        for role, side in self.sides.items():
            assert side.endpoint.state is State.CLOSED
            if not self.was_cut:
                assert side.received == self.sides[other(role)].sent


TestConversation = Conversation.TestCase
