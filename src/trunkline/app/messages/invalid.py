"""What becomes of a message that its schema does not take."""

from __future__ import annotations

import json
from enum import Enum

from trunkline.app.messages.schema import Unfit
from trunkline.close_codes import CloseCode
from trunkline.connection.connection import Connection
from trunkline.connection.state import State
from trunkline.protocol.closing import shorten_reason

ERROR_REPLY = {
    "title": "ErrorReply",
    "description": "What was wrong with what this client has sent.",
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
}
"""JSON Schema of the answer to a message that is not for the handler."""


class Invalid(Enum):
    """What a route does about it; the handler never sees the message."""

    REPLY = "reply"
    """Answer with `{"error": "…"}`, and go on."""

    CLOSE_1007 = CloseCode.INVALID_DATA
    CLOSE_1008 = CloseCode.POLICY_VIOLATION


def turn_down(connection: Connection, unfit: Unfit, invalid: Invalid) -> None:
    """Tell a peer that its message is not what the route takes."""
    if connection.state is not State.OPEN:
        return
    if invalid is Invalid.REPLY:
        connection.send_soon(json.dumps({"error": str(unfit)}))
    else:
        connection.close_soon(invalid.value, shorten_reason(str(unfit)))
