"""Grid -> picture of gains: each row against plain joint training of its column, with the interval paired by seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmbench import look
from mmbench.gains import Gain
from mmbench.grid import Block, Grid


def write(grid: Grid, stem: Path) -> list[Path]:
    """`<stem>.svg`; no file where nothing has a baseline."""
    return look.save(lambda: draw(grid), stem) if grid.gains else []


def draw(grid: Grid) -> Figure:
    """A panel per column, rows in the table's order, all panels with the same rows; a dashed line where nothing is gained."""
    blocks = [block for block in grid.blocks if any(gain.column == block.column.id for gain in grid.gains)]
    rows = [row.id for row in grid.table.rows if any(gain.row == row.id for gain in grid.gains)]
    figure, panels = look.panels(len(blocks), 1, sharey=True)
    for axes, block in zip(panels[0], blocks, strict=True):
        _panel(axes, block, rows, [gain for gain in grid.gains if gain.column == block.column.id], grid)
    words = f"{grid.table.id}: gain over plain joint training, on {', '.join(grid.ran_on)}"
    left = 0.25 + max(look.inches(grid.table.row(row).label, look.TEXT) for row in rows)
    look.arrange(figure, panels, words, grid.kind, panel=(2.3, 0.3 + 0.32 * len(rows)), left=left)
    return figure


def _panel(axes: Axes, block: Block, rows: Sequence[str], gains: Sequence[Gain], grid: Grid) -> None:
    place = {row: -i for i, row in enumerate(rows)}
    axes.axvline(0, color=look.FAINT, ls=(0, (5, 3)), lw=1.2)
    for gain in gains:
        if gain.low is not None and gain.high is not None:
            axes.plot([gain.low, gain.high], [place[gain.row]] * 2, color=look.OURS, lw=2.2, solid_capstyle="butt",
                      label="95 % interval, paired by seed")  # fmt: skip
    y = [place[gain.row] for gain in gains]
    axes.plot([gain.difference for gain in gains], y, color=look.OURS, marker="o", ms=6, ls="none", label="mean gain here", zorder=3)
    printed = [(gain.published, place[gain.row]) for gain in gains if gain.published is not None and grid.judged]
    if printed:
        x, y = zip(*printed, strict=True)
        axes.plot(x, y, color=look.PAPER, marker="D", ms=8, mfc="none", mew=1.6, ls="none", label="published gain", zorder=4)
    axes.set_yticks([place[row] for row in rows], [grid.table.row(row).label for row in rows])
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_title(block.column.label if grid.judged else f"{block.column.label}: here on {block.ran_on}", loc="left")
    unit = {"": "", "%": " (points)"}.get(block.column.unit, f" ({block.column.unit})")
    axes.set_xlabel(f"improvement of {block.column.metric.replace('-', ' ')}{unit}, better to the right")
    axes.grid(axis="y", visible=False)
