import signal

import pytest

from tests.app.running.workers.crews import KILLED, make_member
from trunkline.app.running.workers.member import NEVER, Stage, describe_exit
from trunkline.app.running.workers.message import Say
from trunkline.app.running.workers.slot import Slot
from trunkline.limits import END_GRACE, KILL_GRACE

SLOT = Slot(3, [], shares_sockets=True)


def test_it_is_killed_when_it_stays_for_longer_than_it_said() -> None:
    member, puppet = make_member(SLOT, pid=7)
    member.became_ready(100.0, 5.0)
    assert (member.stage, member.ready_at, str(member)) == (Stage.READY, 100.0, "worker 3 (pid 7)")
    member.ask_to_leave(Say.DRAIN, 200.0)
    assert (member.stage, member.kill_at) == (Stage.LEAVING, 205.0 + KILL_GRACE)
    member.ask_to_leave(Say.CUT, 200.0)
    assert member.kill_at == 200.0 + END_GRACE + KILL_GRACE
    assert [each["say"] for each in puppet.heard()] == [Say.DRAIN, Say.CUT]
    member.kill()
    assert (puppet.exit_code, member.kill_at) == (KILLED, NEVER)
    member.channel.close()


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-200, "was killed by signal 200"),
    ],
)
def test_an_end_is_told_by_code_or_signal(exit_code: int, words: str) -> None:
    assert describe_exit(exit_code) == words
