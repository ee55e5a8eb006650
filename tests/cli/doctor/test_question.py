from typing import cast

import pytest

from trunkline.cli.arguments import DoctorArguments, parse_arguments
from trunkline.cli.doctor.question import Question, bare_request, make_question
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.protocol.handshake import Agreement, accept_key
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Response
from trunkline.protocol.refusals import InvalidStatus
from trunkline.protocol.uri import parse_uri


def asked(*options: str, uri: str = "ws://a.example/b", origin: str | None = None) -> Question:
    arguments = cast(DoctorArguments, parse_arguments(["doctor", uri, *options]))
    return make_question(arguments, parse_uri(uri), origin)


def test_the_request_is_what_the_user_asks_for() -> None:
    question = asked("-H", "X-A: b", "--subprotocol", "chat", origin="https://b.example")
    headers = question.request.headers
    assert question.request.path == "/b"
    assert (headers["X-A"], headers["Origin"]) == ("b", "https://b.example")
    assert headers["Sec-WebSocket-Protocol"] == "chat"
    assert headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
    assert "Sec-WebSocket-Extensions" not in asked("--no-compression").request.headers


def test_credentials_in_the_address_become_a_header() -> None:
    uri = "ws://me:pass@a.example/"
    assert asked(uri=uri).request.headers["Authorization"] == "Basic bWU6cGFzcw=="
    assert asked("-H", "Authorization: x", uri=uri).request.headers["Authorization"] == "x"


def test_what_cannot_be_asked_is_wrong_usage() -> None:
    with pytest.raises(Failure, match="Upgrade belongs to the opening handshake") as failure:
        asked("-H", "Upgrade: x")
    assert failure.value.exit_code is ExitCode.USAGE


def test_the_answer_is_checked() -> None:
    question = asked()
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_key(question.key),
    }
    assert question.check(Response(101, "", Headers(headers))) == Agreement()
    with pytest.raises(InvalidStatus):
        question.check(Response(200, "OK"))


def test_a_bare_request_has_no_secrets() -> None:
    request = bare_request(parse_uri("wss://me:pass@a.example/b?token=c"))
    assert request.path == "/"
    assert {name for name, _ in request.headers.raw_items()} == {"Host", "User-Agent"}
