import ssl
from typing import Any

import pytest

from trunkline.cli.doctor.facts import Opening, Trial
from trunkline.cli.doctor.findings.answer import judge_opening
from trunkline.cli.doctor.step import Mark, Step
from trunkline.errors import InvalidMessage
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Response

HTTP = b"HTTP/1.1 "


def tls_error() -> ssl.SSLError:
    error = ssl.SSLError(1, "odd")
    error.reason = "VERY_ODD_THING"
    return error


def judged(response: Response | None = None, trials: Any = (), **facts: Any) -> Step:
    opening = Opening(**{"seconds": 0.001, "beginning": HTTP, "response": response} | facts)
    return judge_opening(opening, None, trials)


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    lines = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status, "Words", lines, body)


def test_an_answer_is_told_with_who_has_sent_it() -> None:
    step = judged(answer(101, Server="nginx", Via="1.1 cache"))
    assert (step.mark, step.figure) == (Mark.OK, "1.00 ms")
    assert step.text == "101 Words (Server: nginx, Via: 1.1 cache)"
    assert step.facts["headers"] == {"Server": "nginx", "Via": "1.1 cache"}


def test_an_answer_by_an_old_version_has_come_through_a_proxy() -> None:
    step = judged(answer(101), beginning=b"HTTP/1.0 101")
    assert step.mark is Mark.WARNING
    assert "by HTTP/1.0" in step.text


@pytest.mark.parametrize(
    ("response", "text", "advice"),
    [
        (
            answer(404, b"gone\n"),
            "404 Words: gone: there is nothing at this path",
            "check the path",
        ),
        (
            answer(401, WWW_Authenticate='Bearer realm="x"'),
            '401 Words: the server wants to know who you are, it asks for Bearer realm="x"',
            "Authorization",
        ),
        (
            answer(429, Retry_After="30"),
            "429 Words: the server has had too many requests of yours, it asks to wait for 30",
            "come back later",
        ),
        (
            answer(302, Location="https://b.example/"),
            "302 Words: the server sends the client to https://b.example/",
            "use that address",
        ),
        (answer(302), "and does not say where", "check the path"),
        (
            answer(400, b"The plain HTTP request was sent to HTTPS port"),
            "the server speaks TLS at this port",
            "try wss://",
        ),
        (answer(403), "the server does not let this client in", "Authorization"),
    ],
)
def test_a_refusal_is_explained(response: Response, text: str, advice: str) -> None:
    step = judged(response)
    assert step.mark is Mark.FAILED
    assert text in step.text
    assert advice in step.advice


def test_a_refused_origin_is_explained_by_the_trials() -> None:
    step = judged(answer(403), [Trial(origin="https://a.example", status=101)])
    assert "with Origin https://a.example it passes" in step.text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"speaks_tls": True, "error": TimeoutError()}, "the server speaks TLS at this port"),
        (
            {"beginning": b"SSH-2.0", "error": InvalidMessage("x")},
            "the server does not speak HTTP at this port: what came back is SSH",
        ),
        ({"error": tls_error()}, "TLS fails"),
        (
            {"beginning": b"", "error": TimeoutError()},
            "no answer came in time: nothing came back",
        ),
        (
            {"error": InvalidMessage("a header is folded over two lines")},
            "the answer is no HTTP that can be read: a header is folded over two lines",
        ),
        (
            {"beginning": b"", "error": InvalidMessage("closed")},
            "the server hung up without an answer",
        ),
        ({"beginning": b"", "error": ConnectionResetError()}, "hung up without an answer"),
        ({"beginning": b"", "error": ssl.SSLEOFError(8, "EOF")}, "hung up without an answer"),
    ],
)
def test_no_answer_is_explained(facts: dict[str, Any], text: str) -> None:
    step = judged(**facts)
    assert step.mark is Mark.FAILED
    assert text in step.text
    assert step.advice
