import sys
from types import SimpleNamespace

import pytest

from trunkline.app.listening.certificate import Certificate
from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.place import Place
from trunkline.app.running.run_options import RunOptions, loop_factory
from trunkline.limits import RELOAD_DRAIN, Drain

PLACE = Place(host="localhost", port=0)


def test_one_worker_is_alone_unless_files_are_watched() -> None:
    assert not RunOptions(place=PLACE).is_supervised
    assert RunOptions(place=PLACE, workers=2).is_supervised
    assert RunOptions(place=PLACE, reload=True).is_supervised


def test_a_certificate_changes_the_scheme() -> None:
    assert RunOptions(place=PLACE).scheme == "http"
    assert RunOptions(place=PLACE, certificate=Certificate("file")).scheme == "https"


def test_a_window_of_the_command_line_counts_more_than_that_of_the_application() -> None:
    said = Drain(window=1.0, patience=2.0)
    assert RunOptions(place=PLACE).drain_of(said) is said
    assert RunOptions(place=PLACE, window=3.0).drain_of(said) == Drain(window=3.0, patience=2.0)
    assert RunOptions(place=PLACE, reload=True).drain_of(said) is RELOAD_DRAIN


def test_no_worker_would_serve_nobody() -> None:
    with pytest.raises(ValueError, match="workers is 0, it must be at least 1"):
        RunOptions(place=PLACE, workers=0)


@pytest.mark.parametrize("workers", [True, 2.0, "2"])
def test_workers_are_a_whole_number(workers: int) -> None:
    with pytest.raises(TypeError, match="workers is a whole number, not"):
        RunOptions(place=PLACE, workers=workers)


def test_the_usual_loop_is_that_of_asyncio() -> None:
    assert loop_factory(False) is None


def test_uvloop_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(new_event_loop=object())
    monkeypatch.setitem(sys.modules, "uvloop", module)
    assert loop_factory(True) is module.new_event_loop


def test_uvloop_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(StartFailure, match="uvloop is not installed"):
        loop_factory(True)
