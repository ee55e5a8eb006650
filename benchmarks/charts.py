"""The results as charts: one bar for each server, one picture for each kind of figure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from benchmarks.figures import Figures
from benchmarks.lineup import LIMIT
from benchmarks.results import Outcome, Results
from benchmarks.table import number

Figure = Callable[[Figures], float | None]

OURS, LIMIT_COLOUR, OTHERS = "#1f6feb", "#57606a", "#b6bfc9"
COLUMNS = 3
WIDTH_INCHES = 15.0
BAR_INCHES = 0.22
TITLE_INCHES = 0.9
FORMATS = ("svg", "png")
DOTS_PER_INCH = 110

PICTURES: dict[str, tuple[str, Figure]] = {
    "rate": ("rate, as a ratio to c-epoll", lambda figures: figures.rate_ratio),
    "cpu": ("CPU µs per message", lambda figures: figures.median.cpu_us),
    "p99": ("p99 latency, µs", lambda figures: figures.median.p99_us),
    "memory": ("bytes per idle connection", lambda figures: figures.median.connection_bytes),
}


def draw_charts(results: Results, folder: Path) -> None:
    """Draw every picture for which there are figures, as SVG and as PNG."""
    for name, (title, figure) in PICTURES.items():
        shown = [outcome for outcome in results.outcomes if any(map(figure, outcome.figures))]
        if shown:
            draw(shown, title, figure, folder / f"{results.stem}-{name}")


def draw(outcomes: list[Outcome], title: str, figure: Figure, path: Path) -> None:
    """Draw one picture, with a panel for each scenario."""
    columns = min(COLUMNS, len(outcomes))
    rows = -(-len(outcomes) // columns)
    most = max(len(outcome.figures) for outcome in outcomes)
    height = rows * (most * BAR_INCHES + TITLE_INCHES)
    picture, grid = pyplot.subplots(
        rows, columns, figsize=(WIDTH_INCHES, height), squeeze=False, layout="constrained"
    )
    picture.suptitle(f"{title} ({results_note(outcomes)})")
    panels = list(grid.flat)
    for panel, outcome in zip(panels, outcomes, strict=False):
        draw_panel(panel, outcome, figure)
    for panel in panels[len(outcomes) :]:
        panel.set_axis_off()
    for ending in FORMATS:
        pyplot.savefig(f"{path}.{ending}", dpi=DOTS_PER_INCH)
    pyplot.close(picture)


def results_note(outcomes: list[Outcome]) -> str:
    """Say of how much the picture speaks."""
    return f"{len(outcomes)} scenarios" if len(outcomes) > 1 else outcomes[0].scenario.title


def draw_panel(panel: Axes, outcome: Outcome, figure: Figure) -> None:
    """Draw the bars of one scenario, in the order of the table."""
    rows = [(found.peer, value) for found in outcome.figures if (value := figure(found))]
    names, values = [name for name, _ in rows], [value for _, value in rows]
    bars = panel.barh(names, values, color=[colour(name) for name in names])
    panel.bar_label(bars, labels=[number(value) for value in values], padding=2, fontsize=7)
    panel.invert_yaxis()
    panel.margins(x=0.15)
    panel.tick_params(labelsize=7)
    panel.set_title(outcome.scenario.title, fontsize=9)
    panel.spines[["top", "right"]].set_visible(False)


def colour(peer: str) -> str:
    """Give ourselves and the limit a colour of their own."""
    if peer == LIMIT:
        return LIMIT_COLOUR
    return OURS if peer.startswith("trunkline") else OTHERS
