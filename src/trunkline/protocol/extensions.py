"""Negotiation of permessage-deflate, by offer and answer (RFC 7692 §5, §7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict, cast

from trunkline.errors import NegotiationError
from trunkline.protocol.headers import Parameters, parse_extensions

NAME = "permessage-deflate"
SERVER_NO_CONTEXT_TAKEOVER: Final = "server_no_context_takeover"
CLIENT_NO_CONTEXT_TAKEOVER: Final = "client_no_context_takeover"
SERVER_MAX_WINDOW_BITS: Final = "server_max_window_bits"
CLIENT_MAX_WINDOW_BITS: Final = "client_max_window_bits"

SMALLEST_WINDOW = 8
LARGEST_WINDOW = 15
# RFC 7692 §7.1.2: decimal, without leading zeroes, from 8 to 15
WINDOWS = {str(bits): bits for bits in range(SMALLEST_WINDOW, LARGEST_WINDOW + 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflate:
    """What this side wants of permessage-deflate; pass it as `compression=`.

    Without context takeover the memory does not grow with the number of connections; with it,
    short and similar messages become a third of the size.

    Args:
        server_no_context_takeover: the server forgets after each message.
        client_no_context_takeover: the client forgets after each message.
        server_max_window_bits: the server looks back 2 to this power of bytes, 8 to 15.
        client_max_window_bits: the client looks back 2 to this power of bytes, 8 to 15.

    Raises:
        ValueError: window bits that are not 8 to 15.
    """

    server_no_context_takeover: bool = True
    client_no_context_takeover: bool = True
    server_max_window_bits: int = 12
    client_max_window_bits: int = 12

    def __post_init__(self) -> None:
        for bits in (self.server_max_window_bits, self.client_max_window_bits):
            if bits not in WINDOWS.values():
                raise ValueError(
                    f"window bits are {bits}, not {SMALLEST_WINDOW} to {LARGEST_WINDOW}"
                )


def choose_deflate(compression: Deflate | str | None) -> Deflate | None:
    """Read a `compression=` argument: "deflate", details, or `None` for none."""
    if compression is None or isinstance(compression, Deflate):
        return compression
    if compression == "deflate":
        return Deflate()
    raise ValueError(f"compression is {compression!r}; it can be 'deflate', a Deflate or None")


@dataclass(frozen=True, slots=True)
class Direction:
    """How one side compresses."""

    no_context_takeover: bool = False
    max_window_bits: int = LARGEST_WINDOW


@dataclass(frozen=True, slots=True)
class DeflateParameters:
    """What was agreed on: how the server compresses, and how the client does."""

    server: Direction
    client: Direction


class Named(TypedDict, total=False):
    """The parameters of one offer or answer, as they were named; `None` stands without a value."""

    server_no_context_takeover: None
    client_no_context_takeover: None
    server_max_window_bits: int
    client_max_window_bits: int | None


def parse_parameters(parameters: Parameters) -> Named:
    """Check the names and values of an offer's or an answer's parameters.

    Raises:
        NegotiationError: an unknown or repeated name, a value out of place or out of range.
    """
    named: dict[str, int | None] = {}
    for name, value in parameters:
        # RFC 7692 §7.1: each parameter at most once
        if name in named:
            raise NegotiationError(f"{NAME} parameter {name} is repeated")
        check_parameter(name, value)
        named[name] = None if value is None else WINDOWS[value]
    return cast(Named, named)


def check_parameter(name: str, value: str | None) -> None:
    """Refuse a name that is not known, and a value that it cannot have."""
    valued = value in WINDOWS
    # RFC 7692 §7.1.2.2: in an offer the client's window may stand without a value
    allowed = {
        SERVER_NO_CONTEXT_TAKEOVER: value is None,
        CLIENT_NO_CONTEXT_TAKEOVER: value is None,
        SERVER_MAX_WINDOW_BITS: valued,
        CLIENT_MAX_WINDOW_BITS: valued or value is None,
    }
    if not allowed.get(name, False):
        shown = name if value is None else f"{name}={value}"
        raise NegotiationError(f"{NAME} parameter {shown} is not valid")


# The client's side


def encode_offer(wanted: Deflate) -> str:
    """Give the offer for Sec-WebSocket-Extensions."""
    parameters: Parameters = []
    if wanted.server_no_context_takeover:
        parameters.append((SERVER_NO_CONTEXT_TAKEOVER, None))
    if wanted.client_no_context_takeover:
        parameters.append((CLIENT_NO_CONTEXT_TAKEOVER, None))
    if wanted.server_max_window_bits < LARGEST_WINDOW:
        parameters.append((SERVER_MAX_WINDOW_BITS, str(wanted.server_max_window_bits)))
    parameters.append((CLIENT_MAX_WINDOW_BITS, str(wanted.client_max_window_bits)))
    return encode_extension(parameters)


def parse_answer(value: str | None, wanted: Deflate | None) -> DeflateParameters | None:
    """Read the server's answer.

    Args:
        value: the answer's Sec-WebSocket-Extensions, if any.
        wanted: what was offered, if anything.

    Raises:
        NegotiationError: the answer does not fit the offer; the connection must be given up
            (RFC 6455 §9.1, RFC 7692 §5.1).
    """
    if value is None:
        return None
    try:
        extensions = parse_extensions(value)
    except ValueError as error:
        raise NegotiationError(f"Sec-WebSocket-Extensions cannot be read: {error}") from None
    for name, _ in extensions:
        if wanted is None or name != NAME:
            raise NegotiationError(f"extension {name} was not offered")
    if len(extensions) > 1:
        raise NegotiationError(f"extension {NAME} was accepted {len(extensions)} times")
    assert wanted is not None
    return check_answer(parse_parameters(extensions[0][1]), wanted)


def check_answer(answer: Named, wanted: Deflate) -> DeflateParameters:
    """Compare the answer with the offer."""
    server_bits = answer.get(SERVER_MAX_WINDOW_BITS, LARGEST_WINDOW)
    client_bits = answer.get(CLIENT_MAX_WINDOW_BITS, wanted.client_max_window_bits)
    # RFC 7692 §7.1.2.2: in an answer the parameter has a value
    if client_bits is None:
        raise NegotiationError(f"{CLIENT_MAX_WINDOW_BITS} has no value")
    # RFC 7692 §7.1.2: an answer may lower a window, and not raise it
    if SERVER_MAX_WINDOW_BITS in answer:
        check_window(server_bits, wanted.server_max_window_bits)
    check_window(client_bits, wanted.client_max_window_bits)
    forgets = CLIENT_NO_CONTEXT_TAKEOVER in answer or wanted.client_no_context_takeover
    return DeflateParameters(
        server=Direction(SERVER_NO_CONTEXT_TAKEOVER in answer, server_bits),
        client=Direction(forgets, client_bits),
    )


def check_window(bits: int, offered: int) -> None:
    """Refuse a window that is larger than the offered one."""
    if bits > offered:
        raise NegotiationError(f"window bits are {bits}, at most {offered} were offered")


# The server's side


def answer_offers(
    value: str | None, wanted: Deflate | None
) -> tuple[DeflateParameters, str] | None:
    """Accept the first offer that can be.

    Args:
        value: the request's Sec-WebSocket-Extensions, if any.
        wanted: what the server is willing to do, if anything.

    Returns:
        What is agreed on, and the value for the answer; `None` to go without.

    Raises:
        ValueError: the header breaks its grammar.
    """
    if value is None:
        return None
    offers = parse_extensions(value)
    if wanted is None:
        return None
    for name, parameters in offers:
        if name != NAME:
            continue
        # RFC 7692 §5.1: an offer with a parameter that is not understood is declined
        try:
            offer = parse_parameters(parameters)
        except NegotiationError:
            continue
        return accept_offer(offer, wanted)
    return None


def accept_offer(offer: Named, wanted: Deflate) -> tuple[DeflateParameters, str]:
    """Agree on what both sides can do: the smaller window and the shorter memory of the two."""
    server_forgets = SERVER_NO_CONTEXT_TAKEOVER in offer or wanted.server_no_context_takeover
    client_forgets = CLIENT_NO_CONTEXT_TAKEOVER in offer or wanted.client_no_context_takeover
    server_bits = min(
        offer.get(SERVER_MAX_WINDOW_BITS, LARGEST_WINDOW), wanted.server_max_window_bits
    )
    client_bits = LARGEST_WINDOW
    # RFC 7692 §7.1.2.2: only a client that has named the parameter may be given it
    if CLIENT_MAX_WINDOW_BITS in offer:
        offered = offer[CLIENT_MAX_WINDOW_BITS] or LARGEST_WINDOW
        client_bits = min(offered, wanted.client_max_window_bits)
    agreed = DeflateParameters(
        server=Direction(server_forgets, server_bits), client=Direction(client_forgets, client_bits)
    )
    return agreed, encode_answer(agreed, offer)


def encode_answer(agreed: DeflateParameters, offer: Named) -> str:
    """Give the answer: what was offered, and what differs from the defaults of RFC 7692."""
    parameters = forgetting(agreed)
    if SERVER_MAX_WINDOW_BITS in offer or agreed.server.max_window_bits < LARGEST_WINDOW:
        parameters.append((SERVER_MAX_WINDOW_BITS, str(agreed.server.max_window_bits)))
    if CLIENT_MAX_WINDOW_BITS in offer:
        parameters.append((CLIENT_MAX_WINDOW_BITS, str(agreed.client.max_window_bits)))
    return encode_extension(parameters)


def encode_parameters(agreed: DeflateParameters) -> str:
    """Give what was agreed on, with every parameter that is not the default of RFC 7692."""
    parameters = forgetting(agreed)
    for name, direction in (
        (SERVER_MAX_WINDOW_BITS, agreed.server),
        (CLIENT_MAX_WINDOW_BITS, agreed.client),
    ):
        if direction.max_window_bits < LARGEST_WINDOW:
            parameters.append((name, str(direction.max_window_bits)))
    return encode_extension(parameters)


def forgetting(agreed: DeflateParameters) -> Parameters:
    """Give the parameters that say who goes without context takeover."""
    parameters: Parameters = []
    if agreed.server.no_context_takeover:
        parameters.append((SERVER_NO_CONTEXT_TAKEOVER, None))
    if agreed.client.no_context_takeover:
        parameters.append((CLIENT_NO_CONTEXT_TAKEOVER, None))
    return parameters


def encode_extension(parameters: Parameters) -> str:
    """Give permessage-deflate with its parameters as it stands in the header."""
    words = [name if value is None else f"{name}={value}" for name, value in parameters]
    return "; ".join([NAME, *words])
