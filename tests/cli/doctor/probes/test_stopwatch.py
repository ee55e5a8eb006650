import pytest

from trunkline.cli.doctor.probes import stopwatch
from trunkline.cli.doctor.probes.stopwatch import Stopwatch


def test_seconds_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 10.5, 12.0])
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: next(now))
    watch = Stopwatch()
    assert [watch.seconds(), watch.seconds()] == [0.5, 2.0]
