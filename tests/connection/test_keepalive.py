"""Keep-alive: a ping after silence, an end after no answer, and no innocent victim."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connection.memory_stream import MemoryEngine
from trunkline.connection.keepalive import feel_pulse
from trunkline.engines.timers import Timer

INTERVAL = 20.0
TIMEOUT = 10.0
LATE = 0.1
"""Seconds: two ticks, by which a deadline may be late."""


class Patient(Timer):
    """A connection whose pulse a test controls."""

    def __init__(self, engine: MemoryEngine) -> None:
        super().__init__()
        self.timeout: float | None = TIMEOUT
        self.max_stall: float | None = None
        self._engine = engine
        self._start = engine.now()
        self.last_heard = self._start
        self.is_deaf = False
        self.pings: list[float] = []
        self.end: tuple[float, float] | None = None
        self.unread: float | None = None
        self.stuck_at: int | None = None
        self.stuck: tuple[int, float] | None = None

    @property
    def pinged_at(self) -> float | None:
        return self._start + self.pings[-1] if self.pings else None

    def fire(self) -> None:
        now = self._engine.now()
        delay = feel_pulse(self, now, INTERVAL, self.timeout, self.max_stall)
        if delay is not None:
            self._engine.timers.set(self, delay)

    def hear(self) -> None:
        self.last_heard = self._engine.now()

    def send_keepalive_ping(self) -> None:
        self.pings.append(self._engine.now() - self._start)

    def give_up(self, silence: float) -> None:
        assert self.end is None
        self.end = (self._engine.now() - self._start, silence)

    def give_up_unread(self, seconds: float) -> None:
        assert self.unread is None
        self.unread = seconds


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture
def patient(engine: MemoryEngine) -> Patient:
    return Patient(engine)


def watch(patient: Patient, engine: MemoryEngine, timeout: float | None = TIMEOUT) -> None:
    patient.timeout = timeout
    engine.timers.set(patient, INTERVAL)


def about(*seconds: float) -> Any:
    return pytest.approx(list(seconds), abs=LATE)


def test_silence_brings_a_ping_and_then_the_end(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine)
    engine.clock.advance(INTERVAL - LATE)
    assert patient.pings == []
    engine.clock.advance(2 * LATE)
    assert patient.pings == about(INTERVAL)
    engine.clock.advance(TIMEOUT - 3 * LATE)
    assert patient.end is None
    engine.clock.advance(5 * LATE)
    assert list(patient.end or ()) == about(30, 30)
    assert len(engine.timers) == 0


def test_any_byte_counts_as_an_answer(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine)
    engine.clock.advance(INTERVAL + 1)
    patient.hear()
    engine.clock.advance(INTERVAL + 1)
    assert patient.pings == about(INTERVAL, 2 * INTERVAL + 1)
    assert patient.end is None


def test_pings_go_on_as_often_as_silence_does_however_patient_one_is(
    engine: MemoryEngine, patient: Patient
) -> None:
    watch(patient, engine, timeout=5 * INTERVAL)
    engine.clock.advance(INTERVAL + 1)
    patient.hear()
    engine.clock.advance(INTERVAL + 1)
    assert patient.pings == about(INTERVAL, 2 * INTERVAL + 1)


def test_patience_that_is_longer_than_silence_is_had(
    engine: MemoryEngine, patient: Patient
) -> None:
    watch(patient, engine, timeout=5 * INTERVAL)
    engine.clock.advance(6 * INTERVAL - LATE)
    assert (len(patient.pings), patient.end) == (1, None)
    engine.clock.advance(3 * LATE)
    assert list(patient.end or ()) == about(120, 120)


def test_a_lively_peer_is_never_asked(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine)
    for _ in range(20):
        engine.clock.advance(INTERVAL / 2)
        patient.hear()
    assert patient.pings == []
    assert len(engine.timers) == 1


def test_a_peer_that_cannot_be_heard_is_not_blamed(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine)
    engine.clock.advance(INTERVAL + 1)
    patient.is_deaf = True
    engine.clock.advance(10 * INTERVAL)
    assert patient.pings == about(INTERVAL)
    patient.is_deaf = False
    patient.hear()
    engine.clock.advance(INTERVAL + 1)
    assert patient.end is None
    engine.clock.advance(2 * INTERVAL)
    assert patient.end is not None


def test_a_second_silence_is_asked_about_anew(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine)
    engine.clock.advance(INTERVAL + 1)
    patient.hear()
    engine.clock.advance(INTERVAL + TIMEOUT + 1)
    assert patient.pings == about(INTERVAL, 2 * INTERVAL + 1)
    assert list(patient.end or ()) == about(51, 30)


def test_without_a_timeout_it_is_asked_for_ever(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine, timeout=None)
    engine.clock.advance(5 * INTERVAL + 1)
    assert len(patient.pings) == 5
    assert patient.end is None


def test_a_blocked_loop_is_not_held_against_the_peer(
    engine: MemoryEngine, patient: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    watch(patient, engine)
    engine.clock.advance(INTERVAL + 1)
    engine.clock.block(60)
    assert patient.end is None
    assert "the event loop was blocked for" in caplog.text
    patient.hear()
    engine.clock.advance(60)
    assert patient.end is None
    assert len(patient.pings) == 2


# A peer that does not read


def talk(engine: MemoryEngine, patient: Patient, seconds: float) -> None:
    """Let time pass while the peer says something every second."""
    for _ in range(int(seconds)):
        engine.clock.advance(1.0)
        patient.hear()


def test_a_peer_that_talks_and_never_reads_is_given_up(
    engine: MemoryEngine, patient: Patient
) -> None:
    watch(patient, engine)
    patient.stuck_at = 1000
    talk(engine, patient, INTERVAL + TIMEOUT + INTERVAL)
    assert patient.unread is None
    talk(engine, patient, INTERVAL)
    assert patient.unread is not None
    assert patient.unread >= INTERVAL + TIMEOUT
    assert len(engine.timers) == 0


def test_a_slow_reader_is_left_in_peace(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine)
    for left in range(10):
        patient.stuck_at = 1000 + left
        talk(engine, patient, INTERVAL)
    assert patient.unread is None


def test_the_count_begins_anew_where_writing_was_possible(
    engine: MemoryEngine, patient: Patient
) -> None:
    watch(patient, engine)
    for _ in range(10):
        patient.stuck_at = 1000
        talk(engine, patient, INTERVAL)
        patient.stuck_at = None
        talk(engine, patient, INTERVAL)
    assert patient.unread is None


def test_a_peer_that_is_not_read_from_is_given_up_too_where_it_does_not_read(
    engine: MemoryEngine, patient: Patient
) -> None:
    watch(patient, engine)
    patient.is_deaf = True
    patient.stuck_at = 1000
    engine.clock.advance(3 * (INTERVAL + TIMEOUT))
    assert patient.unread is not None


def test_without_a_timeout_nobody_is_given_up(engine: MemoryEngine, patient: Patient) -> None:
    watch(patient, engine, timeout=None)
    patient.stuck_at = 1000
    talk(engine, patient, 10 * INTERVAL)
    assert patient.unread is None


@pytest.mark.parametrize("timeout", [TIMEOUT, None])
def test_a_stall_that_is_too_long_is_seen_within_one_interval(
    engine: MemoryEngine, patient: Patient, timeout: float | None
) -> None:
    patient.max_stall = 5.0
    watch(patient, engine, timeout)
    patient.stuck_at = 1000
    talk(engine, patient, INTERVAL + 4)
    assert patient.unread is None
    talk(engine, patient, 2)
    assert patient.unread == pytest.approx(5.0, abs=LATE)


def test_looking_more_often_at_a_stall_makes_nobody_answer_sooner(
    engine: MemoryEngine, patient: Patient
) -> None:
    patient.max_stall = 3.0
    watch(patient, engine)
    for left in range(int(INTERVAL + TIMEOUT) - 1):
        patient.stuck_at = 1000 + left
        engine.clock.advance(1.0)
    assert patient.pings == about(INTERVAL)
    assert patient.end is None and patient.unread is None
    patient.stuck_at = None
    engine.clock.advance(2.0)
    assert list(patient.end or ()) == about(30, 30)
