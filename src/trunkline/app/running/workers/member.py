"""One worker, as its supervisor sees it."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass
from enum import Enum

from trunkline.app.running.stop import longest
from trunkline.app.running.workers.channel import Channel
from trunkline.app.running.workers.message import Say
from trunkline.app.running.workers.slot import Slot
from trunkline.app.running.workers.starter import Process
from trunkline.limits import DEFAULT_DRAIN, END_GRACE, KILL_GRACE

NEVER = math.inf


class Stage(Enum):
    """How far a worker has come."""

    STARTING = "starting"
    READY = "ready"
    LEAVING = "leaving"


@dataclass(eq=False)
class Member:
    """A worker's process, and what is known of it.

    Args:
        slot: its place.
        process: its process.
        channel: reaches it.
    """

    slot: Slot
    process: Process
    channel: Channel
    stage: Stage = Stage.STARTING
    ready_at: float = 0.0
    patience: float = longest(DEFAULT_DRAIN)
    """Seconds after which it has ended by itself when it was asked to."""
    kill_at: float = NEVER
    why: str | None = None
    """Why it cannot be started, in its own words."""

    def __str__(self) -> str:
        return f"worker {self.slot.number} (pid {self.process.pid})"

    def became_ready(self, now: float, patience: float) -> None:
        """Take note that it serves."""
        self.stage = Stage.READY
        self.ready_at = now
        self.patience = patience

    def ask_to_leave(self, say: Say, now: float) -> None:
        """Have it drain, or cut; it is killed when it is there for too long."""
        self.stage = Stage.LEAVING
        self.kill_at = now + KILL_GRACE + (END_GRACE if say is Say.CUT else self.patience)
        self.channel.tell(say)

    def kill(self) -> None:
        """End it at once."""
        self.kill_at = NEVER
        self.process.send_signal(signal.SIGKILL)


def describe_exit(exit_code: int) -> str:
    """Say how a process has ended."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
