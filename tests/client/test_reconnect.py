"""Coming back: every decision, with drawn delays and clocks that stand still."""

import socket
import ssl
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import (
    Backoff,
    Close,
    CloseCode,
    Closer,
    ConnectionClosed,
    ConnectionClosedError,
    Decision,
    Headers,
    InvalidHeader,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
    Response,
    SecurityError,
)
from trunkline.client.reconnect import Reconnection, parse_retry_after

NOW = 1_700_000_000.0
STABLE_SECONDS = Backoff().stable_after


def longest(low: float, high: float) -> float:
    assert low == 0.0
    return high


def reconnection(backoff: Backoff | None = None) -> Reconnection:
    """Make one that always draws the longest delay."""
    return Reconnection(backoff or Backoff(), draw=longest, wall_clock=lambda: NOW)


def status(code: int, retry_after: str | None = None) -> InvalidStatus:
    headers = Headers() if retry_after is None else Headers({"Retry-After": retry_after})
    return InvalidStatus(Response(code, "Status", headers))


def closed(code: int, reason: str = "") -> ConnectionClosed:
    said = Close(code, reason)
    return ConnectionClosedError(code, reason, Closer.PEER, 0.0, rcvd=said, sent=said)


REFUSED = ConnectionRefusedError("refused")


# Delays


@pytest.mark.parametrize("code", [CloseCode.SERVICE_RESTART, CloseCode.GOING_AWAY])
def test_a_server_that_asks_to_wait_is_waited_for(code: int) -> None:
    decision = reconnection().after_connection(closed(code, "retry in 7.5 s"), STABLE_SECONDS)
    assert (decision.retry, decision.delay, decision.attempt) == (True, 7.5, 0)
    assert decision.reason == f"closed with {code}, and asked to wait 7.5 s after 10 stable seconds"


def test_what_it_asks_for_comes_on_top_of_the_backoff() -> None:
    client = reconnection(Backoff(first=2.0))
    decision = client.after_connection(closed(1012, "retry in 7.5 s"), 0.0)
    assert (decision.delay, decision.attempt) == (9.5, 1)


def test_nobody_waits_for_longer_than_he_wants() -> None:
    client = reconnection(Backoff(max_retry_after=60.0))
    assert client.after_connection(closed(1012, "retry in 61 s"), STABLE_SECONDS).delay == 60.0
    assert client.after_connection(closed(1012, "retry in 60 s"), STABLE_SECONDS).delay == 60.0


def test_a_final_code_is_final_whatever_stands_beside_it() -> None:
    decision = reconnection().after_connection(closed(1008, "retry in 1 s"), STABLE_SECONDS)
    assert not decision.retry


def test_what_this_side_says_asks_nobody_to_wait() -> None:
    own = ConnectionClosedError(1012, "retry in 7 s", Closer.LOCAL, 0.0, sent=Close(1012, "x"))
    assert reconnection().after_connection(own, STABLE_SECONDS).delay == 0.0


def test_ceilings_double_up_to_the_cap() -> None:
    client = reconnection(Backoff(first=1.0, factor=2.0, cap=10.0))
    decisions = [client.after_failure(REFUSED) for _ in range(6)]
    assert [decision.delay for decision in decisions] == [1, 2, 4, 8, 10, 10]
    assert [decision.attempt for decision in decisions] == [1, 2, 3, 4, 5, 6]


@given(st.integers(min_value=1, max_value=200))
def test_the_delay_is_drawn_between_zero_and_the_ceiling(failures: int) -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return 0.125

    client = Reconnection(Backoff(), draw=draw)
    for _ in range(failures):
        assert client.after_failure(REFUSED).delay == 0.125
    assert drawn == [(0.0, Backoff().ceiling(attempt)) for attempt in range(1, failures + 1)]


def test_by_default_delays_are_random_and_within_bounds() -> None:
    delays = {Reconnection(Backoff()).after_failure(REFUSED).delay for _ in range(20)}
    assert len(delays) > 1
    assert all(0 <= delay <= Backoff().first for delay in delays)


def test_after_a_stable_connection_the_next_attempt_is_immediate() -> None:
    client = reconnection()
    client.after_failure(REFUSED)
    decision = client.after_connection(closed(1006), STABLE_SECONDS)
    assert (decision.retry, decision.delay, decision.attempt) == (True, 0.0, 0)
    assert decision.reason == "closed with 1006 after 10 stable seconds"
    assert client.after_failure(REFUSED).delay == Backoff().first


def test_a_connection_that_was_not_stable_counts_as_a_failure() -> None:
    client = reconnection()
    client.after_failure(REFUSED)
    decision = client.after_connection(closed(1006), STABLE_SECONDS - 0.1)
    assert (decision.retry, decision.delay, decision.attempt) == (True, 2.0, 2)
    assert decision.reason == "closed with 1006"


def test_leaving_the_loop_body_asks_for_the_next_connection() -> None:
    client = reconnection()
    decision = client.after_loop_body(closed(1000), 0.0)
    assert (decision.retry, decision.delay, decision.attempt) == (True, 1.0, 1)
    decision = client.after_loop_body(closed(1000), STABLE_SECONDS)
    assert (decision.retry, decision.delay, decision.attempt) == (True, 0.0, 0)
    assert decision.reason.startswith("the loop asks for the next connection")


# Close codes

RETRIED = {1001, 1006, 1011, 1012, 1013, 1014}


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_registered_code_is_classified(code: int) -> None:
    decision = reconnection().after_connection(closed(code), 0.0)
    assert decision.retry is (code in RETRIED)
    assert str(int(code)) in decision.reason
    assert isinstance(decision.cause, ConnectionClosed)


@pytest.mark.parametrize(
    ("codes", "retry"),
    [
        (range(3000, 3500), True),
        (range(3500, 4000), False),
        (range(4000, 4500), True),
        (range(4500, 5000), False),
    ],
)
def test_private_codes_are_classified_by_halves(codes: range, retry: bool) -> None:
    for code in codes:
        decision = reconnection().after_connection(closed(code), STABLE_SECONDS)
        assert decision.retry is retry
        assert decision.delay == 0.0


# Answers and errors


@pytest.mark.parametrize("code", [200, 204, 300, 302, 400, 401, 403, 404, 408, 426, 429, 499])
def test_an_answer_that_is_not_the_server_s_failure_is_final(code: int) -> None:
    decision = reconnection().after_failure(status(code))
    assert (decision.retry, decision.delay) == (False, 0.0)
    assert decision.reason == f"the answer was {code}, which is final"


@pytest.mark.parametrize("code", [500, 502, 503, 504, 599])
def test_a_failure_of_the_server_is_retried(code: int) -> None:
    decision = reconnection().after_failure(status(code))
    assert (decision.retry, decision.delay) == (True, 1.0)
    assert decision.reason == f"the answer was {code}"


@pytest.mark.parametrize("code", [404, 429, 503])
def test_retry_after_is_honoured_whatever_the_status(code: int) -> None:
    decision = reconnection().after_failure(status(code, "7"))
    assert (decision.retry, decision.delay) == (True, 8.0)
    assert decision.reason == f"the answer was {code}, and says when to come back"


def test_a_huge_retry_after_is_capped() -> None:
    for value in ("999999999999", "9" * 400):
        assert reconnection().after_failure(status(503, value)).delay == 3600.0 + 1.0


def test_a_proxy_that_refuses_counts_as_a_server_that_does() -> None:
    client = reconnection()
    assert not client.after_failure(InvalidProxyStatus(Response(407, "Who?"))).retry
    assert client.after_failure(InvalidProxyStatus(Response(502, "Bad"))).retry


@pytest.mark.parametrize(
    ("error", "retry", "reason"),
    [
        (REFUSED, True, "the server cannot be reached"),
        (TimeoutError("late"), True, "the server cannot be reached"),
        (socket.gaierror(-2, "Name or service not known"), True, "the server cannot be reached"),
        (ssl.SSLError("handshake failure"), True, "the server cannot be reached"),
        (ssl.SSLCertVerificationError("self-signed"), False, "the certificate is not trusted"),
        (InvalidMessage("cut off"), True, "the answer was cut off, or is not HTTP"),
        (
            InvalidHeader("Sec-WebSocket-Accept", None, "x"),
            False,
            "another attempt would fail in the same way",
        ),
        (SecurityError("downgrade"), False, "another attempt would fail in the same way"),
        (ProxyError("host unreachable"), True, "the proxy does not let through"),
        (ValueError("header"), False, "another attempt would fail in the same way"),
    ],
)
def test_errors_are_classified(error: Exception, retry: bool, reason: str) -> None:
    decision = reconnection().after_failure(error)
    delay = 1.0 if retry else 0.0
    assert decision == Decision(retry, delay, 1, reason, error)


# The user decides


def test_the_user_may_insist() -> None:
    client = reconnection()
    decision = client.insist(client.after_failure(status(404)))
    assert (decision.retry, decision.delay, decision.reason) == (True, 1.0, "by wish")


def test_insisting_changes_nothing_where_there_is_hope() -> None:
    client = reconnection()
    decision = client.after_failure(REFUSED)
    assert client.insist(decision) is decision


def test_the_user_may_give_up() -> None:
    client, cause = reconnection(), RuntimeError("enough")
    decision = client.resign(client.after_failure(REFUSED), cause)
    assert decision == Decision(False, 0.0, 1, "given up by wish", cause)


def test_giving_up_what_is_final_keeps_the_reason() -> None:
    client, cause = reconnection(), RuntimeError("enough")
    decision = client.resign(client.after_failure(status(404)), cause)
    assert decision == Decision(False, 0.0, 1, "the answer was 404, which is final", cause)


# Retry-After


def seconds_of(value: str) -> float | None:
    return parse_retry_after(Response(503, "Busy", Headers({"Retry-After": value})), NOW)


def test_without_the_header_there_are_no_seconds() -> None:
    assert parse_retry_after(Response(503, "Busy"), NOW) is None


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("120", 120.0), ("007", 7.0)])
def test_retry_after_may_be_seconds(value: str, seconds: float) -> None:
    assert seconds_of(value) == seconds


def test_retry_after_may_be_a_date() -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    assert seconds_of(format_datetime(now + timedelta(seconds=90), usegmt=True)) == 90.0
    east = timezone(timedelta(hours=2))
    assert seconds_of(format_datetime((now + timedelta(seconds=5)).astimezone(east))) == 5.0


def test_a_date_that_has_passed_is_now() -> None:
    assert seconds_of("Mon, 01 Jan 2001 00:00:00 GMT") == 0.0


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "-1",
        "1.5",
        "1, 2",
        "²",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999",
        "Mon, 32 Foo 2024 00:00:00 GMT",
    ],
)
def test_what_is_neither_is_ignored(value: str) -> None:
    assert seconds_of(value) is None


DATES = r"[A-Z][a-z]{2}, [0-9]{1,9} (Jan|Feb|Foo) [0-9]{1,9} [0-9:]{1,12} [-+A-Z0-9]{0,30}"
PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


@given(st.text(PRINTABLE) | st.from_regex(DATES, fullmatch=True))
def test_no_value_raises(value: str) -> None:
    seconds = seconds_of(value)
    assert seconds is None or seconds >= 0
