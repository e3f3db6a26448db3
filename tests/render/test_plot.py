"""Pictures: the same bytes twice, readable text, and no stand-in that looks like a reproduction."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmbench.render import plot
from tests import made_up


def words(svg: Path) -> str:
    return " ".join(re.findall(r"<text[^>]*>(?:<!--.*?-->)?([^<]*)", svg.read_text()))  # a line of a text is an element of its own


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return plot.write(made_up.section(made_up.full()), tmp_path_factory.mktemp("full") / "toy")


def test_the_same_section_gives_the_same_bytes(full, tmp_path):
    again = plot.write(made_up.section(made_up.full()), tmp_path / "toy")
    assert [f.name for f in again] == ["toy.svg", "toy.png"]
    assert [f.read_bytes() for f in again] == [f.read_bytes() for f in full]


def test_a_column_without_a_printed_number_says_so():
    """Beside the stand-in's numbers; an empty panel with ticks would look as if something were missing."""
    unprinted = tuple(replace(v, cell=replace(v.cell, published=None)) for v in made_up.demo().values)
    paper, here = plot.draw(made_up.section(replace(made_up.demo(), values=unprinted))).axes
    assert [text.get_text() for text in paper.texts] == ["no number is printed"]
    assert list(paper.get_yticks()) == []
    assert here.lines


def test_text_is_text(full):
    said = words(full[0])
    for part in ("toy-scale: published and reproduced on CREMA-D", "accuracy (%), higher is better", "published: vanilla"):
        assert part in said
    assert "Not converge; missing" in said


def test_published_points_stand_over_the_mean_and_its_band():
    axes = plot.draw(made_up.section(made_up.full())).axes[0]
    means, published = axes.lines[0], next(line for line in axes.lines if line.get_label() == "published")
    np.testing.assert_array_equal(np.asarray(means.get_ydata(), float), [61.9, 61.0, 64.5, math.nan])
    np.testing.assert_array_equal(published.get_xdata(), [1, 2, 4, 8])
    np.testing.assert_array_equal(np.asarray(published.get_ydata(), float), [61.0, 63.44, 64.10, math.nan])
    assert published.get_zorder() > means.get_zorder()
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (pytest.approx(59.8), pytest.approx(65.7))


def test_no_line_is_drawn_across_a_run_that_is_missing():
    gone = tuple(replace(v, mean=None, low=None, high=None) if v.cell.row == "s-2" else v for v in made_up.full().values)
    axes = plot.draw(made_up.section(replace(made_up.full(), values=gone))).axes[0]
    np.testing.assert_array_equal(np.asarray(axes.lines[0].get_ydata(), float), [61.9, math.nan, 64.5, math.nan])


def test_rows_without_x_are_lines_across():
    axes = plot.draw(made_up.section(made_up.full())).axes[0]
    levels = {line.get_label(): list(line.get_ydata()) for line in axes.lines if str(line.get_label()).endswith("vanilla")}
    assert levels == {"reproduced: vanilla": [60.2, 60.2], "published: vanilla": [60.08, 60.08]}


def test_a_stand_in_has_panels_and_axes_of_its_own_and_says_so_in_the_title():
    figure = plot.draw(made_up.section(made_up.demo()))
    title = " ".join(figure.get_suptitle().split())
    assert title == "STAND-IN, not the paper's data: toy-scale: av-digits, beside the paper's own numbers"
    paper, here = figure.axes
    assert not paper.get_shared_y_axes().joined(paper, here)
    assert {line.get_color() for line in paper.lines} == {plot.PAPER}
    assert {line.get_color() for line in here.lines} == {plot.OURS}


def test_a_geometric_sweep_is_spaced_by_its_ratio():
    axes = plot.draw(made_up.section(made_up.full())).axes[0]
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4", "8"]


def test_no_sweep_no_picture(tmp_path):
    assert plot.write(made_up.section(made_up.untouched()), tmp_path / "toy") == []
    rows = tuple(replace(row, x=None) for row in made_up.TABLE.rows)
    still = replace(made_up.full(), table=replace(made_up.TABLE, rows=rows))
    assert plot.write(made_up.section(still), tmp_path / "toy") == []
    assert list(tmp_path.iterdir()) == []
