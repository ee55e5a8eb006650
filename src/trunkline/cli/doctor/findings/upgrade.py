"""An answer of 101 that is no WebSocket, or one: what was agreed on."""

from __future__ import annotations

from trunkline.cli.doctor.step import Mark, Problem, Step, failed
from trunkline.errors import InvalidHandshake, InvalidHeader, InvalidUpgrade, NegotiationError
from trunkline.protocol.extensions import encode_parameters
from trunkline.protocol.handshake import Agreement

NAME = "upgrade"
PASS_ON = "see that every proxy on the way passes Upgrade and Connection on, with HTTP/1.1"
RIGHT_KEY = (
    "a cache has answered in place of the server, or the server computes it wrongly: "
    "go round the cache, or look into the server's code"
)
ASK_WITHOUT = "the server must choose from what it was asked for: try --no-compression"


def judge_agreement(agreement: Agreement) -> Step:
    """Say what was agreed on."""
    deflate = agreement.deflate
    extension = "no extensions" if deflate is None else encode_parameters(deflate)
    subprotocol = agreement.subprotocol
    text = f"{extension}, {f'subprotocol {subprotocol}' if subprotocol else 'no subprotocol'}"
    facts = {"extension": "" if deflate is None else extension, "subprotocol": subprotocol or ""}
    return Step(NAME, Mark.OK, text, facts=facts)


def judge_disagreement(error: InvalidHandshake) -> Step:
    """Say why an answer of 101 does not open a WebSocket."""
    return failed(NAME, explain_disagreement(error))


def explain_disagreement(error: InvalidHandshake) -> Problem:
    """Explain it by the header that is wrong."""
    match error:
        case InvalidUpgrade():
            what = f"the answer is 101, but {error}, which a proxy in between may have dropped"
            return Problem(what, PASS_ON)
        case InvalidHeader():
            return Problem(f"the answer is 101, but it is none to this request: {error}", RIGHT_KEY)
        case NegotiationError():
            return Problem(f"the answer is 101, but {error}", ASK_WITHOUT)
        case _:
            return Problem(f"the answer is 101, but {error}", "look into the server's log")
