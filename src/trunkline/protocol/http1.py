"""HTTP/1.1 heads, read strictly and with limits (RFC 9112), as far as an opening handshake goes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus

from trunkline.errors import InvalidMessage, RequestRefused
from trunkline.limits import Limits
from trunkline.protocol.headers import FIELD_VALUE, TOKEN, Headers, HeadersLike, wrong_value

END_OF_LINE = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
METHOD_START = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]")
FIELD_LINE = re.compile(rf"({TOKEN.pattern}):({FIELD_VALUE.pattern})")
TARGET = re.compile(r"[\x21-\x7e]+")
REQUEST_LINE = re.compile(r"([^ ]+) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
SUMMARY_LENGTH = 200


@dataclass(slots=True)
class Request:
    """An opening request.

    Args:
        path: request target, query included.
        headers: header fields.
        method: `GET` for every request that opens a WebSocket.
        body: empty for every request that opens a WebSocket.

    Raises:
        ValueError: the target or the method has a character that may not be in one.
    """

    path: str
    headers: Headers
    method: str = "GET"
    body: bytes = b""

    def __post_init__(self) -> None:
        if not TARGET.fullmatch(self.path):
            raise ValueError("request target has a character that may not be in one")
        if not TOKEN.fullmatch(self.method):
            raise ValueError(f"{self.method!r} is not a method")

    def serialize(self) -> bytes:
        """Give the request as it travels."""
        line = f"{self.method} {self.path} HTTP/1.1\r\n".encode("ascii")
        return line + self.headers.serialize() + END_OF_LINE


@dataclass(slots=True)
class Response:
    """An answer to an opening request.

    Args:
        status_code: HTTP status.
        reason_phrase: the words behind it.
        headers: header fields.
        body: at most `Limits.max_body` bytes of it when it was received.

    Raises:
        ValueError: the reason phrase has a character that may not be in one.
    """

    status_code: int
    reason_phrase: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def __post_init__(self) -> None:
        if not FIELD_VALUE.fullmatch(self.reason_phrase):
            raise ValueError("reason phrase has a character that may not be in one")

    def serialize(self) -> bytes:
        """Give the response as it travels."""
        line = f"HTTP/1.1 {self.status_code} {self.reason_phrase}\r\n".encode("latin-1")
        return line + self.headers.serialize() + END_OF_LINE + self.body

    def summary(self) -> str:
        """Give the reason phrase and the first line of the body, for an error text."""
        first_line = self.body.decode(errors="replace").strip().partition("\n")[0].strip()
        words = f"{self.reason_phrase}: {first_line}" if first_line else self.reason_phrase
        return "".join(char if char.isprintable() else "?" for char in words[:SUMMARY_LENGTH])


def make_response(status: int, body: str | bytes = b"", headers: HeadersLike = ()) -> Response:
    """Make a response that ends its connection, with a plain text unless `headers` say otherwise.

    Args:
        status: HTTP status code, 200 to 599.
        body: text or bytes.
        headers: further header fields.
    """
    status = HTTPStatus(status)
    lines = Headers(headers)
    content = body.encode() if isinstance(body, str) else body
    # RFC 9110 §6.4.1, §8.6: these two have no content, and no length of it
    if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        if "Content-Type" not in lines:
            lines["Content-Type"] = "text/plain; charset=utf-8"
        lines["Content-Length"] = str(len(content))
    lines["Connection"] = "close"
    return Response(int(status), status.phrase, lines, content)


class HeadReader:
    """Collects the head of a message until its empty line; looks at each byte once.

    Args:
        max_size: bytes that the head may have.
        starts_with: what its first byte must match.
    """

    def __init__(self, max_size: int, starts_with: re.Pattern[bytes] = METHOD_START) -> None:
        self._max_size = max_size
        self._starts_with = starts_with
        self._buffer = bytearray()

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Take what arrived; give head and what lies behind it once the head is whole.

        Raises:
            HeadTooLarge: there is no end within the limit.
            InvalidMessage: it cannot become a head.
        """
        # The last three bytes may hold the beginning of the end.
        seen = max(0, len(self._buffer) - len(END_OF_HEAD) + 1)
        self._buffer += data
        farthest = self._max_size + len(END_OF_HEAD)
        end = self._buffer.find(END_OF_HEAD, seen, farthest)
        self._check_bytes(seen, self._max_size if end < 0 else end)
        if end >= 0:
            return bytes(self._buffer[:end]), bytes(self._buffer[end + len(END_OF_HEAD) :])
        if len(self._buffer) >= farthest:
            in_first_line = self._buffer.find(END_OF_LINE, 0, self._max_size) < 0
            raise HeadTooLarge(self._max_size, in_first_line=in_first_line)
        return None

    def _check_bytes(self, seen: int, end: int) -> None:
        if self._buffer and not self._starts_with.match(self._buffer):
            raise InvalidMessage("this is not HTTP (is it TLS on a plain port?)")
        # RFC 9112 §2.2: a lone line feed may be taken as the end of a line; two readers that
        # disagree on it can be played against each other, so it is refused
        if BARE_LINE_FEED.search(self._buffer, seen, end):
            raise InvalidMessage("a line ends without a carriage return")


class HeadTooLarge(InvalidMessage):
    """A head does not end within its limit."""

    def __init__(self, limit: int, *, in_first_line: bool) -> None:
        super().__init__(f"head is over {limit:,} bytes, limit {limit:,}")
        self.in_first_line = in_first_line


def parse_lines(head: bytes, limits: Limits) -> tuple[str, Headers]:
    """Split a head into its first line and its headers.

    Raises:
        TooManyHeaders: there are more than `max_headers`.
        InvalidMessage: a line is not a header field.
    """
    first_line, *lines = head.decode("latin-1").split("\r\n")
    if len(lines) > limits.max_headers:
        raise TooManyHeaders(len(lines), limits.max_headers)
    return first_line, Headers.trusted([parse_line(line) for line in lines])


def parse_line(line: str) -> tuple[str, str]:
    """Give name and value of a header field."""
    match = FIELD_LINE.fullmatch(line)
    if match is None:
        raise wrong_line(line)
    return match[1], match[2].strip(" \t")


def wrong_line(line: str) -> InvalidMessage:
    """Say why a line is not a header field."""
    # RFC 9112 §5.2: folding is obsolete, and a server must refuse it
    if line[:1] in (" ", "\t"):
        return InvalidMessage("a header is folded over two lines")
    name, colon, _ = line.partition(":")
    # RFC 9112 §5.1: no white space between name and colon
    if not colon or not TOKEN.fullmatch(name):
        return InvalidMessage("a line is not a header field")
    return InvalidMessage(wrong_value(name))


class TooManyHeaders(InvalidMessage):
    """A head has more header lines than the limit."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"head has {count:,} header lines, limit {limit:,}")


# Requests


def parse_request(head: bytes, limits: Limits) -> Request:
    """Parse the head of an opening request.

    Raises:
        RequestRefused: with the status that says what is wrong.
    """
    request = parse_any_request(head, limits)
    # RFC 6455 §4.1: the method is GET
    if request.method != "GET":
        allow = {"Allow": "GET"}
        raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is served", allow)
    check_no_body(request.headers)
    return request


def parse_any_request(head: bytes, limits: Limits) -> Request:
    """Parse the head of a request with any method, which may have a body.

    Raises:
        RequestRefused: with the status that says what is wrong.
    """
    try:
        first_line, headers = parse_lines(head, limits)
    except InvalidMessage as error:
        raise refusal_for(error) from None
    method, target = parse_request_line(first_line, limits)
    return Request(origin_form(target, check_host(headers)), headers, method)


def reread_request(head: bytes) -> Request:
    """Parse a head that has been checked, and is what `Request.serialize()` would give."""
    first_line, _, lines = head.decode("latin-1").partition("\r\n")
    request = Request.__new__(Request)
    request.method, request.path, _ = first_line.split(" ")
    request.body = b""
    request.headers = Headers.unread(lines)
    return request


def refusal_for(error: InvalidMessage) -> RequestRefused:
    """Choose the status for a head that cannot be read."""
    if isinstance(error, HeadTooLarge) and error.in_first_line:
        return RequestRefused(HTTPStatus.REQUEST_URI_TOO_LONG, str(error))
    if isinstance(error, HeadTooLarge | TooManyHeaders):
        return RequestRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, str(error))
    return RequestRefused(HTTPStatus.BAD_REQUEST, str(error))


def parse_request_line(line: str, limits: Limits) -> tuple[str, str]:
    """Give method and target of a request line (RFC 9112 §3)."""
    if len(line) > limits.max_target:
        reason = f"request line is {len(line):,} bytes, limit {limits.max_target:,}"
        raise RequestRefused(HTTPStatus.REQUEST_URI_TOO_LONG, reason)
    match = REQUEST_LINE.fullmatch(line)
    if match is None or not TOKEN.fullmatch(match[1]):
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "request line cannot be read")
    method, target, major, minor = match.groups()
    # RFC 6455 §4.1: the version is at least 1.1, and later major versions frame differently
    if (major, minor) != ("1", "1"):
        reason = f"HTTP/{major}.{minor} is not supported, HTTP/1.1 is"
        raise RequestRefused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, reason)
    return method, target


def check_no_body(headers: Headers) -> None:
    """Refuse a request with a body: whatever follows the head is frames."""
    lengths = headers.get_all("Content-Length")
    if "Transfer-Encoding" in headers or any(length.strip("0") for length in lengths):
        reason = "an opening request has no body"
        raise RequestRefused(HTTPStatus.BAD_REQUEST, reason)
    if len(lengths) > 1 or "" in lengths:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "Content-Length cannot be read")


HOST = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9\-._~!$&'()*+;=%]+)(?::(?P<port>[0-9]{0,5}))?"
)


def check_host(headers: Headers) -> str:
    """Give the only Host there is (RFC 9112 §3.2)."""
    hosts = headers.get_all("Host")
    if len(hosts) != 1:
        reason = f"request has {len(hosts)} Host headers, not one"
        raise RequestRefused(HTTPStatus.BAD_REQUEST, reason)
    if not HOST.fullmatch(hosts[0]):
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "Host header cannot be read")
    return hosts[0]


ABSOLUTE_FORM = re.compile(r"(?:https?|wss?)://([^/?]*)([/?].*)?", re.IGNORECASE)


def origin_form(target: str, host: str) -> str:
    """Give path and query of a request target (RFC 9112 §3.2)."""
    if "#" in target:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "request target has a fragment")
    if target.startswith("/"):
        return target
    match = ABSOLUTE_FORM.fullmatch(target)
    # RFC 9112 §3.2.2: the target's authority would win; two that differ are a trick
    if match is None or match[1].lower() != host.lower():
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "request target cannot be read")
    path = match[2] or ""
    return path if path.startswith("/") else f"/{path}"


# Responses


def parse_response(head: bytes, limits: Limits) -> Response:
    """Parse the head of a response; `BodyReader` reads its body.

    Raises:
        InvalidMessage: it cannot be read, or is larger than the limits.
    """
    first_line, headers = parse_lines(head, limits)
    match = STATUS_LINE.fullmatch(first_line)
    if match is None:
        raise InvalidMessage(f"status line cannot be read: {first_line[:80]!r}")
    return Response(int(match[2]), match[3] or "", headers)
