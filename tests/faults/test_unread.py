"""A peer that never reads: senders wait, queues stay short, and closing does not wait for ever."""

import asyncio
import tracemalloc

import pytest

from tests.faults.exchange import LIMITS
from tests.faults.fault_proxy import HOST, Course, Fault, FaultProxy
from tests.faults.idle_loop import until_quiet
from tests.faults.verdict import ABNORMAL, TICKS_SECONDS
from tests.server.wire import port_of
from trunkline import Connection, ConnectionClosedError, Limits, ServerConnection, connect, serve
from trunkline.protocol.role import Role

KIB = 1024
MIB = 1024 * KIB
MESSAGE = bytes(64 * KIB)
KERNEL_BYTES = 64 * MIB
"""More than the kernel holds for a connection."""
FRAME_BYTES = 14
"""The longest head of a frame."""


class Deaf:
    """A connection whose peer never hears what is sent, for both roles."""
