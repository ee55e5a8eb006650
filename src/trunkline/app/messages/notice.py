"""What a peer is told whose messages are dropped: silence would be a loss that nobody hears of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trunkline.connection.state import State
from trunkline.limits import NOTICE_INTERVAL

if TYPE_CHECKING:
    from trunkline.app.connection import AppConnection


def tell_dropped(connection: AppConnection, message: str | bytes) -> None:
    """Tell a peer that it was too fast; once in a while, not for each message.

    Args:
        connection: on which the message came.
        message: what was dropped.
    """
    visit, setting = connection.visit, connection._setting
    now = setting.engine.now()
    if connection.state is not State.OPEN or now < visit.quiet_until:
        return
    visit.quiet_until = now + NOTICE_INTERVAL
    rate = setting.limits.message_rate
    limit = "" if rate is None else f", limit {rate.of('messages')}"
    connection.send_soon(json.dumps({"error": f"messages were dropped: they came too fast{limit}"}))
