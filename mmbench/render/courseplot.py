"""Grid -> pictures of training, epoch by epoch: what each modality's own output reaches beside the fused one, and how
complementary the features are. Lines are means over seeds, bands go from the lowest to the highest seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmbench import look
from mmbench.courses import Course
from mmbench.grid import Grid

ACROSS = 4


def write_curves(grid: Grid, stem: Path) -> list[Path]:
    """`<stem>.svg`; no file where no run kept a curve per modality."""
    return look.save(lambda: draw_curves(grid), stem) if _with_outputs(grid) else []


def write_complementarity(grid: Grid, stem: Path) -> list[Path]:
    """`<stem>.svg`; no file where no run has such features."""
    return look.save(lambda: draw_complementarity(grid), stem) if _with_features(grid) else []


def _with_outputs(grid: Grid) -> list[Course]:
    return [course for course in grid.courses if course.unimodal]


def _with_features(grid: Grid) -> list[Course]:
    return [course for course in grid.courses if course.compl]


def _arranged(figure: Figure, panels: Any, grid: Grid, what: str, of: Sequence[Course]) -> Figure:
    for axes in panels.flat:
        axes.label_outer()
    look.arrange(figure, panels, f"{grid.table.id}: {what}, on {of[0].dataset}", grid.kind, panel=(2.4, 1.9))
    return figure


def draw_curves(grid: Grid) -> Figure:
    """A panel per setting, all with one axis: the gap between the lines is the imbalance."""
    shown = _with_outputs(grid)
    across = min(ACROSS, len(shown))
    figure, panels = look.panels(across, -(-len(shown) // across), sharex=True, sharey=True)
    for axes, course in zip(panels.flat, shown, strict=False):
        if course.fused is not None:
            _line(axes, course.fused, look.INK, "-", f"fused {course.metric}")
        for (colour, dash), (modality, values) in zip(look.MODALITIES, (course.unimodal or {}).items(), strict=False):
            _line(axes, values, colour, dash, f"{modality} alone")
        _frame(axes, course, f"{course.metric}{' (%)' if course.metric == 'accuracy' else ''}")
    for axes in panels.flat[len(shown) :]:
        axes.set_visible(False)
    return _arranged(figure, panels, grid, "each modality's own output over the epochs", shown)


def draw_complementarity(grid: Grid) -> Figure:
    """Above, each modality's share of complementary features; below, zeta, 1 where they are equal; a column per setting."""
    shown = _with_features(grid)
    figure, panels = look.panels(len(shown), 2, sharex=True, sharey="row")
    for (above, below), course in zip(panels.T, shown, strict=True):
        for (colour, dash), (modality, values) in zip(look.MODALITIES, (course.compl or {}).items(), strict=False):
            _line(above, values, colour, dash, f"{modality}")
        _frame(above, course, "compl (%)")
        if course.zeta is not None:
            _line(below, course.zeta, look.INK, "-", "zeta")
        _frame(below, course, "zeta")
        below.set_title("", loc="left")
        below.set_ylim(-0.03, 1.03)
    return _arranged(figure, panels, grid, "complementary features over the epochs", shown)


def _line(axes: Axes, values: np.ndarray, colour: str, dash: object, label: str) -> None:
    """values: seeds x epochs; an epoch that no seed recorded is a gap."""
    known = ~np.all(np.isnan(values), axis=0)
    epochs = np.arange(1, values.shape[1] + 1)[known]
    kept = values[:, known]
    if len(kept) > 1:
        axes.fill_between(epochs, np.nanmin(kept, 0), np.nanmax(kept, 0), color=colour, alpha=0.14, lw=0)
    marker = {"marker": "o", "ms": 4} if len(epochs) == 1 else {}
    axes.plot(epochs, np.nanmean(kept, 0), color=colour, ls=dash, lw=1.8, label=label, **marker)


def _frame(axes: Axes, course: Course, quantity: str) -> None:
    axes.set_title(f"{course.label} ({course.seeds} seed{'s' * (course.seeds != 1)})", loc="left")
    axes.set_xlabel("epoch")
    axes.set_ylabel(quantity)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
