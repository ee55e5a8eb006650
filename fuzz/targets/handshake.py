"""Opening requests and answers: refused only as documented."""

import contextlib

from fuzz.choices import Choices
from trunkline.errors import InvalidHandshake, InvalidMessage, RequestRefused
from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate
from trunkline.protocol.handshake import accept_key, check_request, check_response, negotiate
from trunkline.protocol.http1 import Request, Response, parse_lines

LIMITS = Limits()
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
SUBPROTOCOLS = ["a", "b"]
WANTED = [None, Deflate(), Deflate(server_no_context_takeover=False, server_max_window_bits=15)]

# All that an opening needs, so that the fuzzer has to find only what is wrong with it.
GIVEN = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Accept", accept_key(KEY)),
]


def accept(request: Request, wanted: Deflate | None) -> None:
    """Be the server."""
    upgrade = check_request(request)
    chosen = upgrade.subprotocols[0] if upgrade.subprotocols else None
    agreement, response = negotiate(upgrade, chosen, wanted)
    assert agreement.subprotocol == chosen
    assert response.status_code == 101
    assert response.serialize().endswith(b"\r\n\r\n")


def run(data: bytes) -> None:
    """Read a head's lines as a request's and as a response's."""
    choices = Choices(data)
    given = [line for index, line in enumerate(GIVEN) if choices.number() % 4 or index == 4]
    wanted = choices.one_of(WANTED)
    try:
        _, headers = parse_lines(b"\r\n" + choices.rest, LIMITS)
    except InvalidMessage:
        return
    for name, value in given:
        headers.add(name, value)
    try:
        accept(Request("/", headers), wanted)
    except RequestRefused as error:
        assert 400 <= error.status < 500
    with contextlib.suppress(InvalidHandshake):
        check_response(Response(101, "Switching Protocols", headers), KEY, SUBPROTOCOLS, wanted)
