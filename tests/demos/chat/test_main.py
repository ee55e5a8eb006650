"""`python -m trunkline.demos.chat`, as far as its own file goes."""

import runpy
import sys

import pytest


def test_it_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["chat", "--help"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("trunkline.demos.chat", run_name="__main__")
    assert caught.value.code == 0
    assert "python -m trunkline.demos.chat" in capsys.readouterr().out
