"""An application that writes down each message before it acknowledges it."""

from __future__ import annotations

import logging
import os

from tests.soak.fleet import COME_BACK_WITHIN, JOURNAL, WINDOW
from trunkline import Limits, ServerConnection
from trunkline.app.app import App
from trunkline.limits import Drain

PATIENCE = 10.0

# A line for each of thousands of connections would be most of the work.
logging.getLogger("trunkline.access").setLevel(logging.WARNING)

journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
app = App(
    # All come from one address, and at once.
    limits=Limits(
        max_connections=None,
        max_connections_per_address=None,
        handshake_rate=None,
        open_timeout=60.0,
        ping_interval=None,
    ),
    drain=Drain(
        window=float(os.environ[WINDOW]),
        come_back_within=float(os.environ[COME_BACK_WITHIN]),
        patience=PATIENCE,
    ),
)


@app.websocket("/journal")
async def acknowledge(ws: ServerConnection) -> None:
    """Say which worker it is, and then which messages have been written down."""
    await ws.send(str(os.getpid()))
    async for message in ws:
        os.write(journal, f"{message}\n".encode())
        await ws.send(message)
