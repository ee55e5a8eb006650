"""How a connection ended: by whom, with which code, and what that means."""

from __future__ import annotations

from trunkline.cli.doctor.step import Problem
from trunkline.close_codes import CloseCode, PolicyCode, describe
from trunkline.errors import ConnectionClosed

LOG = "look into the server's log"
CREDENTIALS = "check token and cookies: -H 'Authorization: Bearer TOKEN'"
OTHER_MESSAGES = "see what the server expects as the first message, and --subprotocol"
ADVICE: dict[int, str] = {
    CloseCode.NORMAL_CLOSURE: "the server has nothing to say at this path, or at this time",
    CloseCode.GOING_AWAY: "the server is stopped or started again: come back later",
    CloseCode.PROTOCOL_ERROR: "one side breaks RFC 6455: try --no-compression, or another path",
    CloseCode.UNSUPPORTED_DATA: OTHER_MESSAGES,
    CloseCode.NO_STATUS_RCVD: LOG,
    CloseCode.ABNORMAL_CLOSURE: (
        "a proxy in between, or a server that died: look into the logs of both"
    ),
    CloseCode.INVALID_DATA: "one side sends text that is not UTF-8: try --no-compression",
    CloseCode.POLICY_VIOLATION: f"the server does not want this client: {CREDENTIALS}",
    CloseCode.MESSAGE_TOO_BIG: "the server sends larger messages than are usually taken",
    CloseCode.MANDATORY_EXTENSION: "the server needs an extension that was not offered",
    CloseCode.INTERNAL_ERROR: f"the server's handler failed: {LOG}",
    CloseCode.SERVICE_RESTART: "the server is started again: come back later",
    CloseCode.TRY_AGAIN_LATER: "the server is overloaded: come back later",
    CloseCode.BAD_GATEWAY: "a proxy in front gets no answer from the server behind it",
    PolicyCode.EXPIRED: f"the token has expired: {CREDENTIALS}",
    PolicyCode.INVALID_TOKEN: CREDENTIALS,
}
PRIVATE = "this code is the application's own: its documentation says what it means"


def closing_words(closed: ConnectionClosed) -> str:
    """Say who closed, and with which code and reason."""
    reason = f": {closed.reason}" if closed.reason else ""
    code = f"{closed.code} ({describe(closed.code)})"
    return f"closed by {closed.closer.value} with {code}{reason}"


def explain_closed(closed: ConnectionClosed) -> Problem:
    """Explain an end that was not asked for."""
    if closed.rcvd is None and closed.sent is None:
        what = f"the line was cut without a close frame ({closed.code})"
        return Problem(what, ADVICE[CloseCode.ABNORMAL_CLOSURE])
    return Problem(closing_words(closed), ADVICE.get(closed.code, PRIVATE))


def closing_facts(closed: ConnectionClosed) -> dict[str, object]:
    """Give the end for programs."""
    return {
        "code": closed.code,
        "reason": closed.reason,
        "closer": closed.closer.name.lower(),
        "clean": closed.was_clean,
    }
