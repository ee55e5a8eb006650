import pytest

from trunkline.cli.doctor.findings.upgrade import judge_agreement, judge_disagreement
from trunkline.cli.doctor.step import Mark
from trunkline.errors import (
    InvalidHandshake,
    InvalidHeader,
    InvalidUpgrade,
    NegotiationError,
    SecurityError,
)
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.handshake import Agreement


def test_nothing_may_have_been_agreed_on() -> None:
    step = judge_agreement(Agreement())
    assert (step.mark, step.text) == (Mark.OK, "no extensions, no subprotocol")


def test_what_was_agreed_on_is_told() -> None:
    deflate = DeflateParameters(server=Direction(), client=Direction())
    step = judge_agreement(Agreement(subprotocol="chat", deflate=deflate))
    assert step.text == "permessage-deflate, subprotocol chat"
    assert step.facts == {"extension": "permessage-deflate", "subprotocol": "chat"}


@pytest.mark.parametrize(
    ("error", "what", "advice"),
    [
        (
            InvalidUpgrade("Connection", None, "it must have 'upgrade'"),
            "Connection header is missing: it must have 'upgrade', which a proxy in between",
            "passes Upgrade and Connection on",
        ),
        (
            InvalidHeader("Sec-WebSocket-Accept", "x", "it must be 'y'"),
            "it is none to this request: Sec-WebSocket-Accept header is 'x'",
            "a cache has answered",
        ),
        (NegotiationError("extension x was not offered"), "x was not offered", "--no-compression"),
        (SecurityError("odd"), "but odd", "log"),
    ],
)
def test_an_answer_that_is_none_is_explained(
    error: InvalidHandshake, what: str, advice: str
) -> None:
    step = judge_disagreement(error)
    assert step.mark is Mark.FAILED
    assert step.text.startswith("the answer is 101, but ")
    assert what in step.text
    assert advice in step.advice
