"""How every picture looks: colours that everyone can tell apart (Okabe and Ito), text that stays text, and the same bytes twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS, PAPER, INK, FAINT = "#0072B2", "#D55E00", "#222222", "#8a8a8a"
# Of the modalities, in their order: never by colour alone, each has a line of its own kind.
MODALITIES = (
    ("#0072B2", "-"),
    ("#D55E00", (0, (5, 2))),
    ("#009E73", (0, (1, 1.2))),
    ("#CC79A7", (0, (6, 2, 1, 2))),
    ("#E69F00", (0, (3, 1))),
)
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mmbench", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 10, "axes.titlesize": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.grid": True, "grid.color": "#e6e6e6", "grid.linewidth": 0.8, "axes.axisbelow": True,
    "legend.frameon": False, "legend.fontsize": 9, "text.parse_math": False,
}  # fmt: skip


def save(draw: Callable[[], Any], stem: Path, png: bool = False) -> list[Path]:
    """Draw a figure to `<stem>.svg` (and `<stem>.png`), whatever a user's matplotlibrc says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = draw()
        files = [stem.with_name(f"{stem.name}.svg")]
        figure.savefig(files[0], metadata={"Date": None, "Creator": None})
        if png:
            files.append(stem.with_name(f"{stem.name}.png"))
            figure.savefig(files[1], dpi=150, metadata={"Software": None})
    return files


def grid(
    across: int, down: int, panel: tuple[float, float], left: float, gap: tuple[float, float] = (0.35, 0.5), **shared: Any
) -> tuple[Any, Any]:
    """A figure of down x across panels of a size in inches, with room for labels `left` inches wide, a title and a legend.
    gap: inches between columns and between rows. Fixed: a layout that measures its texts takes as long as the drawing."""
    from matplotlib.figure import Figure

    above, below = 0.65, 0.95  # over the first row, under the last
    width = max(7.0, left + across * (panel[0] + gap[0]))
    height = above + below + down * panel[1] + (down - 1) * gap[1]
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(down, across, squeeze=False, **shared)
    figure.subplots_adjust(
        left=left / width, right=1 - 0.15 / width, top=1 - above / height, bottom=below / height, wspace=gap[0] / panel[0],
        hspace=gap[1] / panel[1],
    )  # fmt: skip
    return figure, axes


def title(figure: Any, words: str, judged: bool) -> None:
    """Over all panels, at the left; what is not comparable with the paper in the colour that says so."""
    top = 1 - 0.12 / figure.get_figheight()  # 0.12 inches below the edge, however many rows there are
    figure.suptitle(words, fontsize=11, x=0.01, y=top, ha="left", va="top", color=INK if judged else PAPER, fontweight="bold")


def legend(figure: Any, order: Callable[[str], Any] = lambda name: 0) -> None:
    """One legend below all panels, where it hides nothing; each label once."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    names = sorted(found, key=order)
    if names:
        figure.legend([found[name] for name in names], names, loc="lower left", ncols=3)
