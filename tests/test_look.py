"""Where texts stand in pictures: all inside the frame, and none upon another, however long they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from mmbench import look, published, report
from mmbench.grid import Grid
from mmbench.render import courseplot, gainplot, plot
from tests import made_up
from tests.golden import make_report
from tests.render.test_pictures import COURSES, FEATURES, JUDGED, STAND_IN

LONG = "a label that is much longer than the panel over which it stands, in two-or-three-modalities"
WORD = "unbreakable" * 8
DRAWN: tuple[tuple[Callable[[Grid], Figure], Callable[[Grid], Any]], ...] = (
    (plot.draw, plot.sweeps), (gainplot.draw, lambda grid: grid.gains),
    (courseplot.draw_curves, lambda grid: any(course.unimodal for course in grid.courses)),
    (courseplot.draw_complementarity, lambda grid: any(course.compl for course in grid.courses)),
)  # fmt: skip


def drawn(grid: Grid) -> Iterator[tuple[str, Figure]]:
    """Every picture of a section, laid out, with its name."""
    for draw, has in DRAWN:
        if has(grid):
            with look.style():
                figure = draw(grid)
                figure.draw_without_rendering()
            yield f"{grid.table.id} {grid.name} {draw.__module__} {draw.__name__}", figure


def misplaced(figure: Figure) -> list[str]:
    """What is wrong with the texts of a picture, as matplotlib itself measures them."""
    wide, high = figure.get_size_inches()
    box = figure.get_tightbbox()  # of everything that is drawn, in inches
    outside = [f"texts leave the frame: {box.extents} of {wide} x {high}"] if min(box.x0, box.y0, wide - box.x1, high - box.y1) < 0 else []
    titles = {figure.get_suptitle(), *(axes.get_title(loc="left") for axes in figure.axes), *(axes.get_xlabel() for axes in figure.axes)}
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    named = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text() and text.get_text() in titles]
    boxes = [(text, text.get_window_extent()) for text in dict.fromkeys([*named, *legends]) if text.get_visible()]
    upon = [f"{one.get_text()!r} upon {other.get_text()!r}" for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]
    return outside + upon


def long(grid: Grid) -> Grid:
    """The section with four panels, and with long texts everywhere but at ticks."""
    table = replace(
        grid.table, x_label=LONG, rows=tuple(replace(row, label=row.label if row.x else f"{row.label} {LONG}") for row in grid.table.rows)
    )
    blocks = []
    for number, label in enumerate((LONG, f"{WORD}, {LONG}", "short", LONG)):
        (block,) = grid.blocks
        entries = tuple(
            replace(entry, row=table.row(entry.row.id), published=entry.published + LONG * (number == 2)) for entry in block.entries
        )
        column = replace(block.column, id=f"{number}", label=label, metric="contribution-gap", unit="")
        blocks.append(replace(block, column=column, ran_on=LONG, entries=entries))
    gains = tuple(replace(gain, column=block.column.id) for gain in grid.gains for block in blocks)
    courses = tuple(replace(course, label=label) for course in grid.courses for label in (LONG, WORD))
    return replace(grid, table=table, blocks=tuple(blocks), gains=gains, courses=courses, ran_on=(LONG, WORD))


@pytest.mark.parametrize(("kind", "long_texts"), [("small", False), ("not comparable", False), ("judged", True), ("stand-in", True)])
def test_the_warning_comes_first_and_no_text_leaves_the_frame_or_stands_upon_another(kind, long_texts):
    section = replace(JUDGED if kind == "judged" else STAND_IN, kind=kind, courses=COURSES + FEATURES)
    pictures = dict(drawn(long(section) if long_texts else section))
    assert len(pictures) == 4
    for name, figure in pictures.items():
        assert misplaced(figure) == [], name
        assert " ".join(figure.get_suptitle().split()).startswith(f"{look.WARNINGS[kind]}toy-scale: ")


def test_no_text_of_the_goldens_pictures_leaves_the_frame_or_stands_upon_another():
    with make_report.settings(make_report.HERE / "records"), make_report.suite():
        sections = [grid for page in report.pages(published.ids(), narrow=False) for grid in page.grids if grid.measured]
    found = {name: misplaced(figure) for grid in sections for name, figure in drawn(grid)}
    assert len(found) == 4
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_a_text_that_is_not_broken_would_be_seen():
    (_, figure), *_ = drawn(made_up.section(made_up.full()))
    assert misplaced(figure) == []
    figure.axes[0].set_title("one", loc="left", y=1.12)
    (wrong,) = misplaced(figure)
    assert " upon " in wrong
    figure.axes[0].set_title(f"{LONG} {LONG}", loc="left")
    assert misplaced(figure)[0].startswith("texts leave the frame")


def test_lines_are_broken_between_words_and_only_a_long_word_within():
    assert look.wrapped("one two three", 0.65, 10) == "one two\nthree"
    assert look.wrapped("one two three", 9, 10) == "one two three"
    assert look.wrapped("", 1, 10) == ""
    lines = look.wrapped(f"one {WORD} two", 1, 10).split("\n")
    assert (lines[0], "".join(lines[1:])) == ("one", f"{WORD} two")
    assert max(look.inches(line, 10) for line in lines) <= 1


def test_the_width_of_a_line_is_hardly_more_than_matplotlib_draws():
    for bold in (False, True):
        figure = Figure()
        with look.style():
            text = figure.text(0, 0, LONG, fontsize=10, fontweight="bold" if bold else "normal")
            drawn_width = text.get_window_extent().width / figure.dpi
        assert drawn_width <= look.inches(LONG, 10, bold) <= 1.05 * drawn_width
