import os
import select
import signal
from collections.abc import Iterator

import pytest

from trunkline.app.running.signals import (
    HELD_BACK,
    SignalPipe,
    handled,
    held_back,
    leave_to_supervisor,
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the signals of the test run as they are."""
    numbers = (*HELD_BACK, signal.SIGUSR1)
    handlers = {number: signal.getsignal(number) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_a_callback_is_called_with_the_signal() -> None:
    heard: list[signal.Signals] = []
    before = signal.getsignal(signal.SIGUSR1)
    with handled([signal.SIGUSR1], heard.append):
        signal.raise_signal(signal.SIGUSR1)
    assert heard == [signal.SIGUSR1]
    assert signal.getsignal(signal.SIGUSR1) is before


def test_what_was_ignored_from_the_beginning_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with handled([signal.SIGHUP], lambda number: None):
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_signals_can_be_read_from_a_pipe() -> None:
    pipe = SignalPipe([signal.SIGUSR1])
    try:
        assert pipe.read() == []
        signal.raise_signal(signal.SIGUSR1)
        assert select.select([pipe], [], [], 20.0)[0] == [pipe]
        assert pipe.read() == [signal.SIGUSR1]
    finally:
        pipe.close()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    with pytest.raises(OSError):
        os.fstat(pipe.fileno())


def test_signals_wait_while_they_are_held_back() -> None:
    heard: list[signal.Signals] = []
    with handled([signal.SIGTERM], heard.append):
        with held_back():
            signal.raise_signal(signal.SIGTERM)
            assert heard == []
        assert heard == [signal.SIGTERM]


def test_a_worker_ignores_what_the_terminal_sends_to_all() -> None:
    with held_back():
        leave_to_supervisor()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(HELD_BACK)
