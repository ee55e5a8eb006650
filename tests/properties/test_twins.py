"""The twins: the compiled endpoint gives what the reference gives, whatever comes, in any cuts.

With HYPOTHESIS_PROFILE=nightly a million short conversations are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.twins import needs
from tests.properties import short_stories
from tests.properties.conversations import (
    binaries,
    by_the_byte,
    loose_conversations,
    mutated,
    outcome,
    parameters,
    pieces_of,
    roles,
    texts,
    valid_conversations,
)
from trunkline.close_codes import CloseCode
from trunkline.errors import TrunklineError
from trunkline.limits import Limits
from trunkline.native import MODULES
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.extensions import DeflateParameters
from trunkline.protocol.role import Role

if "endpoint" in MODULES:
    from trunkline.native.endpoint import Endpoint as NativeEndpoint
    from trunkline.native.masking import apply_mask

pytestmark = needs("endpoint")

# In the nightly profile 20,000 stories that shrink and a million short ones.
thorough = settings(max_examples=max(1_000, settings().max_examples))
quick = settings(max_examples=max(1_000, settings().max_examples))
SHORT_STORIES = 50  # in one example

KEYS = [bytes([turn, 0xFA, 0x21, turn ^ 0x3D]) for turn in range(256)]

limits = st.builds(
    Limits,
    max_size=st.none() | st.integers(0, 200) | st.just(2**70),
    max_fragments=st.integers(0, 6) | st.just(2**40),
    min_compress=st.integers(0, 100) | st.just(2**40),
)

# One step on an endpoint; it gives something that two twins can be compared by.
Step = Callable[[Endpoint], object]


@dataclass(frozen=True)
class Receive:
    """Bytes arrive."""

    data: bytes

    def __call__(self, endpoint: Endpoint) -> object:
        return [outcome(event) for event in endpoint.receive_bytes(self.data)]


@dataclass(frozen=True)
class Call:
    """A method is called, rightly or not."""

    method: str
    arguments: tuple[object, ...] = ()
    options: tuple[tuple[str, object], ...] = ()

    def __call__(self, endpoint: Endpoint) -> object:
        try:
            return getattr(endpoint, self.method)(*self.arguments, **dict(self.options))
        except (TrunklineError, ValueError) as error:
            return type(error), str(error)


def calls(
    method: str, *arguments: st.SearchStrategy[object], **options: object
) -> st.SearchStrategy[Call]:
    """Draw a call of `method`."""
    drawn = {name: option for name, option in options.items()}
    return st.builds(
        Call,
        st.just(method),
        st.tuples(*arguments),
        st.fixed_dictionaries(drawn).map(lambda given: tuple(given.items())),
    )


codes = st.none() | st.sampled_from([*CloseCode, 3000, 4999]) | st.integers(0, 70_000)
words = texts | st.text(st.characters(categories=["Cs", "Ll"]), max_size=5)
sends: st.SearchStrategy[Step] = st.one_of(
    calls("send_text", words, fin=st.booleans(), compress=st.booleans()),
    calls("send_binary", binaries, fin=st.booleans(), compress=st.booleans()),
    calls("send_continuation", binaries, fin=st.booleans()),
    calls("send_ping", st.binary(max_size=130)),
    calls("send_pong", st.binary(max_size=130)),
    calls("send_close", codes, words),
    calls("receive_end"),
)


def native_endpoint(role: Role, limits: Limits, agreed: DeflateParameters | None) -> Endpoint:
    """Make the compiled twin."""
    extensions = [] if agreed is None else [PerMessageDeflate(role, agreed)]
    endpoint: Endpoint = NativeEndpoint(role, limits, extensions, iter(KEYS).__next__)
    return endpoint


def reference_endpoint(role: Role, limits: Limits, agreed: DeflateParameters | None) -> Endpoint:
    """Make the reference."""
    extensions = [] if agreed is None else [PerMessageDeflate(role, agreed)]
    return Endpoint(role, limits, extensions, iter(KEYS).__next__)


@st.composite
def masked_anew(draw: st.DrawFn, stream: bytes) -> bytes:
    """Mask the payloads of the frames that keep to the rules with keys that are not zero."""
    result, at = bytearray(), 0
    while at + 2 <= len(stream) and stream[at + 1] & 0x80:
        extended = {126: 2, 127: 8}.get(stream[at + 1] & 0x7F, 0)
        key_at = at + 2 + extended
        length = int.from_bytes(stream[at + 2 : key_at]) if extended else stream[at + 1] & 0x7F
        payload_at = key_at + 4
        key = draw(st.sampled_from(KEYS))
        payload = apply_mask(
            stream[payload_at : payload_at + length], stream[key_at:payload_at].ljust(4, b"\0")
        )
        result += stream[at:key_at] + key + apply_mask(payload, key)
        at = payload_at + length
    return bytes(result) + stream[at:]


@st.composite
def streams(draw: st.DrawFn, role: Role, agreed: DeflateParameters | None) -> bytes:
    """Draw what may arrive: a conversation, right or damaged, or anything."""
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return draw(st.binary(max_size=200))
    if kind <= 2:
        stream = draw(loose_conversations(role))
    else:
        stream = draw(valid_conversations(role, agreed))
    if not role.masks and draw(st.booleans()):
        stream = draw(masked_anew(stream))
    return draw(mutated(stream)) if kind == 5 else stream


@st.composite
def stories(draw: st.DrawFn, role: Role, agreed: DeflateParameters | None) -> list[Step]:
    """Draw what happens to an endpoint."""
    stream = draw(streams(role, agreed))
    pieces = by_the_byte(stream) if draw(st.integers(0, 5)) == 0 else draw(pieces_of(stream))
    steps: list[Step] = [Receive(piece) for piece in pieces]
    for step in draw(st.lists(sends, max_size=6)):
        steps.insert(draw(st.integers(0, len(steps))), step)
    return steps


def compare(twins: tuple[Endpoint, Endpoint], steps: list[Step]) -> None:
    """Take the twins through a story; they must not differ anywhere."""
    reference, native = twins
    for step in steps:
        expected, found = step(reference), step(native)
        assert found == expected
        assert type(found) is type(expected)
        assert native.state is reference.state


@thorough
@given(data=st.data(), role=roles, limits=limits, agreed=parameters)
def test_the_twins_tell_the_same_story(
    data: st.DataObject, role: Role, limits: Limits, agreed: DeflateParameters | None
) -> None:
    twins = reference_endpoint(role, limits, agreed), native_endpoint(role, limits, agreed)
    compare(twins, data.draw(stories(role, agreed)))


CALLS: list[Step] = [
    Call("send_text", ("Hello €",), (("fin", False),)),
    Call("send_binary", (b"bytes",)),
    Call("send_continuation", (b"more",), (("fin", True),)),
    Call("send_pong", (b"pong",)),
    Call("send_close", (1000, "bye")),
    Call("receive_end"),
]


@quick
@given(seed=st.integers(0, 2**64))
def test_the_twins_tell_the_same_short_stories(seed: int) -> None:
    random = Random(seed)
    for _ in range(SHORT_STORIES):
        role, agreed = random.choice(list(Role)), random.choice(short_stories.AGREEMENTS)
        limits = short_stories.draw_limits(random)
        reads = short_stories.draw_reads(random, role, may_compress=agreed is not None)
        steps: list[Step] = [Receive(read) for read in reads]
        for _ in range(random.randrange(2)):
            steps.insert(random.randrange(len(steps) + 1), random.choice(CALLS))
        twins = reference_endpoint(role, limits, agreed), native_endpoint(role, limits, agreed)
        compare(twins, steps)
