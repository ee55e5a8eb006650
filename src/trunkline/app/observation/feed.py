"""Snapshots for whoever looks at a status page; while nobody does, none are taken."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from trunkline.app.observation.snapshot import Snapshot
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.topic import Topic
from trunkline.limits import SNAPSHOT_INTERVAL, SNAPSHOTS_KEPT

Point = list[float]
"""Time, connections, messages received and sent, bytes received and sent, and lag of the worst."""

TASK = "snapshots of a status page"

TOTALS = ("messages_received", "messages_sent", "bytes_received", "bytes_sent")


class Feed(Events):
    """Sends a snapshot each second to every page that is open; a slow one gets the newest.

    Args:
        take: gives the snapshots of all processes.
    """

    def __init__(self, take: Callable[[], Awaitable[Sequence[Snapshot]]]) -> None:
        self._take = take
        self._points: deque[Point] = deque(maxlen=SNAPSHOTS_KEPT)
        self._pages = Topic(overflow="conflate")
        self._task: asyncio.Task[None] | None = None

    def on_open(self, ws: Connection) -> None:
        """Show what was seen already, and go on."""
        ws.send_soon(json.dumps({"points": [*self._points]}))
        self._pages.subscribe(ws)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=TASK)

    async def stop(self) -> None:
        """Take no more snapshots; whoever looked has left."""
        if self._task is not None:
            task = self._task
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        try:
            while len(self._pages):
                self._pages.publish(json.dumps(await self._look()), key=Feed)
                await asyncio.sleep(SNAPSHOT_INTERVAL)
        finally:
            self._task = None

    async def _look(self) -> dict[str, Any]:
        snapshots = await self._take()
        point = point_of(time.time(), snapshots)
        self._points.append(point)
        return {"point": point, "processes": snapshots}


def point_of(now: float, snapshots: Sequence[Snapshot]) -> Point:
    """Give what a chart needs of the snapshots of all processes."""
    routes = [route for snapshot in snapshots for route in snapshot["routes"].values()]
    return [
        now,
        sum(snapshot["connections"] for snapshot in snapshots),
        *(sum(route[name] for route in routes) for name in TOTALS),
        max((snapshot["lag"] for snapshot in snapshots), default=0.0),
    ]
