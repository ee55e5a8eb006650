"""Exchanges on streams in memory."""

from __future__ import annotations

import logging
from typing import Any

from tests.connection.memory_stream import MemoryEngine, MemoryStream, Peer
from tests.server.wire import request
from trunkline.connection.setting import Setting
from trunkline.integrations.exchange import Exchange
from trunkline.integrations.opening import read_opening
from trunkline.limits import Limits
from trunkline.protocol.role import Role

HEADERS = [(b"server", b"s")]


class Visit:
    """A client that has asked, and the exchange that came of it."""

    def __init__(self, **fields: str) -> None:
        self.engine = MemoryEngine()
        self.stream = MemoryStream(1024, self.engine.now)
        self.stream.pause_reading()
        self.losses: list[Any] = []
        self.told: list[str] = []
        engine: Any = self.engine
        limits = Limits(write_limit=1024)
        logger = logging.getLogger("trunkline.test")
        setting = Setting(engine, Role.SERVER, limits, logger, self.losses.append)
        opening = read_opening(request(**fields), limits, None)
        self.exchange = Exchange(setting, self.stream, opening, HEADERS, self.told.append)
        self.stream.receiver = self.exchange
        self.peer = Peer(self.stream, Role.CLIENT, None)

    @property
    def answer(self) -> bytes:
        """What was written first."""
        return self.stream.writes[0]

    async def accept(self, **changes: Any) -> None:
        """Accept; the peer hears of nothing before."""
        await self.exchange.send({"type": "websocket.accept", **changes})
        self.peer._seen = len(self.stream.writes)
