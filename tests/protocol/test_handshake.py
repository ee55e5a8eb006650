"""The opening handshake of both sides: the RFC's sample, every refusal, no injection."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from trunkline.errors import InvalidHeader, InvalidUpgrade, NegotiationError, RequestRefused
from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate, DeflateParameters, Direction
from trunkline.protocol.handshake import (
    Agreement,
    Upgrade,
    accept_key,
    check_request,
    check_response,
    check_subprotocols,
    make_request,
    negotiate,
)
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, Response, parse_request, parse_response
from trunkline.protocol.refusals import InvalidStatus
from trunkline.protocol.uri import parse_uri

# RFC 6455 §1.2, §1.3
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
URI = parse_uri("ws://server.example.com/chat")
PLAIN = Deflate(server_max_window_bits=15, client_max_window_bits=15)

REQUEST = {
    "Host": "server.example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
RESPONSE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}
INJECTIONS = ["\r", "\n", "\0", "\r\nX: y", "\r\n\r\n"]


def changed(headers: dict[str, str], name: str, *values: str) -> Headers:
    """Give `headers` with other values, or none, for one name."""
    lines = [(key, value) for key, value in headers.items() if key != name]
    return Headers(lines, [(name, value) for value in values])


def refusal(name: str, *values: str) -> RequestRefused:
    """Give the refusal of the sample request with other values for one name."""
    with pytest.raises(RequestRefused) as caught:
        check_request(Request("/chat", changed(REQUEST, name, *values)))
    return caught.value


def check_answer(
    name: str, *values: str, subprotocols: tuple[str, ...] = (), deflate: Deflate | None = None
) -> Agreement:
    """Check the sample answer with other values for one name."""
    response = Response(101, "Switching Protocols", changed(RESPONSE, name, *values))
    return check_response(response, KEY, subprotocols, deflate)


def test_the_sample_key_gives_the_sample_accept() -> None:
    assert accept_key(KEY) == ACCEPT


# The client's request


def test_a_request_has_what_the_rfc_asks_for_and_no_more() -> None:
    request = make_request(URI, KEY)
    assert (request.method, request.path) == ("GET", "/chat")
    assert request.headers == Headers(REQUEST)


def test_a_request_offers_what_it_is_told_to() -> None:
    request = make_request(
        URI,
        KEY,
        origin="http://example.com",
        subprotocols=["chat", "superchat"],
        deflate=PLAIN,
        additional_headers=[("Cookie", "a=b"), ("X", "1"), ("X", "2")],
        user_agent="test/1",
    )
    assert request.headers == Headers(
        REQUEST,
        [
            ("Origin", "http://example.com"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            (
                "Sec-WebSocket-Extensions",
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                "client_max_window_bits=15",
            ),
            ("User-Agent", "test/1"),
            ("Cookie", "a=b"),
            ("X", "1"),
            ("X", "2"),
        ],
    )


def test_host_and_user_agent_may_be_replaced() -> None:
    headers = {"host": "other.example", "user-agent": "mine"}
    request = make_request(URI, KEY, additional_headers=headers, user_agent="test/1")
    assert request.headers.get_all("Host") == ["other.example"]
    assert request.headers.get_all("User-Agent") == ["mine"]


@pytest.mark.parametrize(
    "name",
    [
        *("Upgrade", "connection", "Sec-WebSocket-Key", "sec-websocket-version"),
        *("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept"),
        *("Content-Length", "TRANSFER-ENCODING"),
    ],
)
def test_a_header_that_would_change_the_handshake_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} belongs to the opening handshake"):
        make_request(URI, KEY, additional_headers={name: "0"})


def test_a_header_that_says_one_thing_is_not_given_twice() -> None:
    with pytest.raises(ValueError, match="Host is given twice"):
        make_request(URI, KEY, additional_headers=[("Host", "a"), ("host", "b")])
    with pytest.raises(ValueError, match="Origin is given twice"):
        make_request(URI, KEY, origin="http://a", additional_headers={"origin": "http://b"})


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "arguments",
    [
        lambda text: {"key": text},
        lambda text: {"origin": text},
        lambda text: {"user_agent": text},
        lambda text: {"subprotocols": [text]},
        lambda text: {"additional_headers": {"X": text}},
        lambda text: {"additional_headers": {f"X{text}": "y"}},
        lambda text: {"additional_headers": {"Host": text}},
        lambda text: {"uri": replace(URI, host=f"h{text}")},
        lambda text: {"uri": replace(URI, path=f"/{text}")},
        lambda text: {"uri": replace(URI, query=text)},
    ],
)
def test_no_argument_can_break_the_request(arguments: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"may not be in one|is not (a header name|the name of)"):
        make_request(**{"uri": URI, "key": KEY} | arguments(text))


# Subprotocols


def test_subprotocols_are_tokens_without_repetition() -> None:
    check_subprotocols([])
    check_subprotocols(["chat", "v10.stomp"])
    with pytest.raises(ValueError, match="a subprotocol is named twice"):
        check_subprotocols(["chat", "superchat", "chat"])


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a;b", "ä", 'a"', "a/b"])
def test_what_is_no_token_is_no_subprotocol(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name!r} is not the name of a subprotocol"):
        check_subprotocols(["chat", name])


def test_one_string_is_no_list_of_subprotocols() -> None:
    with pytest.raises(TypeError, match="a list of strings, not one string"):
        check_subprotocols("chat")


# The server's check of the request


def test_the_sample_request_is_accepted() -> None:
    assert check_request(Request("/chat", Headers(REQUEST))) == Upgrade(KEY, [], None)


def test_a_request_says_what_it_offers() -> None:
    headers = Headers(
        REQUEST,
        [
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            ("Sec-WebSocket-Protocol", "soap"),
            ("Sec-WebSocket-Extensions", "foo"),
            ("Sec-WebSocket-Extensions", "bar; a"),
            ("Origin", "http://example.com"),
        ],
    )
    expected = Upgrade(KEY, ["chat", "superchat", "soap"], "foo, bar; a")
    assert check_request(Request("/chat", headers)) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Upgrade", ["WebSocket"]),
        ("Upgrade", ["h2c, websocket"]),
        ("Upgrade", ["HTTP/3.0", "websocket"]),
        ("Connection", ["upgrade"]),
        ("Connection", ["keep-alive, Upgrade"]),
        ("Connection", ["keep-alive", "Upgrade"]),
    ],
)
def test_an_upgrade_may_be_asked_for_in_any_case_and_in_a_list(
    name: str, values: list[str]
) -> None:
    assert check_request(Request("/", changed(REQUEST, name, *values))).key == KEY


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Upgrade", []),
        ("Upgrade", [""]),
        ("Upgrade", ["h2c"]),
        ("Upgrade", ["websocket/13"]),
        ("Upgrade", ["web socket"]),
        ("Upgrade", ["websocket, @"]),
        ("Connection", []),
        ("Connection", ["keep-alive"]),
        ("Connection", ["close"]),
        ("Connection", ['"Upgrade"']),
        ("Connection", ['"x, Upgrade, y"']),
    ],
)
def test_a_request_that_is_no_upgrade_is_told_what_this_server_is(
    name: str, values: list[str]
) -> None:
    refused = refusal(name, *values)
    assert refused.status == 426
    assert refused.reason == "this is a WebSocket server: connect with a WebSocket client"
    assert refused.headers == {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([], "is missing"),
        ([""], "is not known"),
        (["12"], "is not known"),
        (["013"], "is not known"),
        (["13, 8"], "is not known"),
    ],
)
def test_another_version_is_told_which_one_is_spoken(values: list[str], problem: str) -> None:
    refused = refusal("Sec-WebSocket-Version", *values)
    assert refused.status == 426
    assert refused.reason == f"Sec-WebSocket-Version {problem}, it must be 13"
    assert refused.headers == {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
        ("Origin", "http://example.com"),
    ],
)
def test_what_says_one_thing_is_there_once(name: str, value: str) -> None:
    refused = refusal(name, value, value)
    assert (refused.status, refused.reason) == (400, f"request has several {name} headers")


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["x"],
        [b64encode(bytes(15)).decode()],
        [b64encode(bytes(17)).decode()],
        [KEY.rstrip("=")],
        [KEY + "="],
        [KEY + KEY],
        [KEY[:-3] + "\xe9=="],
        [KEY[:-3] + "-=="],
        [KEY[:8] + "\t" + KEY[8:]],
        ["=" + KEY],
    ],
)
def test_a_key_that_is_not_16_bytes_is_refused(values: list[str]) -> None:
    refused = refusal("Sec-WebSocket-Key", *values)
    assert (refused.status, refused.reason) == (
        400,
        "Sec-WebSocket-Key is not 16 bytes in base64",
    )


def test_a_key_with_padding_bits_that_are_set_is_16_bytes_as_well() -> None:
    key = KEY[:-3] + "R=="
    assert check_request(Request("/", changed(REQUEST, "Sec-WebSocket-Key", key))).key == key


def test_subprotocols_that_cannot_be_read_are_refused() -> None:
    refused = refusal("Sec-WebSocket-Protocol", "chat, a b")
    assert refused.status == 400
    assert refused.reason == "Sec-WebSocket-Protocol cannot be read: an element is not a token"


# The server's answer


def test_the_sample_is_answered_as_in_the_rfc() -> None:
    agreement, response = negotiate(Upgrade(KEY), None, None)
    assert agreement == Agreement()
    assert response.serialize() == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )


def test_an_answer_names_the_subprotocol_and_the_extension() -> None:
    upgrade = Upgrade(KEY, ["chat"], "permessage-deflate; server_max_window_bits=10")
    agreement, response = negotiate(upgrade, "chat", PLAIN)
    assert agreement == Agreement(
        "chat", DeflateParameters(server=Direction(True, 10), client=Direction(True, 15))
    )
    assert response.headers["Sec-WebSocket-Protocol"] == "chat"
    assert response.headers["Sec-WebSocket-Extensions"] == (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=10"
    )


def test_extensions_that_are_not_known_are_not_mentioned() -> None:
    agreement, response = negotiate(Upgrade(KEY, [], "foo; bar"), None, PLAIN)
    assert agreement == Agreement()
    assert "Sec-WebSocket-Extensions" not in response.headers


def test_extensions_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(RequestRefused) as caught:
        negotiate(Upgrade(KEY, [], "foo;"), None, None)
    assert caught.value.status == 400
    assert caught.value.reason == "Sec-WebSocket-Extensions cannot be read: no token at ''"


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_subprotocol_cannot_break_the_answer(text: str) -> None:
    with pytest.raises(ValueError, match="may not be in one"):
        negotiate(Upgrade(KEY), f"chat{text}", None)


# The client's check of the answer


def test_the_sample_answer_is_accepted() -> None:
    assert check_answer("X") == Agreement()


@pytest.mark.parametrize("status", [100, 200, 301, 401, 426, 503])
def test_another_status_is_no_connection(status: int) -> None:
    response = Response(status, "Words", Headers(RESPONSE))
    with pytest.raises(InvalidStatus, match=f"the server answered {status} Words") as caught:
        check_response(response, KEY, (), None)
    assert caught.value.response is response


@pytest.mark.parametrize(
    ("name", "values"),
    [("Upgrade", ["WebSocket"]), ("Connection", ["keep-alive, upgrade"])],
)
def test_an_answer_may_use_any_case(name: str, values: list[str]) -> None:
    assert check_answer(name, *values) == Agreement()


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("Upgrade", [], "Upgrade header is missing: it must be 'websocket'"),
        ("Upgrade", ["h2c"], "Upgrade header is 'h2c': it must be 'websocket'"),
        ("Upgrade", ["websocket, x"], "Upgrade header is 'websocket, x'"),
        ("Upgrade", ["websocket", "websocket"], "Upgrade header is 'websocket, websocket'"),
        ("Connection", [], "Connection header is missing: it must have 'upgrade'"),
        ("Connection", ["close"], "Connection header is 'close': it must have 'upgrade'"),
        ("Connection", ["up grade"], "Connection header is 'up grade'"),
    ],
)
def test_an_answer_that_switches_to_something_else_is_refused(
    name: str, values: list[str], problem: str
) -> None:
    with pytest.raises(InvalidUpgrade, match=problem):
        check_answer(name, *values)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], "missing"),
        ([""], "''"),
        ([ACCEPT.lower()], f"'{ACCEPT.lower()}'"),
        ([ACCEPT, ACCEPT], f"'{ACCEPT}, {ACCEPT}'"),
        ([KEY], f"'{KEY}'"),
    ],
)
def test_an_answer_must_fit_the_key(values: list[str], found: str) -> None:
    with pytest.raises(InvalidHeader) as caught:
        check_answer("Sec-WebSocket-Accept", *values)
    assert str(caught.value) == f"Sec-WebSocket-Accept header is {found}: it must be '{ACCEPT}'"


def test_an_answer_may_choose_a_subprotocol_that_was_offered() -> None:
    agreement = check_answer("Sec-WebSocket-Protocol", "b", subprotocols=("a", "b"))
    assert agreement.subprotocol == "b"
    assert check_answer("X", subprotocols=("a", "b")).subprotocol is None


@pytest.mark.parametrize(
    ("values", "offered"),
    [(["c"], ("a", "b")), (["a"], ()), (["A"], ("a",)), (["a, b"], ("a", "b")), ([""], ("a",))],
)
def test_an_answer_may_not_choose_another_one(values: list[str], offered: tuple[str, ...]) -> None:
    with pytest.raises(NegotiationError, match=f"subprotocol {values[0]!r} was not offered"):
        check_answer("Sec-WebSocket-Protocol", *values, subprotocols=offered)


def test_an_answer_may_not_choose_two_subprotocols() -> None:
    with pytest.raises(NegotiationError, match="subprotocol 'a, b' was not offered"):
        check_answer("Sec-WebSocket-Protocol", "a", "b", subprotocols=("a", "b"))


def test_an_answer_may_accept_compression_that_was_offered() -> None:
    name = "Sec-WebSocket-Extensions"
    agreed = DeflateParameters(server=Direction(False, 15), client=Direction(True, 15))
    assert check_answer(name, "permessage-deflate", deflate=PLAIN).deflate == agreed
    with pytest.raises(NegotiationError, match="permessage-deflate was not offered"):
        check_answer(name, "permessage-deflate")


# Both sides


@pytest.mark.parametrize("deflate", [None, PLAIN, Deflate()])
@pytest.mark.parametrize("subprotocols", [(), ("chat",), ("chat", "superchat")])
def test_both_sides_come_to_the_same_agreement(
    deflate: Deflate | None, subprotocols: tuple[str, ...]
) -> None:
    sent = make_request(URI, KEY, subprotocols=subprotocols, deflate=deflate).serialize()
    request = parse_request(sent.removesuffix(b"\r\n\r\n"), Limits())
    upgrade = check_request(request)
    chosen = upgrade.subprotocols[-1] if upgrade.subprotocols else None
    agreement, answer = negotiate(upgrade, chosen, Deflate())
    response = parse_response(answer.serialize().removesuffix(b"\r\n\r\n"), Limits())
    assert check_response(response, KEY, subprotocols, deflate) == agreement
    assert (agreement.subprotocol, agreement.deflate is None) == (chosen, deflate is None)
