import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.app.running.workers.crews import KILLED, Rehearsal
from trunkline.app.listening.place import Place
from trunkline.app.running.workers.member import NEVER
from trunkline.app.running.workers.message import Say
from trunkline.app.running.workers.slot import NOT_PLANNED, open_slots
from trunkline.limits import KILL_GRACE, RESTART, START_ATTEMPTS

Rehearse = Callable[..., Rehearsal]


@pytest.fixture
def rehearse(caplog: pytest.LogCaptureFixture) -> Iterator[Rehearse]:
    """Make crews of puppets that have been started."""
    caplog.set_level(logging.DEBUG)
    made = []

    def rehearse(count: int, **options: Any) -> Rehearsal:
        rehearsal = Rehearsal(count, **options)
        made.append(rehearsal)
        rehearsal.crew.start_all()
        return rehearsal

    yield rehearse
    for rehearsal in made:
        rehearsal.close()


# Coming


def test_each_slot_gets_a_worker_and_all_get_the_same_key(rehearse: Rehearse) -> None:
    stage = rehearse(2)
    assert [each.number for each in stage.puppets.assignments] == [1, 2]
    welcomes = [puppet.heard() for puppet in stage.puppets.started]
    assert welcomes[0] == welcomes[1]
    assert [each["say"] for each in welcomes[0]] == [Say.WELCOME]
    assert len(bytes.fromhex(welcomes[0][0]["key"])) == 32


def test_the_crew_is_ready_when_all_are(rehearse: Rehearse) -> None:
    stage = rehearse(2)
    stage.ready(0)
    assert not (stage.crew.is_ready or stage.crew.has_been_ready)
    stage.ready(1)
    assert stage.crew.is_ready and stage.crew.has_been_ready
    assert stage.crew.next_due() == NEVER == NOT_PLANNED


def test_a_worker_is_ready_once(rehearse: Rehearse) -> None:
    stage = rehearse(1)
    stage.ready(0)
    stage.clock.now += 1.0
    stage.ready(0)
    assert stage.crew.members[0].ready_at == 1000.0


def test_a_fork_lets_go_of_what_is_the_supervisors() -> None:
    with open_slots(Place(host="127.0.0.1", port=0), 2, {}) as slots:
        stage = Rehearsal(0)
        let_go: list[Callable[[], None]] = []
        start = stage.puppets.start

        def remember(assignment: Any, callback: Callable[[], None]) -> Any:
            let_go.append(callback)
            return start(assignment, callback)

        stage.puppets.start = remember  # type: ignore[method-assign]
        stage.crew._slots = slots
        stage.crew.start_all()
        let_go[1]()
        assert all(member.channel.fileno() == -1 for member in stage.crew.members)
        assert slots[0].sockets[0].fileno() == -1
        assert slots[1].sockets[0].fileno() != -1
        stage.close()


# Dying


def test_a_worker_that_dies_is_replaced_at_once(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture
) -> None:
    stage = rehearse(2)
    stage.ready(0, 1)
    stage.puppets.started[0].end(KILLED)
    stage.turn()
    assert "worker 1 (pid 100) was killed by SIGKILL; the next one starts in 0 s" in caplog.text
    assert stage.pids() == [101, 102]
    assert stage.puppets.assignments[2].number == 1


def test_one_that_dies_again_and_again_is_replaced_after_a_pause(rehearse: Rehearse) -> None:
    stage = rehearse(1)
    for number in (0, 1):
        stage.ready(number)
        stage.puppets.started[number].end(KILLED)
        stage.turn()
    assert stage.pids() == []
    assert stage.crew.next_due() == stage.clock.now + RESTART.first
    stage.clock.now += RESTART.first
    stage.turn()
    assert stage.pids() == [102]


def test_one_that_dies_before_it_is_ready_is_tried_a_few_times(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture
) -> None:
    stage = rehearse(1)
    for number in range(START_ATTEMPTS):
        stage.puppets.started[number].end(7)
        stage.turn()
        stage.clock.now += RESTART.cap
        stage.turn()
    assert len(stage.puppets.started) == START_ATTEMPTS
    assert "ended with exit code 7: before it was ready; the next one starts in" in caplog.text
    assert stage.crew.is_over
    assert stage.crew.failure is not None
    assert stage.crew.failure.endswith(
        f"before it was ready; that was attempt {START_ATTEMPTS}, limit {START_ATTEMPTS}"
    )


def test_what_it_says_itself_ends_everything_in_its_words(rehearse: Rehearse) -> None:
    stage = rehearse(2)
    stage.puppets.started[0].tell(Say.FAILED, why="there is no module 'x'")
    stage.puppets.started[0].end(1)
    stage.crew.reap()
    assert stage.crew.failure == "there is no module 'x'"
    assert stage.says(1) == [Say.WELCOME, Say.DRAIN]
    stage.puppets.started[1].end(1)
    stage.turn()
    assert stage.crew.is_over


@pytest.mark.parametrize(("why", "is_warned"), [("no module", False), ("no database", True)])
def test_what_stops_all_of_them_is_said_once(
    why: str, is_warned: bool, rehearse: Rehearse, caplog: pytest.LogCaptureFixture
) -> None:
    stage = rehearse(2)
    for worker, reason in zip(stage.puppets.started, ("no module", why), strict=True):
        worker.tell(Say.FAILED, why=reason)
        worker.end(1)
    stage.crew.reap()
    assert stage.crew.failure == "no module"
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert bool(warnings) is is_warned


def test_last_words_that_were_not_read_before_the_death_count(rehearse: Rehearse) -> None:
    stage = rehearse(1)
    stage.puppets.started[0].tell(Say.DISCONNECT, user="ann")
    stage.puppets.started[0].tell(Say.READY, patience=5.0, files=[])
    stage.puppets.started[0].end(0)
    stage.crew.reap()
    assert stage.crew.has_been_ready


def test_once_all_have_been_ready_a_failure_to_start_is_tried_again(rehearse: Rehearse) -> None:
    stage = rehearse(1)
    stage.ready(0)
    stage.puppets.started[0].end(KILLED)
    stage.turn()
    stage.puppets.started[1].tell(Say.FAILED, why="no database")
    stage.puppets.started[1].end(1)
    stage.turn()
    assert stage.crew.failure is None
    assert stage.crew.next_due() == stage.clock.now + RESTART.first


def test_in_development_a_failure_to_start_waits_for_a_change(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture
) -> None:
    stage = rehearse(1, waits_for_change=True)
    stage.puppets.started[0].tell(Say.FAILED, why="importing 'x' failed")
    stage.puppets.started[0].end(1)
    stage.turn()
    assert "importing 'x' failed; waiting for a change of a file" in caplog.text
    assert (stage.pids(), stage.crew.next_due()) == ([], NEVER)
    stage.crew.roll()
    stage.turn()
    assert stage.pids() == [101]


# Rolling restart


def test_one_after_the_other_is_replaced_and_leaves_when_the_new_one_is_ready(
    rehearse: Rehearse,
) -> None:
    stage = rehearse(2)
    stage.ready(0, 1)
    stage.crew.roll()
    stage.turn()
    assert stage.pids() == [100, 101, 102]
    assert stage.says(0) == [Say.WELCOME]
    stage.ready(2)
    assert stage.says(0) == [Say.ROLL]
    assert stage.pids() == [100, 101, 102]  # the next one waits until the old one has left
    stage.puppets.started[0].end(0)
    stage.turn()
    assert stage.pids() == [101, 102, 103]
    stage.ready(3)
    stage.puppets.started[1].end(0)
    assert stage.crew.is_rolling
    stage.turn()
    assert stage.pids() == [102, 103]
    assert not stage.crew.is_rolling


def test_the_old_one_stays_where_the_new_one_cannot_be_started(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture
) -> None:
    stage = rehearse(2)
    stage.ready(0, 1)
    stage.crew.roll()
    stage.turn()
    stage.puppets.started[2].end(1)
    stage.turn()
    assert "worker 1 (pid 102) ended with exit code 1: not ready; the old one stays" in caplog.text
    assert stage.pids() == [100, 101]
    assert not stage.crew.is_rolling


def test_an_old_one_that_does_not_leave_is_killed(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture
) -> None:
    stage = rehearse(1)
    stage.ready(0)
    stage.crew.roll()
    stage.turn()
    stage.ready(1)
    stage.clock.now += 5.0 + KILL_GRACE
    stage.turn()
    assert "worker 1 (pid 100) does not end, and is killed" in caplog.text
    stage.turn()
    assert "WARNING" in caplog.text and stage.pids() == [101]


# Going


def test_all_are_asked_to_leave_and_nobody_is_started_any_more(rehearse: Rehearse) -> None:
    stage = rehearse(2)
    stage.ready(0, 1)
    stage.crew.roll()
    stage.turn()
    stage.ready(2)
    stage.crew.drain()
    assert stage.says(0) == [Say.WELCOME, Say.ROLL]
    assert stage.says(1) == [Say.WELCOME, Say.DRAIN]
    stage.crew.roll()
    for puppet in stage.puppets.started:
        puppet.end(0)
    stage.turn()
    assert stage.crew.is_over and stage.crew.failure is None
    assert len(stage.puppets.started) == 3


def test_what_was_planned_is_not_started_after_the_end_has_begun(rehearse: Rehearse) -> None:
    stage = rehearse(1)
    for number in (0, 1):
        stage.ready(number)
        stage.puppets.started[number].end(KILLED)
        stage.turn()
    stage.crew.drain()
    stage.clock.now += RESTART.cap
    stage.turn()
    assert stage.crew.is_over and len(stage.puppets.started) == 2


def test_they_can_be_told_to_hurry_and_be_killed(rehearse: Rehearse) -> None:
    stage = rehearse(1)
    stage.crew.drain()
    stage.crew.cut()
    assert stage.says(0) == [Say.WELCOME, Say.DRAIN, Say.CUT]
    stage.crew.kill()
    assert stage.puppets.started[0].exit_code == KILLED
    stage.turn()
    assert stage.crew.is_over


def test_descriptors_of_the_worker_are_closed_here(rehearse: Rehearse) -> None:
    stage = rehearse(1)
    control = stage.puppets.assignments[0].control
    with pytest.raises(OSError):
        os.fstat(control)
