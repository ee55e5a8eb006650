"""HTTP/1.1 heads: every malformed request with its status, limits, what cannot be injected."""

import re

import pytest

from trunkline.errors import InvalidMessage, RequestRefused
from trunkline.limits import Limits
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import (
    HeadReader,
    HeadTooLarge,
    Request,
    Response,
    make_response,
    parse_any_request,
    parse_request,
    parse_response,
    refusal_for,
    reread_request,
)

LIMITS = Limits()
CLIENT_HELLO = bytes.fromhex("16030100a5010000a10303")


def request_head(line: str = "GET / HTTP/1.1", *headers: str, host: str = "Host: h") -> bytes:
    """Give a head as `HeadReader` does: without the empty line at its end."""
    return "\r\n".join([line, *([host] if host else []), *headers]).encode("latin-1")


def refusal(head: bytes, limits: Limits = LIMITS) -> RequestRefused:
    """Give the refusal of a request whose whole head is `head`."""
    try:
        whole = HeadReader(limits.max_head).feed(head + b"\r\n\r\n")
        assert whole is not None
        assert whole[0] == head
    except InvalidMessage as error:
        return refusal_for(error)
    with pytest.raises(RequestRefused) as caught:
        parse_request(head, limits)
    return caught.value


def read_in_cuts(reader: HeadReader, data: bytes, size: int) -> tuple[bytes, bytes] | str | None:
    """Give what `reader` makes of `data` in reads of `size` bytes; of an error, its words."""
    for start in range(0, len(data), size):
        try:
            whole = reader.feed(data[start : start + size])
        except InvalidMessage as error:
            return f"{error}, {getattr(error, 'in_first_line', None)}"
        if whole is not None:
            head, rest = whole
            return head, rest + data[start + size :]
    return None


# Requests


def test_a_request_is_taken_apart() -> None:
    request = parse_request(request_head("GET /chat?room=1 HTTP/1.1", "X: a, b", "x:c \t"), LIMITS)
    headers = Headers([("Host", "h"), ("X", "a, b"), ("x", "c")])
    assert request == Request("/chat?room=1", headers, "GET")


def test_a_request_comes_back_as_it_was_sent() -> None:
    request = Request("/chat?room=1", Headers({"Host": "h", "X": "\xe9"}))
    data = request.serialize()
    assert data == b"GET /chat?room=1 HTTP/1.1\r\nHost: h\r\nX: \xe9\r\n\r\n"
    assert parse_request(data.removesuffix(b"\r\n\r\n"), LIMITS) == request


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/a%20b?c=d&e=/", "/a%20b?c=d&e=/"),
        ("//h/x", "//h/x"),
        ("http://h", "/"),
        ("ws://h/x?y", "/x?y"),
        ("WSS://H/x", "/x"),
        ("https://h?y", "/?y"),
    ],
)
def test_a_target_is_path_and_query_in_either_form(target: str, path: str) -> None:
    assert parse_request(request_head(f"GET {target} HTTP/1.1"), LIMITS).path == path


@pytest.mark.parametrize(
    "host", ["h", "h:", "h:80", "example.com:65535", "127.0.0.1", "[::1]", "[::1]:80", "a_b"]
)
def test_a_host_may_have_a_port(host: str) -> None:
    head = request_head(host=f"Host: {host}")
    assert parse_request(head, LIMITS).headers["Host"] == host


@pytest.mark.parametrize("length", ["0", "000"])
def test_a_length_of_zero_is_no_body(length: str) -> None:
    head = request_head("GET / HTTP/1.1", f"Content-Length: {length}")
    assert parse_request(head, LIMITS).path == "/"


# Refused with 400: what cannot be read


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("GET  / HTTP/1.1", "request line cannot be read"),
        ("GET / HTTP/1.1 ", "request line cannot be read"),
        ("GET /", "request line cannot be read"),
        ("GET / http/1.1", "request line cannot be read"),
        ("GET / HTTP/1", "request line cannot be read"),
        ("GET / HTTP/1.10", "request line cannot be read"),
        ("GET / HTTP/-1.1", "request line cannot be read"),
        ("GET / ICY/1.1", "request line cannot be read"),
        ("GET /a b HTTP/1.1", "request line cannot be read"),
        ("GET\t/ HTTP/1.1", "request line cannot be read"),
        ("GET /\t HTTP/1.1", "request line cannot be read"),
        ("GET /\x00 HTTP/1.1", "request line cannot be read"),
        ("GET /\x7f HTTP/1.1", "request line cannot be read"),
        ("GET /\xe9 HTTP/1.1", "request line cannot be read"),
        ("GET /\r HTTP/1.1", "request line cannot be read"),
        ("G(T / HTTP/1.1", "request line cannot be read"),
        ("GET / HTTP/1.1\r", "request line cannot be read"),
        ("GET * HTTP/1.1", "request target cannot be read"),
        ("GET h:80 HTTP/1.1", "request target cannot be read"),
        ("GET http://other/ HTTP/1.1", "request target cannot be read"),
        ("GET http://h:80/ HTTP/1.1", "request target cannot be read"),
        ("GET http://a@h/ HTTP/1.1", "request target cannot be read"),
        ("GET http:///x HTTP/1.1", "request target cannot be read"),
        ("GET ftp://h/ HTTP/1.1", "request target cannot be read"),
        ("GET /#top HTTP/1.1", "request target has a fragment"),
        ("GET http://h/#top HTTP/1.1", "request target has a fragment"),
    ],
)
def test_a_request_line_that_cannot_be_read_is_refused(line: str, reason: str) -> None:
    refused = refusal(request_head(line))
    assert (refused.status, refused.reason) == (400, reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("X : y", "a line is not a header field"),
        ("X\t: y", "a line is not a header field"),
        ("X", "a line is not a header field"),
        (": y", "a line is not a header field"),
        ("X(): y", "a line is not a header field"),
        ("\xe9: y", "a line is not a header field"),
        (" folded", "a header is folded over two lines"),
        ("\tfolded", "a header is folded over two lines"),
        (" X: y", "a header is folded over two lines"),
        ("X: a\x00b", "value of header X has a character that may not be in one"),
        ("X: a\x1bb", "value of header X has a character that may not be in one"),
        ("X: a\x7fb", "value of header X has a character that may not be in one"),
        ("X: a\rb", "value of header X has a character that may not be in one"),
        ("X: a\r", "value of header X has a character that may not be in one"),
        ("X: a\nY: b", "a line ends without a carriage return"),
        ("X: a\n", "a line ends without a carriage return"),
        ("X: a\n\r", "a line ends without a carriage return"),
    ],
)
def test_a_line_that_is_no_header_is_refused(line: str, reason: str) -> None:
    for place in (0, 1):
        lines = ["A: b", "C: d"]
        lines.insert(place, line)
        refused = refusal(request_head("GET / HTTP/1.1", *lines))
        assert (refused.status, refused.reason) == (400, reason)


def test_a_folded_line_behind_the_request_line_is_refused() -> None:
    refused = refusal(request_head("GET / HTTP/1.1", host=" Host: h"))
    assert (refused.status, refused.reason) == (400, "a header is folded over two lines")


@pytest.mark.parametrize(
    ("hosts", "count"), [([], 0), (["Host: h", "Host: h"], 2), (["Host: h", "host: i"], 2)]
)
def test_there_is_one_host(hosts: list[str], count: int) -> None:
    refused = refusal(request_head("GET / HTTP/1.1", *hosts, host=""))
    assert (refused.status, refused.reason) == (400, f"request has {count} Host headers, not one")


@pytest.mark.parametrize(
    "host",
    [
        *("", "a@b", "a b", "a/b", "a?b", "a#b", "a\\b", "a,b", '"a"', "<a>", "\xe9", "a:b:c"),
        *("h:http", "h:-1", "h:123456", ":80", "::1", "[::1", "::1]", "[]", "[h]", "[::1]x"),
    ],
)
def test_a_host_that_can_be_none_is_refused(host: str) -> None:
    refused = refusal(request_head(host=f"Host: {host}"))
    assert (refused.status, refused.reason) == (400, "Host header cannot be read")


# Refused with 400: a body


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 1"],
        ["Content-Length: 00010"],
        ["Content-Length: +1"],
        ["Content-Length: +0"],
        ["Content-Length: -0"],
        ["Content-Length: 0x0"],
        ["Content-Length: ten"],
        ["Content-Length: 0, 0"],
        ["Content-Length: 0,10"],
        ["Content-Length: 1.0"],
        ["Content-Length: \xb2"],
        ["Content-Length: 0", "Content-Length: 5"],
        ["Transfer-Encoding: chunked"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding:"],
        ["transfer-encoding: \x0bchunked".replace("\x0b", "x")],
        ["Content-Length: 0", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ],
)
def test_a_body_is_refused_because_what_follows_the_head_is_frames(headers: list[str]) -> None:
    refused = refusal(request_head("GET / HTTP/1.1", *headers))
    assert (refused.status, refused.reason) == (400, "an opening request has no body")


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length:"],
        ["Content-Length: 0", "Content-Length: 0"],
        ["Content-Length: 0", "content-length: 00"],
        ["Content-Length: 0", "Content-Length:"],
    ],
)
def test_a_length_that_is_said_twice_or_not_at_all_is_refused(headers: list[str]) -> None:
    refused = refusal(request_head("GET / HTTP/1.1", *headers))
    assert (refused.status, refused.reason) == (400, "Content-Length cannot be read")


# Refused with other statuses


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "CONNECT", "get", "M-SEARCH"])
def test_only_get_is_allowed_and_the_answer_says_so(method: str) -> None:
    refused = refusal(request_head(f"{method} / HTTP/1.1"))
    assert (refused.status, refused.reason) == (405, "only GET is served")
    assert refused.headers == {"Allow": "GET"}


@pytest.mark.parametrize("version", ["0.9", "1.0", "1.2", "2.0", "3.0"])
def test_only_http_1_1_is_supported_and_the_answer_says_so(version: str) -> None:
    refused = refusal(request_head(f"GET / HTTP/{version}"))
    assert refused.status == 505
    assert refused.reason == f"HTTP/{version} is not supported, HTTP/1.1 is"


def test_the_preface_of_http_2_is_answered_with_a_status() -> None:
    assert refusal(b"PRI * HTTP/2.0").status == 505


@pytest.mark.parametrize(
    "data",
    [CLIENT_HELLO, b"\x80\x2e\x01", b"\r\nGET / HTTP/1.1", b" GET / HTTP/1.1", b"\0", b"\xff"],
    ids=["TLS", "SSL 2", "empty line", "space", "NUL", "telnet"],
)
def test_what_is_not_http_is_refused_at_its_first_byte(data: bytes) -> None:
    with pytest.raises(InvalidMessage, match=r"this is not HTTP \(is it TLS on a plain port\?\)"):
        HeadReader(LIMITS.max_head).feed(data[:1])
    refused = refusal(data)
    assert refused.status == 400


# Limits


def test_a_request_line_may_be_as_long_as_the_limit() -> None:
    limits = Limits(max_target=100)
    line = f"GET /{'x' * 86} HTTP/1.1"
    assert len(line) == 100
    assert parse_request(request_head(line), limits).path == "/" + "x" * 86
    refused = refusal(request_head(line.replace("x", "xx", 1)), limits)
    assert (refused.status, refused.reason) == (414, "request line is 101 bytes, limit 100")


def test_a_head_may_have_as_many_header_lines_as_the_limit() -> None:
    limits = Limits(max_headers=10)
    lines = [f"X{number}: y" for number in range(9)]
    assert len(parse_request(request_head("GET / HTTP/1.1", *lines), limits).headers) == 10
    refused = refusal(request_head("GET / HTTP/1.1", *lines, "A: b"), limits)
    assert (refused.status, refused.reason) == (431, "head has 11 header lines, limit 10")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1000])
@pytest.mark.parametrize("length", range(95, 106))
def test_a_head_may_be_as_large_as_the_limit_in_any_cuts(length: int, size: int) -> None:
    head = b"GET / HTTP/1.1\r\nX: ".ljust(length, b"y")
    result = read_in_cuts(HeadReader(100), head + b"\r\n\r\nrest", size)
    expected = (head, b"rest") if length <= 100 else "head is over 100 bytes, limit 100, False"
    assert result == expected


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_head_without_an_end_is_refused_when_no_end_can_come_in_time(size: int) -> None:
    endless = b"GET / HTTP/1.1\r\nX: ".ljust(104, b"y")
    assert read_in_cuts(HeadReader(100), endless[:103], size) is None
    assert read_in_cuts(HeadReader(100), endless, size) == (
        "head is over 100 bytes, limit 100, False"
    )


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_an_error_behind_the_limit_is_not_looked_for(size: int) -> None:
    head = b"GET / HTTP/1.1\r\nX: ".ljust(100, b"y")
    for behind in (b"\nyyy", b"y\nyy", b"yyy\n"):
        assert read_in_cuts(HeadReader(100), head + behind, size) == (
            "head is over 100 bytes, limit 100, False"
        )
    assert read_in_cuts(HeadReader(100), head[:99] + b"\nyyyy", size) == (
        "a line ends without a carriage return, None"
    )


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_head_that_is_too_large_in_its_first_line_has_a_status_of_its_own(size: int) -> None:
    line = b"GET /".ljust(99, b"x")
    for head, in_first_line in [(line + b"xxxxx", True), (line + b"\r\nxxx", True)]:
        result = read_in_cuts(HeadReader(100), head, size)
        assert result == f"head is over 100 bytes, limit 100, {in_first_line}"
    result = read_in_cuts(HeadReader(100), line[:98] + b"\r\nxxxx", size)
    assert result == "head is over 100 bytes, limit 100, False"


def test_heads_that_are_too_large_are_refused_with_their_status() -> None:
    assert refusal_for(HeadTooLarge(100, in_first_line=True)).status == 414
    assert refusal_for(HeadTooLarge(100, in_first_line=False)).status == 431


# Bytes


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_bytes_behind_a_head_come_back(size: int) -> None:
    head, frames = request_head("GET / HTTP/1.1", "X: y"), b"\x81\x85\r\n\r\n\n\0"
    data = head + b"\r\n\r\n" + frames
    assert read_in_cuts(HeadReader(LIMITS.max_head), data, size) == (head, frames)


def test_a_line_feed_is_told_from_a_line_end_that_was_cut() -> None:
    reader = HeadReader(LIMITS.max_head)
    for piece in (b"GET / HTTP/1.1\r", b"\nX: ", b"y\r", b"\n\r"):
        assert reader.feed(piece) is None
    assert reader.feed(b"\n") == (b"GET / HTTP/1.1\r\nX: y", b"")
    reader = HeadReader(LIMITS.max_head)
    assert reader.feed(b"GET / HTTP/1.1") is None
    with pytest.raises(InvalidMessage, match="a line ends without a carriage return"):
        reader.feed(b"\n")


def test_each_byte_of_a_head_is_looked_at_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = 0

    class Counted(bytearray):
        def find(self, sub: bytes, start: int, end: int) -> int:  # type: ignore[override]
            nonlocal looked_at
            looked_at += max(0, min(end, len(self)) - start)
            return super().find(sub, start, end)

    monkeypatch.setattr("trunkline.protocol.http1.bytearray", Counted, raising=False)
    reader = HeadReader(20_000)
    for byte in b"GET / HTTP/1.1\r\nX: ".ljust(16_000, b"y"):
        reader.feed(bytes([byte]))
    assert looked_at <= 4 * 16_000


# Responses


def test_a_response_is_taken_apart() -> None:
    response = parse_response(b"HTTP/1.1 404 Not Found\r\nX: y", LIMITS)
    assert response == Response(404, "Not Found", Headers({"X": "y"}))


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        ("HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"),
        ("HTTP/1.0 200 Connection established", 200, "Connection established"),
        ("HTTP/1.1 101 ", 101, ""),
        ("HTTP/1.1 101", 101, ""),
        ("HTTP/1.1 999 \xe9t\xe9\t!", 999, "\xe9t\xe9\t!"),
    ],
)
def test_a_status_line_may_be_without_words(line: str, status: int, reason: str) -> None:
    response = parse_response(line.encode("latin-1"), LIMITS)
    assert (response.status_code, response.reason_phrase) == (status, reason)


@pytest.mark.parametrize(
    "line",
    [
        *("HTTP/2.0 101 X", "HTTP/1.2 101 X", "HTTP/1 101 X", "http/1.1 101 X", "ICY 200 OK"),
        *("HTTP/1.1 1001 X", "HTTP/1.1 99 X", "HTTP/1.1 099 X", "HTTP/1.1  101 X"),
        *("HTTP/1.1 +01 X", "HTTP/1.1 101\tX", "HTTP/1.1 101 \x1b[31m", "HTTP/1.1 101 a\rb", ""),
    ],
)
def test_a_status_line_that_cannot_be_read_is_shown(line: str) -> None:
    with pytest.raises(
        InvalidMessage, match=f"status line cannot be read: {re.escape(repr(line))}"
    ):
        parse_response(line.encode("latin-1"), LIMITS)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (" folded", "folded over two lines"),
        ("X : y", "not a header field"),
        ("X: \0", "value of header X"),
        ("\r\n".join(["X: y"] * 65), "head has 65 header lines, limit 64"),
    ],
)
def test_a_response_is_read_as_strictly_as_a_request(lines: str, problem: str) -> None:
    with pytest.raises(InvalidMessage, match=problem):
        parse_response(f"HTTP/1.1 101 X\r\n{lines}".encode("latin-1"), LIMITS)


def test_what_begins_like_no_response_is_refused_at_its_first_byte() -> None:
    with pytest.raises(InvalidMessage, match="this is not HTTP"):
        HeadReader(LIMITS.max_head, re.compile(b"H")).feed(b"SSH-2.0-OpenSSH")


def test_a_response_that_is_made_ends_its_connection_and_says_how_long_it_is() -> None:
    response = make_response(403, "höchstens\n", {"X": "y"})
    assert response.serialize() == (
        b"HTTP/1.1 403 Forbidden\r\nX: y\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 11\r\nConnection: close\r\n\r\nh\xc3\xb6chstens\n"
    )


def test_a_response_that_is_made_may_have_another_type_but_not_another_length() -> None:
    page = [("content-type", "text/html"), ("Content-Length", "9"), ("Connection", "keep-alive")]
    headers = make_response(200, b"<p>", page).headers
    assert headers == Headers(
        [("Content-Type", "text/html"), ("Content-Length", "3"), ("Connection", "close")]
    )


def test_a_status_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="299 is not a valid HTTPStatus"):
        make_response(299)


@pytest.mark.parametrize(
    ("reason", "body", "summary"),
    [
        ("Forbidden", b"", "Forbidden"),
        ("Forbidden", b"\n no \r\nmore", "Forbidden: no"),
        ("Forbidden", b"\xff\x1b[31m\x07", "Forbidden: \ufffd?[31m?"),
        ("Bad \x9b31m\t", b"", "Bad ?31m?"),
        ("No", b"x" * 1_000, "No: " + "x" * 196),
    ],
)
def test_a_summary_is_one_printable_line(reason: str, body: bytes, summary: str) -> None:
    assert Response(403, reason, body=body).summary() == summary


# Injection


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\r\n", " ", "\x7f", "é"])
def test_a_request_line_cannot_be_broken(character: str) -> None:
    with pytest.raises(ValueError, match="request target has a character"):
        Request(f"/{character}", Headers())
    with pytest.raises(ValueError, match="is not a method"):
        Request("/", Headers(), f"GET{character}")


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\r\n", "\x7f", "€"])
def test_a_status_line_cannot_be_broken(character: str) -> None:
    with pytest.raises(ValueError, match="reason phrase has a character"):
        Response(200, f"OK{character}")


def test_a_head_that_was_checked_is_read_again() -> None:
    request = Request("/path?query", Headers([("Host", "a"), ("X", ""), ("X", "b: c")]))
    assert reread_request(request.serialize().removesuffix(b"\r\n\r\n")) == request


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_no_length_of_it(status: int) -> None:
    response = make_response(status)
    assert "Content-Length" not in response.headers
    assert "Content-Type" not in response.headers


def test_a_request_with_another_method_and_a_body_can_be_read() -> None:
    head = b"POST /tickets HTTP/1.1\r\nHost: a\r\nContent-Length: 4"
    request = parse_any_request(head, Limits())
    assert (request.method, request.path, request.body) == ("POST", "/tickets", b"")
