"""Any text where an address, a header or a list is expected: taken, or refused as documented."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import InvalidURI, NegotiationError
from trunkline.protocol.extensions import Deflate, answer_offers, parse_answer
from trunkline.protocol.handshake import make_request
from trunkline.protocol.headers import Headers, parse_extensions, parse_token_list
from trunkline.protocol.http1 import Response
from trunkline.protocol.uri import parse_uri

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PARTS = [
    *("ws://", "wss://", "WS:", "http://", "//", "/", "?", "#", "@", ":", "[", "]", "::1", "%25"),
    *("example.com", "bücher.example", "h", "80", "0", "99999", "\\", " ", "\r\n", "é", "."),
]
WORDS = [
    *("permessage-deflate", "foo", "server_no_context_takeover", "client_no_context_takeover"),
    *("server_max_window_bits", "client_max_window_bits", "8", "15", "16", "010"),
    *(";", ",", "=", '"', "\\", " ", "\t", "; ", "=10", '="9"', ", "),
]
# With lone surrogates, which a str may have as well.
any_text = st.text(st.characters(), max_size=30)
addresses = any_text | st.lists(st.sampled_from(PARTS), max_size=8).map("".join)
extensions = any_text | st.lists(st.sampled_from(WORDS), max_size=12).map("".join)


def lines_of(data: bytes) -> list[bytes]:
    """Split a head at everything that anybody takes for the end of a line."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


@given(text=addresses)
def test_an_address_is_one_or_is_refused(text: str) -> None:
    try:
        uri = parse_uri(text)
    except InvalidURI as error:
        assert error.uri == text
        return
    assert uri.path.startswith("/")
    assert 0 < uri.port < 65_536
    assert parse_uri(str(uri)) == replace(uri, username=None, password=None)
    request = make_request(uri, KEY).serialize()
    assert len(lines_of(request)) == 8


@given(value=extensions)
def test_a_list_of_extensions_is_one_or_is_refused(value: str) -> None:
    with suppress(ValueError):
        for name, parameters in parse_extensions(value):
            assert parse_token_list(name) == [name]
            for key, setting in parameters:
                assert parse_token_list(key) == [key]
                assert setting is None or parse_token_list(setting) == [setting]


@given(value=extensions)
def test_an_offer_is_answered_declined_or_refused(value: str) -> None:
    with suppress(ValueError):
        answer = answer_offers(value, Deflate())
        assert answer is None or 8 <= answer[0].client.max_window_bits <= 15


@given(value=extensions)
def test_an_answer_is_accepted_or_refused(value: str) -> None:
    with suppress(NegotiationError):
        agreed = parse_answer(value, Deflate())
        assert agreed is not None
        assert 8 <= agreed.client.max_window_bits <= 12


@given(name=any_text, value=any_text)
def test_a_header_is_one_line_or_is_refused(name: str, value: str) -> None:
    with suppress(ValueError):
        data = Headers({name: value}).serialize()
        assert lines_of(data) == [f"{name}: {value}".encode("latin-1"), b""]


@given(text=any_text)
def test_no_text_breaks_an_answer(text: str) -> None:
    with suppress(ValueError):
        data = Response(400, text).serialize()
        assert lines_of(data) == [f"HTTP/1.1 400 {text}".encode("latin-1"), b"", b""]
