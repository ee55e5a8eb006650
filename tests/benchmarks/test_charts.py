"""The results as pictures, where matplotlib is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.samples import outcome, results, sample


def test_each_kind_of_figure_gets_a_picture(tmp_path: Path) -> None:
    charts = pytest.importorskip("benchmarks.charts", exc_type=ImportError)
    drawn = results(outcome("echo-64", {"c-epoll": [sample(2.0, 5.0)], "a": [sample(1.0, 6.0)]}))
    charts.draw_charts(drawn, tmp_path)
    stems = {path.stem for path in tmp_path.iterdir()}
    assert stems == {f"{drawn.stem}-{name}" for name in ("rate", "cpu", "p99")}
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".png"}
