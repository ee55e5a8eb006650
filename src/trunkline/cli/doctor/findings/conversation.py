"""The open connection: round trips, silence, and the close handshake."""

from __future__ import annotations

from statistics import median

from trunkline.cli.doctor.facts import Goodbye, Pulse, Silence
from trunkline.cli.doctor.findings.closing import closing_facts, closing_words, explain_closed
from trunkline.cli.doctor.step import Mark, Problem, Step, failed
from trunkline.errors import ConnectionClosed

PING = "ping"
SILENCE = "silence"
CLOSE = "close"
NO_PONG = Problem(
    "the connection is open, but pings are not answered",
    "the server hangs, or a proxy in between keeps frames back",
)
PING_MORE_OFTEN = "send pings more often than that, or let the proxy wait longer"
OWN_LIMIT = "the server closes what is idle: send something more often than that"
FORGOTTEN = "something on the way has forgotten the connection without a word (NAT, firewall)"
KEPT_AWAKE = "which keeps proxies awake"


def judge_pulse(pulse: Pulse) -> Step:
    """Say how long a round trip takes; the median, as one late answer says little."""
    if isinstance(pulse.error, ConnectionClosed):
        problem = explain_closed(pulse.error)
        what = f"the connection was opened, then {problem.what}"
        return failed(PING, Problem(what, problem.advice), facts=closing_facts(pulse.error))
    if not pulse.round_trips:
        return failed(PING, NO_PONG)
    middle, count = median(pulse.round_trips), len(pulse.round_trips)
    facts = {"round_trips": list(pulse.round_trips)}
    text = f"round trip, median of {count}"
    if pulse.error is None:
        return Step(PING, Mark.OK, text, seconds=middle, facts=facts)
    text = f"{text}, then no answer came in time"
    return Step(PING, Mark.WARNING, text, NO_PONG.advice, middle, facts=facts)


# Silence


def judge_silence(silence: Silence) -> Step:
    """Say whether and how a silent line was cut."""
    if silence.closed is not None:
        return judge_cut(silence, silence.closed)
    assert silence.pulse is not None
    number = seconds_words(silence.lasted)
    if silence.pulse.error is not None:
        what = f"after {number} of silence a ping is not answered: {FORGOTTEN}"
        return failed(SILENCE, Problem(what, PING_MORE_OFTEN), silence.lasted)
    text = f"the line holds through {number} of silence"
    if silence.was_broken:
        text = f"the line holds for {number}, but the server spoke meanwhile, {KEPT_AWAKE}"
    facts = {"broken_by_server": silence.was_broken}
    return Step(SILENCE, Mark.OK, text, seconds=silence.lasted, number=number, facts=facts)


def judge_cut(silence: Silence, closed: ConnectionClosed) -> Step:
    """Say how a silent line was cut, and by whom."""
    number = seconds_words(silence.lasted)
    facts = closing_facts(closed)
    if closed.rcvd is None and closed.sent is None:
        what = f"cut after {number} of silence without a close frame: a proxy's idle timeout"
        advice = PING_MORE_OFTEN
    else:
        what = f"{closing_words(closed)}, after {number} of silence"
        advice = OWN_LIMIT if closed.rcvd else explain_closed(closed).advice
    return Step(SILENCE, Mark.FAILED, what, advice, silence.lasted, number, facts)


def seconds_words(seconds: float) -> str:
    """Give a time as it is shown."""
    return f"{seconds:,.1f} s"


# The end


def judge_goodbye(goodbye: Goodbye) -> Step:
    """Say how the close handshake went."""
    closed = goodbye.closed
    facts = closing_facts(closed)
    if closed.was_clean:
        text = closing_words(closed)
        return Step(CLOSE, Mark.OK, text, seconds=goodbye.seconds, facts=facts)
    text = "the server does not answer a close frame"
    advice = "it should (RFC 6455 §5.5.1); clients wait for that until they give up"
    return Step(CLOSE, Mark.WARNING, text, advice, goodbye.seconds, facts=facts)
