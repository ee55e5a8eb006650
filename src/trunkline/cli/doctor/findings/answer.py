"""The HTTP answer: what it says, who has sent it, and what to do where it is no 101."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from http import HTTPStatus

from trunkline.cli.doctor.facts import Opening, Trial
from trunkline.cli.doctor.findings.beginning import HTTP, beginning_words, protocol_of
from trunkline.cli.doctor.findings.origin import explain_refused_origin
from trunkline.cli.doctor.findings.statuses import explain_status
from trunkline.cli.doctor.findings.tls import explain_tls
from trunkline.cli.doctor.step import Mark, Problem, Step, failed
from trunkline.client.redirect import REDIRECTS
from trunkline.errors import InvalidMessage
from trunkline.protocol.http1 import Response

NAME = "http"
SHOWN_HEADERS = ("Server", "Via", "Age", "X-Cache")
"""They tell who has answered: a server, a proxy, a cache."""
OLD_HTTP = b"HTTP/1.0"
OLD_PROXY = "the answer comes by HTTP/1.0, so there is a proxy in between that is too old"
SPEAKS_TLS = Problem("the server speaks TLS at this port", "try wss://")
HTTPS_WORDS = "https port"
"""nginx and others say "The plain HTTP request was sent to HTTPS port" in the clear."""
NO_ANSWER = "the server hung up without an answer"
NO_ANSWER_ADVICE = (
    "look into its log; a proxy without a server behind it does this, and a server that wants a "
    "certificate of yours (--cert)"
)


def judge_opening(opening: Opening, origin: str | None, trials: Sequence[Trial]) -> Step:
    """Judge an answer, or that there is none.

    Args:
        opening: the request and what came back.
        origin: Origin of the request.
        trials: what came back to other ones.
    """
    if opening.response is None:
        assert opening.error is not None
        return failed(NAME, explain_silence(opening, opening.error), opening.seconds)
    response = opening.response
    facts = response_facts(response)
    if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
        return judge_switching(opening, response, facts)
    problem = explain_response(response, origin, trials)
    what = f"{answer_words(response)}: {problem.what}"
    return Step(NAME, Mark.FAILED, what, problem.advice, opening.seconds, facts=facts)


def judge_switching(opening: Opening, response: Response, facts: dict[str, object]) -> Step:
    """Judge an answer that switches to WebSocket: whether that can have come from the server."""
    text = answer_words(response)
    if not opening.beginning.startswith(OLD_HTTP):
        return Step(NAME, Mark.OK, text, seconds=opening.seconds, facts=facts)
    # RFC 6455 §4.2.2: the status line is of HTTP/1.1; many clients check that
    text, advice = f"{text}; {OLD_PROXY}", "some clients refuse this: update or go round it"
    return Step(NAME, Mark.WARNING, text, advice, opening.seconds, facts=facts)


# What came


def answer_words(response: Response) -> str:
    """Give the status with its words, and who has sent it."""
    senders = [f"{name}: {response.headers.get_list(name)}" for name in shown_headers(response)]
    sent_by = f" ({', '.join(senders)})" if senders else ""
    return f"{response.status_code} {response.summary()}{sent_by}"


def shown_headers(response: Response) -> list[str]:
    """Name the headers that tell who has answered."""
    return [name for name in SHOWN_HEADERS if name in response.headers]


def response_facts(response: Response) -> dict[str, object]:
    """Give the answer for programs."""
    names = (*SHOWN_HEADERS, "Location", "Retry-After", "WWW-Authenticate")
    headers = {name: response.headers.get_list(name) for name in names if name in response.headers}
    return {"status": response.status_code, "reason": response.summary(), "headers": headers}


def explain_response(response: Response, origin: str | None, trials: Sequence[Trial]) -> Problem:
    """Explain an answer that opens no WebSocket."""
    if HTTPS_WORDS in response.body.decode(errors="replace").lower():
        return SPEAKS_TLS
    if response.status_code in REDIRECTS and "Location" in response.headers:
        place = response.headers.get_list("Location")
        what = f"the server sends the client to {place}"
        return Problem(what, "use that address (with ws for http): browsers do not follow")
    if is_forbidden(response) and trials:
        return explain_refused_origin(origin, trials)
    problem = explain_status(response.status_code)
    return Problem(f"{problem.what}{demand(response)}", problem.advice)


def is_forbidden(response: Response | None) -> bool:
    """Whether it is worth while to ask with another Origin."""
    return response is not None and response.status_code == HTTPStatus.FORBIDDEN


def demand(response: Response) -> str:
    """Say what the server asks for, besides its status."""
    wanted = {
        "WWW-Authenticate": "it asks for",
        "Retry-After": "it asks to wait for",
        "Sec-WebSocket-Version": "it knows the version",
    }
    found = [
        f", {words} {response.headers.get_list(name)}"
        for name, words in wanted.items()
        if name in response.headers
    ]
    return "".join(found)


# Nothing came, or nothing that can be read


def explain_silence(opening: Opening, error: Exception) -> Problem:
    """Explain why there is no answer."""
    protocol = protocol_of(opening.beginning)
    if opening.speaks_tls:
        return SPEAKS_TLS
    if protocol not in (None, HTTP):
        what = f"the server does not speak HTTP at this port: {beginning_words(opening.beginning)}"
        return Problem(what, "check the port")
    match error:
        case ssl.SSLError() if not isinstance(error, ssl.SSLEOFError):
            return explain_tls(error)
        case TimeoutError():
            what = f"no answer came in time: {beginning_words(opening.beginning)}"
            return Problem(what, "the server hangs or waits for something; look into its log")
        case InvalidMessage() if opening.beginning:
            what = f"the answer is no HTTP that can be read: {error}"
            return Problem(what, f"{beginning_words(opening.beginning)}; check the port")
        case _:
            return Problem(NO_ANSWER, NO_ANSWER_ADVICE)
