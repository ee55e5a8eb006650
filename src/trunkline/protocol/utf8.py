"""UTF-8, checked as it arrives (RFC 6455 §8.1)."""

import codecs
import re

from trunkline.errors import InvalidPayload

NOT_UTF8 = "text is not valid UTF-8"
ENDS_INSIDE = f"{NOT_UTF8}: it ends inside a code point"
# RFC 3629 §3: surrogates are no characters. CPython's decoder would wait for their third byte.
SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")


class Utf8Validator:
    """Checks text that comes in parts and fails at the first byte that cannot be right.

    It keeps the bytes of one unfinished code point and nothing else.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, part: bytes) -> None:
        """Check the next part; raise `InvalidPayload` at a wrong byte."""
        try:
            self._decoder.decode(part)
        except UnicodeDecodeError:
            raise InvalidPayload(NOT_UTF8) from None
        unfinished, _ = self._decoder.getstate()
        if SURROGATE.match(unfinished):
            raise InvalidPayload(NOT_UTF8)

    def finish(self) -> None:
        """Check that the text did not end inside a code point, and begin anew."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise InvalidPayload(ENDS_INSIDE) from None
