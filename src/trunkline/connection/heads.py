"""The two heads of an opening handshake, kept small: few ask for them again.

Most of what heads say, they say for every connection alike: those parts are kept once, as long as
a connection has them. What is left is the key and the date, which take a few bytes, and whatever
else is its own.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from weakref import ref

from trunkline.limits import LARGEST_SHARED_HEADS, MOST_RECENT_HEADS, MOST_SHARED_HEADS
from trunkline.protocol.date import date_of, second_of
from trunkline.protocol.handshake import accept_key
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, Response

KEY, ACCEPT, DATE = "sec-websocket-key", "sec-websocket-accept", "date"
SHARED = frozenset({
    "accept", "accept-encoding", "accept-language", "cache-control", "connection", "dnt", "host",
    "origin", "pragma", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site",
    "sec-websocket-extensions", "sec-websocket-protocol", "sec-websocket-version", "server",
    "upgrade", "user-agent", "vary", "via", "x-forwarded-host", "x-forwarded-port",
    "x-forwarded-proto",
})  # fmt: skip
"""Fields whose values many connections have in common."""

FOLLOWS = "="
"""Behind a name, where no name can have it: the value follows from the key."""

BRIEF = "@"
"""Behind a name, where no name can have it: the value is kept in `BRIEF_BYTES`."""

BRIEF_BYTES = {KEY: 16, DATE: 4}

NONCE = re.compile("[A-Za-z0-9+/]{21}[AQgw]==")
"""What base64 makes of 16 bytes."""

END_OF_LINE, END_OF_HEAD = "\r\n", "\r\n\r\n"


@dataclass(slots=True)
class Heads:
    """What was asked, and what was answered."""

    request: Request | None = None
    response: Response | None = None


class SharedBytes:
    """Gives one object for equal bytes; remembers a few, and none that is large.

    Strangers choose them: what it forgets stays alive where it is used.

    Args:
        most: how many it remembers.
        largest: how long one may be, in bytes.
    """

    def __init__(self, most: int, largest: int) -> None:
        self._most = most
        self._largest = largest
        self._known: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def share(self, data: bytes) -> bytes:
        """Give `data`, or what was there before and is equal."""
        known = self._known.get(data)
        if known is not None:
            return known
        if len(data) <= self._largest:
            if len(self._known) >= self._most:
                self._known.popitem(last=False)
            self._known[data] = data
        return data


patterns = SharedBytes(MOST_SHARED_HEADS, LARGEST_SHARED_HEADS)


class OwnValues:
    """What the heads of one connection say for it alone: in a few bytes, or as text."""

    def __init__(self) -> None:
        self._brief = bytearray()
        self._texts: list[str] = []

    def add(self, name: str, value: str) -> str:
        """Take a value in, and give the line that stands for it."""
        brief = shorten(name.lower(), value)
        if brief is not None:
            self._brief += brief
            return name + BRIEF
        self.add_text(value)
        return name

    def add_text(self, value: str) -> None:
        """Take a value in as it is."""
        self._texts.append(value)

    def __bytes__(self) -> bytes:
        return bytes(self._brief) + END_OF_LINE.join(self._texts).encode("latin-1")


def shorten(name: str, value: str) -> bytes | None:
    """Give what `lengthen()` makes this value of, where there is such a thing.

    Args:
        name: of the field, in lower case.
        value: of the field.
    """
    if name == KEY and NONCE.fullmatch(value):
        return b64decode(value)
    second = second_of(value) if name == DATE else None
    if second is None or not 0 <= second < 1 << 8 * BRIEF_BYTES[DATE]:
        return None
    return second.to_bytes(BRIEF_BYTES[DATE], "little")


def lengthen(name: str, brief: bytes) -> str:
    """Give the value that was shortened."""
    return b64encode(brief).decode() if name == KEY else date_of(int.from_bytes(brief, "little"))


def fold(heads: Heads) -> tuple[Heads | bytes, bytes]:
    """Make heads small where both are there, and the answer has no body.

    Returns:
        The lines of both, those without a value waiting for theirs; and these values, in order.
        Otherwise the heads as they are, and nothing.
    """
    request, response = heads.request, heads.response
    if request is None or response is None or response.body:
        return heads, b""
    own = OwnValues()
    if "?" in request.path:
        own.add_text(request.path)
        lines = [request.method]
    else:
        lines = [f"{request.method} {request.path}"]
    key = fold_lines(request.headers, lines, own, None)
    lines += "", f"{response.status_code} {response.reason_phrase}"
    fold_lines(response.headers, lines, own, key)
    pattern = END_OF_LINE.join(lines).encode("latin-1")
    return patterns.share(pattern), bytes(own)


def fold_lines(headers: Headers, lines: list[str], own: OwnValues, key: str | None) -> str | None:
    """Append to `lines` and `own` what belongs there; give the key, if it is among them."""
    for name, value in headers.raw_items():
        lower = name.lower()
        if lower in SHARED:
            lines.append(f"{name}: {value}")
        elif key is not None and lower == ACCEPT and value == accept_key(key):
            lines.append(name + FOLLOWS)
        else:
            lines.append(own.add(name, value))
            if lower == KEY:
                key = value
    return key


def unfold(pattern: bytes, own: bytes) -> Heads:
    """Put together what `fold()` has taken apart."""
    heads = pattern.decode("latin-1").split(END_OF_HEAD)
    asked, answered = (head.split(END_OF_LINE) for head in heads)
    brief = BytesIO(own)
    start = sum(map(brief_bytes, asked[1:] + answered[1:]))
    values = iter(own[start:].decode("latin-1").split(END_OF_LINE))
    method, _, path = asked[0].partition(" ")
    path = path or next(values)
    request = Request(path, Headers(unfold_lines(asked[1:], values, brief, "")), method)
    status, _, reason = answered[0].partition(" ")
    key = "".join(request.headers.get_all(KEY)[-1:])
    headers = Headers(unfold_lines(answered[1:], values, brief, key))
    return Heads(request, Response(int(status), reason, headers))


def brief_bytes(line: str) -> int:
    """Say how many bytes are kept for the value of a line."""
    name = line.removesuffix(BRIEF)
    return 0 if name == line or ":" in name else BRIEF_BYTES[name.lower()]


def unfold_lines(
    lines: list[str], values: Iterator[str], brief: BytesIO, key: str
) -> Iterator[tuple[str, str]]:
    """Give the fields of a pattern, with the values that are missing there."""
    for line in lines:
        name, colon, value = line.partition(": ")
        if colon:
            yield name, value
        elif name.endswith(FOLLOWS):
            yield name.removesuffix(FOLLOWS), accept_key(key)
        elif name.endswith(BRIEF):
            name = name.removesuffix(BRIEF)
            yield name, lengthen(name.lower(), brief.read(brief_bytes(line)))
        else:
            yield name, next(values)


class RecentHeads:
    """Unfolds heads, and remembers whose it has unfolded last: whoever asks, asks again.

    Args:
        most: how many connections it remembers.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[ref[object], Heads] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def unfold(self, owner: object, pattern: bytes, own: bytes) -> Heads:
        """Give the heads of `owner`, whose parts never change."""
        key = ref(owner)
        heads = self._known.get(key)
        if heads is None:
            heads = unfold(pattern, own)
            if len(self._known) >= self._most:
                self._known.popitem(last=False)
            self._known[key] = heads
        return heads


recent = RecentHeads(MOST_RECENT_HEADS)
