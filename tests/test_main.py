import runpy
import sys

import pytest

import trunkline.__main__
from trunkline.cli import main


def test_importing_the_module_runs_nothing() -> None:
    assert trunkline.__main__.main is main


def test_the_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["trunkline", "--version"])
    monkeypatch.delitem(sys.modules, "trunkline.__main__")
    with pytest.raises(SystemExit) as exit:
        runpy.run_module("trunkline", run_name="__main__")
    assert exit.value.code == 0
    assert capsys.readouterr().out.startswith("trunkline ")
