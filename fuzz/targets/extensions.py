"""Sec-WebSocket-Extensions: refused only as documented; both sides read the same agreement."""

import contextlib

from fuzz.choices import Choices
from trunkline.errors import NegotiationError
from trunkline.protocol.extensions import Deflate, answer_offers, encode_offer, parse_answer


def wanted_by(choices: Choices) -> Deflate | None:
    """Choose what a side wants."""
    flags = choices.number()
    if flags & 1:
        return None
    windows = range(8, 16)
    return Deflate(
        server_no_context_takeover=bool(flags & 2),
        client_no_context_takeover=bool(flags & 4),
        server_max_window_bits=choices.one_of(windows),
        client_max_window_bits=choices.one_of(windows),
    )


def agree(client: Deflate, server: Deflate) -> None:
    """Make an offer and an answer; both sides have to draw the same from it."""
    answer = answer_offers(encode_offer(client), server)
    assert answer is not None
    assert parse_answer(answer[1], client) == answer[0]


def run(data: bytes) -> None:
    """Read any text as an offer and as an answer."""
    choices = Choices(data)
    client, server = wanted_by(choices), wanted_by(choices)
    if client is not None and server is not None:
        agree(client, server)
    value = choices.rest.decode("latin-1")
    with contextlib.suppress(ValueError):
        answer_offers(value, server)
    with contextlib.suppress(NegotiationError):
        parse_answer(value, client)
