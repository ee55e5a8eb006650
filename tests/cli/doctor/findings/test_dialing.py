import errno
import socket

import pytest

from trunkline.cli.doctor.facts import Dial
from trunkline.cli.doctor.findings.dialing import judge_dials
from trunkline.cli.doctor.step import Mark

V4 = (socket.AF_INET, ("192.0.2.1", 80))
V6 = (socket.AF_INET6, ("2001:db8::1", 80, 0, 0))
UNREACHABLE = OSError(errno.ENETUNREACH, "x")


def test_an_address_that_answers_is_told_with_its_time() -> None:
    (step,) = judge_dials([Dial(place=V4, seconds=0.0123)])
    assert (step.mark, step.figure) == (Mark.OK, "12.30 ms")
    assert step.text == "192.0.2.1:80 takes connections"


@pytest.mark.parametrize(
    ("error", "what", "advice"),
    [
        (OSError(errno.ECONNREFUSED, "x"), "refused the connection", "is the server running"),
        (TimeoutError(), "does not answer", "a firewall on the way"),
        (OSError(errno.ETIMEDOUT, "x"), "does not answer", "a firewall on the way"),
        (OSError(errno.EHOSTUNREACH, "x"), "no way to the host", "check the network"),
        (OSError(errno.ENETUNREACH, "x"), "no way to its network", "check the network"),
        (OSError(errno.EPERM, "x"), "failed: ", "a firewall of this machine"),
        (OSError(errno.EIO, "x"), "failed: ", "try the same from another network"),
        (OSError("odd"), "failed: odd", "try the same from another network"),
    ],
)
def test_an_address_that_does_not_answer_is_explained(
    error: OSError, what: str, advice: str
) -> None:
    (step,) = judge_dials([Dial(place=V4, seconds=1.0, error=error)])
    assert step.mark is Mark.FAILED
    assert step.text.startswith("192.0.2.1:80 ")
    assert what in step.text
    assert step.advice.startswith(advice)


def test_an_address_that_fails_beside_one_that_does_not_is_a_warning() -> None:
    dials = [Dial(place=V6, seconds=0.0, error=UNREACHABLE), Dial(place=V4, seconds=0.001)]
    first, second = judge_dials(dials)
    assert (first.mark, second.mark) == (Mark.WARNING, Mark.OK)
    assert first.text == ("[2001:db8::1]:80 cannot be reached: this machine has no way into IPv6")
