"""One defect of kosoku 0.1.0, mended in the process that runs the cases.

In the cases 12 and 13 an answer that was sent plain reaches the case as `str`, one character for
each byte, and the case crashes ("Strings must be encoded before hashing"). RFC 7692 §6 allows a
plain message on a compressed connection, and Trunkline sends one where deflate does not pay and
the context is forgotten anyway. Under Python 2, for which the cases were written, both were `str`.
"""

import importlib
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from kosoku import _caseindex

OnMessage = Callable[[Any, str | bytes, bool], None]


@cache
def mend() -> None:
    """Hand plain answers to the cases 12 and 13 as `bytes`; call it before the cases run."""
    _caseindex.initialize_shims()
    cases = importlib.import_module("case12_x_x")
    for case in (*cases.Case12_X_X, *cases.Case13_X_X):
        case.onMessage = as_bytes(case.onMessage)


def as_bytes(on_message: OnMessage) -> OnMessage:
    """Wrap a case's method, so that it always gets bytes."""

    @wraps(on_message)
    def mended(case: Any, message: str | bytes, is_binary: bool) -> None:
        payload = message.encode("latin-1") if isinstance(message, str) else message
        on_message(case, payload, is_binary)

    return mended
