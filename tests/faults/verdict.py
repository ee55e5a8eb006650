"""Judges what both sides saw against what the proxy let through."""

from __future__ import annotations

from tests.faults.delivered import Understanding, understand
from tests.faults.exchange import GREETING, LIMITS, MESSAGES, Data, Record
from tests.faults.fault_proxy import Fault, FaultProxy
from trunkline import (
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidMessage,
    InvalidStatus,
    Limits,
)
from trunkline.limits import LINGER, TICK

ABNORMAL = 1006
NORMAL = 1000
TICKS_SECONDS = 4 * TICK
"""Each deadline of a chain may be late by a tick."""


def opening_bound(limits: Limits) -> float:
    """Give the seconds in which an opening has succeeded or failed."""
    assert limits.open_timeout is not None
    return limits.open_timeout + LINGER + TICKS_SECONDS


def conversation_bound(limits: Limits) -> float:
    """Give the seconds in which a conversation whose peer falls silent has ended."""
    times = (limits.open_timeout, limits.ping_interval, limits.ping_timeout, limits.close_timeout)
    return sum(seconds or 0 for seconds in times) + TICKS_SECONDS


def judge(proxy: FaultProxy, client: Record, server: Record | None, began_at: float) -> None:
    """Hold both records against the bytes that each side has got."""
    faults = {proxy.up.fault, proxy.down.fault} - {Fault.NONE}
    judge_time(client, began_at)
    got = understand(proxy.down.delivered(until=client.ends[0]))
    judge_opening(client, got, faults)
    judge_side(client, got, faults)
    if server is not None:
        judge_time(server, began_at)
        got = understand(proxy.up.delivered(until=server.ends[0]))
        assert got.has_head
        judge_side(server, got, faults)


def judge_sealed(client: Record, server: Record | None, began_at: float) -> None:
    """Hold both records against what was said: through TLS nobody knows what has arrived."""
    if not client.opened:
        documented = (OSError, InvalidMessage, InvalidStatus)
        assert isinstance(client.error, documented)
    judge_time(client, began_at)
    judge_sealed_side(client, ["".join(GREETING), *MESSAGES])
    if server is not None:
        judge_time(server, began_at)
        judge_sealed_side(server, MESSAGES)


def judge_sealed_side(record: Record, said: list[Data]) -> None:
    """A side heard the beginning of what was said, and its end is clean or 1006."""
    assert record.messages == said[: len(record.messages)]
    closed = record.closed
    if closed is not None:
        assert closed.was_clean == (closed.rcvd is not None)
        assert closed.was_clean or closed.code == ABNORMAL


def judge_time(record: Record, began_at: float) -> None:
    """A side ended once, and in time."""
    bound = conversation_bound if record.opened else opening_bound
    assert [end - began_at < bound(LIMITS) for end in record.ends] == [True]


def judge_opening(client: Record, got: Understanding, faults: set[Fault]) -> None:
    """A connection came about, or the error says why not."""
    if client.opened:
        assert client.error is None
        assert got.has_head
    elif faults == {Fault.RESET}:
        assert isinstance(client.error, OSError | InvalidMessage)
    elif faults == {Fault.END}:
        assert isinstance(client.error, InvalidMessage)
    elif isinstance(client.error, InvalidStatus):
        assert client.error.response.status_code == 408
    else:
        assert isinstance(client.error, TimeoutError)


def judge_side(record: Record, got: Understanding, faults: set[Fault]) -> None:
    """One side knows no more than it was told, and no less unless a reset threw it away."""
    if Fault.RESET in faults:
        assert record.messages == got.messages[: len(record.messages)]
    elif record.opened:
        assert record.messages == got.messages
    if record.opened:
        judge_end(record, got, faults)


def judge_end(record: Record, got: Understanding, faults: set[Fault]) -> None:
    """The end is clean exactly if both close frames got through, and 1006 without the peer's."""
    closed = record.closed
    if closed is None:
        # Events and the browser's interface tell of an error where there is one.
        assert got.close is not None
        assert record.close_event == (*got.close, True)
        return
    assert closed.was_clean == (closed.rcvd is not None)
    if closed.was_clean or Fault.RESET not in faults:
        assert got.close == (closed.rcvd and (closed.rcvd.code, closed.rcvd.reason))
    assert closed.was_clean or closed.code == ABNORMAL
    is_ok = closed.was_clean and closed.code == NORMAL
    assert isinstance(closed, ConnectionClosedOK if is_ok else ConnectionClosedError)
    if record.close_event is not None:
        reason = closed.reason if closed.was_clean else ""
        assert record.close_event == (closed.code, reason, closed.was_clean)
