import pytest

from trunkline.cli.doctor.findings.closing import closing_facts, closing_words, explain_closed
from trunkline.close_codes import Close
from trunkline.errors import Closer, ConnectionClosedError


def closed_by_peer(code: int, reason: str = "") -> ConnectionClosedError:
    close = Close(code, reason)
    return ConnectionClosedError(code, reason, Closer.PEER, 0.0, rcvd=close, sent=close)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (1008, "the server does not want this client"),
        (1011, "the server's handler failed"),
        (4401, "this code is the application's own"),
    ],
)
def test_a_close_code_is_explained(code: int, advice: str) -> None:
    problem = explain_closed(closed_by_peer(code, "no token"))
    assert problem.what.startswith(f"closed by the peer with {code} (")
    assert problem.what.endswith("): no token")
    assert problem.advice.startswith(advice)


def test_a_cut_without_a_close_frame_is_explained() -> None:
    problem = explain_closed(ConnectionClosedError(1006, "", Closer.NOBODY, 1.0))
    assert problem.what == "the line was cut without a close frame (1006)"
    assert problem.advice.startswith("a proxy in between, or a server that died")


def test_an_end_is_told_in_words_and_for_programs() -> None:
    closed = closed_by_peer(1001)
    assert closing_words(closed) == "closed by the peer with 1001 (going away)"
    facts = {"code": 1001, "reason": "", "closer": "peer", "clean": True}
    assert closing_facts(closed) == facts
