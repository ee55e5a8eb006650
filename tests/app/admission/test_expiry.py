"""The end of an identity, on a live connection."""

from typing import Any

import pytest

from tests.engines.virtual_clock import VirtualClock
from trunkline import RequestRefused
from trunkline.app.admission.expiry import Expiry, check_expiry
from trunkline.auth import Identity
from trunkline.engines.timers import TimerWheel
from trunkline.limits import CLOCK_CHECK, TICK


class Peer:
    def __init__(self) -> None:
        self.seen: list[tuple[int, str]] = []

    def dismiss(self, code: int, reason: str) -> None:
        self.seen.append((code, reason))


EPOCH = 1_800_000_000.0


class Scene:
    """A connection whose token expires, and a wall clock beside the engine's."""

    def __init__(self, seconds: float) -> None:
        self.clock = VirtualClock()
        self.timers = TimerWheel(self.clock.now, self.clock.wake_at)
        self.offset = EPOCH - self.clock.time
        self.peer: Any = Peer()
        self.expiry = Expiry(self.peer, EPOCH + seconds, lambda: self.clock.time + self.offset)
        self.expiry.start(self.timers)


@pytest.mark.parametrize("seconds", [0.5, 59.0, CLOCK_CHECK, 150.0])
def test_a_connection_is_closed_when_the_time_has_come(seconds: float) -> None:
    scene = Scene(seconds)
    scene.clock.advance(seconds - TICK)
    assert scene.peer.seen == []
    scene.clock.advance(3 * TICK)
    assert scene.peer.seen == [(3005, "the token has expired")]


def test_a_token_that_has_expired_closes_a_moment_later() -> None:
    scene = Scene(-5)
    assert scene.peer.seen == []  # it may not be open yet
    scene.clock.advance(2 * TICK)
    assert scene.peer.seen == [(3005, "the token has expired")]


def test_the_clock_on_the_wall_may_be_set() -> None:
    scene = Scene(7_200)
    scene.offset += 7_200
    scene.clock.advance(CLOCK_CHECK + 2 * TICK)
    assert scene.peer.seen == [(3005, "the token has expired")]


def test_the_end_may_be_called_off() -> None:
    scene = Scene(1)
    scene.expiry.cancel()
    scene.clock.advance(10)
    assert scene.peer.seen == []


def test_whoever_has_expired_is_refused() -> None:
    check_expiry(Identity("ann"), EPOCH)
    check_expiry(Identity("ann", expires_at=EPOCH + 0.1), EPOCH)
    with pytest.raises(RequestRefused, match="401: the token has expired") as caught:
        check_expiry(Identity("ann", expires_at=EPOCH), EPOCH)
    assert "WWW-Authenticate" in caught.value.headers
