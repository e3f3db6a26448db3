"""How every picture looks: colours that everyone can tell apart (Okabe and Ito), text that stays text, and the same bytes twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
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
# Points: of the title over all panels, of what stands at one panel, of the legend. Line: inches from one line to the next, per point.
TITLE, TEXT, LEGEND, LINE = 11, 10, 9, 1.2 / 72
RIGHT = 0.2  # inches beside the last panel: half a tick's label
WARNINGS = {
    "judged": "", "stand-in": "STAND-IN, not the paper's data: ", "small": "SMALL PART OF THE DATA, not comparable with the paper: ",
    "not comparable": "NOT COMPARABLE with the paper: ",
}  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """Settings of matplotlib to draw under, whatever a user's matplotlibrc says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def save(draw: Callable[[], Any], stem: Path, png: bool = False) -> list[Path]:
    """Draw a figure to `<stem>.svg` (and `<stem>.png`)."""
    with style():
        figure = draw()
        files = [stem.with_name(f"{stem.name}.svg")]
        figure.savefig(files[0], metadata={"Date": None, "Creator": None})
        if png:
            files.append(stem.with_name(f"{stem.name}.png"))
            figure.savefig(files[1], dpi=150, metadata={"Software": None})
    return files


def panels(across: int, down: int, **shared: Any) -> tuple[Any, Any]:
    """A figure of down x across empty panels; `arrange` gives it its size when everything is drawn."""
    from matplotlib.figure import Figure

    figure = Figure()
    return figure, figure.subplots(down, across, squeeze=False, **shared)


def arrange(
    figure: Any,
    grid: Any,
    words: str,
    kind: str,
    *,
    panel: tuple[float, float],
    left: float = 0.9,
    gap: tuple[float, float] = (0.35, 0.35),
    order: Callable[[str], Any] = lambda name: 0,
) -> None:
    """Title, legend and sizes of a drawn figure, so that no text leaves it or meets another: lines are broken by the widths of their
    letters, and the room above and below is for as many lines as there are. Nothing is drawn for it: that would take as long again.

    grid: its panels, down x across; kind: of the section, whose warning comes first; panel: least width and height in inches; left:
    of the first panel; gap: between columns, and between rows for ticks and their label; order: of the legend's names."""
    down, across = grid.shape
    width = max(7.0, left + across * panel[0] + (across - 1) * gap[0] + RIGHT)
    wide = (width - left - RIGHT - (across - 1) * gap[0]) / across
    heads = [max(_broken(axes, wide) for axes in row) for row in grid]
    title = wrapped(WARNINGS[kind] + words, width - 0.3, TITLE, bold=True)
    above = 0.3 + (title.count("\n") + 1) * TITLE * LINE + heads[0] * TEXT * LINE
    labels = [max(axes.get_xlabel().count("\n") for axes in row) for row in grid]  # lines of each row's, but for the first
    between = gap[1] + (max(heads[1:], default=0) + max(labels[:-1], default=0)) * TEXT * LINE
    below = 0.45 + (labels[-1] + 1) * TEXT * LINE + _legend(figure, width, order)
    height = above + down * panel[1] + (down - 1) * between + below
    figure.set_size_inches(width, height)
    figure.subplots_adjust(
        left=left / width, right=1 - RIGHT / width, top=1 - above / height, bottom=below / height, wspace=gap[0] / wide,
        hspace=between / panel[1],
    )  # fmt: skip
    colour = INK if kind == "judged" else PAPER
    figure.suptitle(title, fontsize=TITLE, x=0.1 / width, y=1 - 0.12 / height, ha="left", va="top", color=colour, fontweight="bold")


def _broken(axes: Any, inches: float) -> int:
    """Break a panel's title and the label below it to its width. Returns the lines of its title."""
    axes.set_xlabel(wrapped(axes.get_xlabel(), inches, TEXT))
    title = axes.set_title(wrapped(axes.get_title(loc="left"), inches, TEXT), loc="left").get_text()
    return title.count("\n") + bool(title)


def _legend(figure: Any, inches: float, order: Callable[[str], Any]) -> float:
    """One legend below all panels, where it hides nothing; each label once. Returns its height in inches."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    names = sorted(found, key=order)
    if not names:
        return 0.0
    em = LEGEND / 72  # a key takes 2.8 of them beside its label, and columns stand 2 apart
    labels = [wrapped(name, inches - 5 * em, LEGEND) for name in names]
    columns = next(n for n in (3, 2, 1) if n == 1 or _across(labels, n) + (4.8 * n - 1) * em < inches)
    figure.legend([found[name] for name in names], labels, loc="lower left", ncols=columns)
    rows = -(-len(labels) // columns)
    return (rows + max(label.count("\n") for label in labels)) * (LINE * LEGEND + 0.5 * em)


def _across(labels: Sequence[str], columns: int) -> float:
    """The sum of the widths of a legend's columns, which are filled one after the other."""
    import numpy as np

    return sum(max(inches(str(label), LEGEND) for label in column) for column in np.array_split(labels, min(columns, len(labels))))


def wrapped(text: str, limit: float, points: float, bold: bool = False) -> str:
    """The text in lines of at most so many inches, broken between words, and within a word that is longer than a line."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if inches(longer, points, bold) <= limit:
            lines[-1] = longer
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = word
        while inches(lines[-1], points, bold) > limit:
            fits = next((n for n in range(len(lines[-1]) - 1, 1, -1) if inches(lines[-1][:n], points, bold) <= limit), 1)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return "\n".join(lines)


def inches(text: str, points: float, bold: bool = False) -> float:
    """How wide a line is in DejaVu Sans, by the advances of its letters; 3 % are for their places on a grid of pixels."""
    return 1.03 * sum(_advance(letter, bold) for letter in text) * points / 72


@cache
def _advance(letter: str, bold: bool) -> float:
    """Of one letter, in em."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")))
    font.set_size(64, 72)
    return font.load_char(ord(letter)).linearHoriAdvance / 65536 / 64
