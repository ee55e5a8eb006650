import ssl

from trunkline.native.stream import Stream

WHY_NOT_BORROWED: str | None
"""Why OpenSSL is not called directly, in one sentence; None where it is."""

is_borrowing: bool
"""Whether new streams call OpenSSL directly."""

def secure(
    stream: Stream,
    context: ssl.SSLContext,
    ssl_object: ssl.SSLObject,
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
) -> None:
    """Lay TLS over `stream`, after its handshake.

    Args:
        stream: has carried the handshake.
        context: for `get_extra_info()`.
        ssl_object: has completed the handshake.
        incoming: what it reads from, with what has arrived behind the handshake.
        outgoing: what it writes to, with what is left to be sent.
    """

def fail(stream: Stream, error: Exception) -> None:
    """Send what can be sent, such as an alert, and lose `stream` by `error`."""

def is_borrowed(stream: Stream) -> bool | None:
    """Tell how `stream` speaks TLS: OpenSSL called directly or not; None where it does not."""
