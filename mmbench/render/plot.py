"""Grid -> picture of a sweep. On the paper's data: published points over the reproduced mean and its prediction band. On a
stand-in: two panels with axes of their own, so that nobody reads one against the other. The same grid gives the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmbench import look
from mmbench.grid import Block, Entry, Grid
from mmbench.look import INK, OURS, PAPER

HIGH = 2.4  # inches of a panel


def sweeps(grid: Grid) -> tuple[Block, ...]:
    """The columns that vary a number over at least two rows, at least one of which was run."""
    return tuple(b for b in grid.blocks if len(_swept(b)) > 1 and any(e.verdict.mean is not None for e in _swept(b)))


def write(grid: Grid, stem: Path) -> list[Path]:
    """Draw the sweeps of a section to `<stem>.svg` and `<stem>.png`; nothing, and no file, where there is no sweep."""
    return look.save(lambda: draw(grid), stem, png=True) if sweeps(grid) else []


def draw(grid: Grid) -> Figure:
    """One panel per column on the paper's data; else a pair of panels per column, the paper's numbers left, ours right."""
    blocks = sweeps(grid)
    across, down = (len(blocks), 1) if grid.judged else (2, len(blocks))
    figure, axes = look.panels(across, down)
    for i, block in enumerate(blocks):
        if grid.judged:
            panels = [axes[0][i]]
            _together(panels[0], block)
        else:
            panels = [axes[i][0], axes[i][1]]
            _published(panels[0], block)
            _measured(panels[1], block)
        for panel in panels:
            _frame(panel, grid, block)
    ran_on = ", ".join(grid.ran_on)
    words = f"published and reproduced on {ran_on}" if grid.judged else f"{ran_on}, beside the paper's own numbers"
    look.arrange(
        figure, axes, f"{grid.table.id}: {words}", grid.kind, panel=(3.9, HIGH), gap=(0.9, 0.65),
        order=lambda name: (not name.startswith("published"), name),
    )  # fmt: skip
    return figure


def _together(axes: Axes, block: Block) -> None:
    axes.set_title(f"{block.column.label}, on {block.ran_on}", loc="left")
    swept = _swept(block)
    low, high = [_number(e.verdict.low) for e in swept], [_number(e.verdict.high) for e in swept]
    axes.fill_between(_x(swept), low, high, color=OURS, alpha=0.16, lw=0, label="where a consistent published value lies")
    _means(axes, block, "reproduced")
    _points(axes, block)
    _gaps(axes, block, [f"{e.published}; {e.word}" if not _is_number(e.published) else e.word for e in _swept(block)])


def _published(axes: Axes, block: Block) -> None:
    axes.set_title(f"In the paper: {block.column.label}, on {block.published_on}", loc="left", color=PAPER)
    _gaps(axes, block, ["" if _is_number(e.published) else e.published for e in _swept(block)], only_missing=False)
    if any(_is_number(e.published) for e in block.entries):
        _points(axes, block, line="-")
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no number is printed", transform=axes.transAxes, ha="center", va="center", color=INK)


def _measured(axes: Axes, block: Block) -> None:
    axes.set_title(f"Here: on {block.ran_on}", loc="left", color=OURS)
    _means(axes, block, "measured", bars=True)
    _gaps(axes, block, [e.word for e in _swept(block)])


def _gaps(axes: Axes, block: Block, words: Sequence[str], only_missing: bool = True) -> None:
    """Where no number of ours (or of the paper's) stands, its word stands at the foot of the panel."""
    for entry, word in zip(_swept(block), words, strict=True):
        if word and not (only_missing and entry.verdict.mean is not None):
            place = {"xycoords": axes.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": 8, "color": INK}
            paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.annotate(look.wrapped(word, HIGH - 0.2, 8), (_number(entry.row.x), 0.02), rotation=90, bbox=paper, zorder=5, **place)


def _means(axes: Axes, block: Block, label: str, bars: bool = False) -> None:
    swept = _swept(block)
    means = [_number(e.verdict.mean) for e in swept]
    spread = [_number(e.verdict.sd) for e in swept] if bars else None
    name = f"{label}: mean ± sd over seeds" if bars else f"{label}: mean over seeds"
    axes.errorbar(_x(swept), means, yerr=spread, color=OURS, marker="o", ms=6, lw=1.8, capsize=4, label=name, zorder=3)
    for entry in _level(block):
        if entry.verdict.mean is not None:
            axes.axhline(entry.verdict.mean, color=OURS, ls=(0, (5, 3)), lw=1.3, label=f"{label}: {entry.row.label}")


def _points(axes: Axes, block: Block, line: str = "none") -> None:
    swept = _swept(block)
    values = [float(e.published) if _is_number(e.published) else math.nan for e in swept]
    axes.plot(_x(swept), values, color=PAPER, marker="D", ms=9, mfc="none", mew=1.8, ls=line, lw=1.2, label="published", zorder=4)
    for entry in _level(block):
        if _is_number(entry.published):
            axes.axhline(float(entry.published), color=PAPER, ls=(0, (1, 2)), lw=1.5, label=f"published: {entry.row.label}")


def _frame(axes: Axes, grid: Grid, block: Block) -> None:
    """Ticks at the rows of the sweep, under their printed labels; a geometric sweep is spaced by its ratio."""
    rows = {e.row.x: e.row.label for e in _swept(block)}
    x = sorted(v for v in rows if v is not None)
    if _geometric(x):
        axes.set_xscale("log", base=2)
    axes.set_xticks(x, [rows[v] for v in x])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(grid.table.x_label or "row")
    axes.set_ylabel(f"{block.column.metric}{f' ({block.column.unit})' if block.column.unit else ''}, {block.column.better} is better")
    axes.margins(y=0.14)
    _span(axes, x)


def _span(axes: Axes, x: Sequence[float]) -> None:
    """From the first to the last row of the sweep, those without a number included, and 6 % on both sides."""
    scale = axes.xaxis.get_transform()
    low, high = (float(v) for v in scale.transform(np.array([x[0], x[-1]])))
    edge = 0.06 * (high - low)
    axes.set_xlim(*(float(v) for v in scale.inverted().transform(np.array([low - edge, high + edge]))))


def _geometric(x: Sequence[float]) -> bool:
    if len(x) < 3 or x[0] <= 0:
        return False
    ratios = [b / a for a, b in pairwise(x)]
    return all(math.isclose(r, ratios[0], rel_tol=1e-6) for r in ratios)


def _swept(block: Block) -> list[Entry]:
    return sorted((e for e in block.entries if e.row.x is not None), key=lambda e: e.row.x or 0.0)


def _level(block: Block) -> list[Entry]:
    """The baselines: rows without a place on the axis."""
    return [e for e in block.entries if e.row.x is None]


def _x(entries: Sequence[Entry]) -> list[float]:
    return [_number(e.row.x) for e in entries]


def _number(value: float | None) -> float:
    """A value to draw; what is missing is NaN, which breaks the line: nothing is drawn across a run that does not exist."""
    return math.nan if value is None else value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
