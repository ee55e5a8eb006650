"""The compiled endpoint does what the reference does: same events, same bytes, same errors."""

from collections.abc import Callable, Sequence
from typing import Any

from fuzz.choices import Choices
from trunkline.limits import Limits
from trunkline.native.endpoint import Endpoint as Compiled
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint as Reference
from trunkline.protocol.events import Failed
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

MASK_KEY = bytes.fromhex("37fa213d")
SIZES = [None, 0, 1, 125, 126, 300, 70_000]
FORGETFUL = DeflateParameters(server=Direction(True, 12), client=Direction(True, 12))
LEARNING = DeflateParameters(server=Direction(False, 9), client=Direction(False, 15))
AGREEMENTS = [None, FORGETFUL, LEARNING]
CODES = [None, 1000, 1001, 1005, 3000, 4999, 5000]

Call = Callable[[Any], object]


def outcome(call: Call, endpoint: Any) -> object:
    """Give what a call came to, in a form that can be compared."""
    try:
        result = call(endpoint)
    except (ValueError, RuntimeError) as error:
        return type(error), str(error)
    if isinstance(result, list):
        return [shown(event) for event in result]
    return result


def shown(event: object) -> object:
    """Give what two equal events share."""
    if isinstance(event, Failed):
        return type(event.error), event.error.code, str(event.error)
    return event


def text_of(data: bytes) -> str:
    """Give a text, with lone surrogates where the bytes are not UTF-8."""
    return data.decode("utf-8", "surrogateescape")


def next_call(choices: Choices) -> Call:
    """Choose what happens next: mostly, something is received."""
    step, data = choices.number(), choices.some(choices.number())
    fin, compress = bool(step & 64), bool(step & 128)
    code = CODES[step // 8 % len(CODES)]
    sends: Sequence[Call] = [
        lambda endpoint: endpoint.receive_bytes(data),
        lambda endpoint: endpoint.receive_bytes(data),
        lambda endpoint: endpoint.receive_bytes(data),
        lambda endpoint: endpoint.send_text(text_of(data), fin=fin, compress=compress),
        lambda endpoint: endpoint.send_binary(data, fin=fin, compress=compress),
        lambda endpoint: endpoint.send_continuation(data, fin=fin),
        lambda endpoint: (endpoint.send_ping if fin else endpoint.send_pong)(data),
        lambda endpoint: (
            endpoint.send_close(code, text_of(data)) if fin else endpoint.receive_end()
        ),
    ]
    return sends[step % len(sends)]


def run(data: bytes) -> None:
    """Do the same to both, and compare after every step."""
    choices = Choices(data)
    role = choices.one_of(list(Role))
    limits = Limits(max_size=choices.one_of(SIZES), max_fragments=choices.one_of(range(1, 8)))
    agreed = choices.one_of(AGREEMENTS)
    kinds: tuple[Any, Any] = (Reference, Compiled)
    extensions = [[] if agreed is None else [PerMessageDeflate(role, agreed)] for _ in kinds]
    reference, compiled = (
        kind(role, limits, extension, lambda: MASK_KEY)
        for kind, extension in zip(kinds, extensions, strict=True)
    )
    while choices.rest:
        call = next_call(choices)
        expected, found = outcome(call, reference), outcome(call, compiled)
        assert found == expected, f"{found!r} instead of {expected!r}"
        assert compiled.state is reference.state
