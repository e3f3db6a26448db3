"""Pictures of gains and of training: text that is text, the same bytes twice, and nothing where there is nothing to show."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmbench import look
from mmbench.courses import Course
from mmbench.gains import Gain
from mmbench.render import courseplot, gainplot
from tests import made_up
from tests.render.test_html import contrast

GAINS = (Gain("s-2", "acc", "vanilla", 5, 0.8, 0.1, 1.5, 3.36), Gain("s-4", "acc", "vanilla", 1, 4.3, published=4.02))
EPOCHS = np.arange(1.0, 7)
COURSES = (
    Course("vanilla", "crema-d", "accuracy", 3, np.stack([EPOCHS * s for s in (8, 9, 10)]),
           {"audio": np.stack([EPOCHS * s for s in (7, 8, 9)]), "visual": np.stack([EPOCHS] * 3)}),
    Course("4", "crema-d", "accuracy", 1, EPOCHS[None] * 9, {"audio": EPOCHS[None] * 5, "visual": EPOCHS[None] * 5}),
)  # fmt: skip
FEATURES = (
    Course("mask", "crema-d", "accuracy", 2, None, {}, {"color": np.full((2, 6), 21.0), "audio": np.full((2, 6), 14.0)},
           np.array([[np.nan, *[0.5] * 5], [np.nan, *[0.7] * 5]])),
)  # fmt: skip
JUDGED = replace(made_up.section(made_up.full()), gains=GAINS, courses=COURSES)
STAND_IN = replace(made_up.section(made_up.demo()), gains=GAINS, courses=FEATURES)
WRITE = {
    "gains": (gainplot.write, JUDGED), "curves": (courseplot.write_curves, JUDGED),
    "complementarity": (courseplot.write_complementarity, STAND_IN),
}  # fmt: skip


def words(svg: Path) -> str:
    return " ".join(re.findall(r"<text[^>]*>(?:<!--.*?-->)?([^<]*)", svg.read_text()))  # a line of a text is an element of its own


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("what", WRITE)
def test_the_same_section_gives_the_same_bytes(what, tmp_path):
    write, grid = WRITE[what]
    (one,), (other,) = (write(grid, tmp_path / name) for name in ("a", "b"))
    assert (one.name, one.read_bytes()) == ("a.svg", other.read_bytes())


@pytest.mark.parametrize(("what", "said"), [
    ("gains", ("toy-scale: gain over plain joint training, on CREMA-D", "improvement of accuracy (points), better to the right",
               "95 % interval, paired by seed", "mean gain here", "published gain", "CD, Acc")),
    ("curves", ("toy-scale: each modality's own output over the epochs, on crema-d", "fused accuracy", "audio alone", "visual alone",
                "vanilla (3 seeds)", "4 (1 seed)", "epoch", "accuracy (%)")),
    ("complementarity", ("STAND-IN, not the paper's data: toy-scale: complementary features over the epochs", "compl (%)",
                       "zeta", "color", "audio")),
])  # fmt: skip
def test_text_is_text(what, said, tmp_path):
    write, grid = WRITE[what]
    text = words(write(grid, tmp_path / "x")[0])
    for part in said:
        assert part in text


def test_a_gain_is_a_point_with_its_interval_and_what_is_printed():
    axes = gainplot.draw(JUDGED).axes[0]
    interval, means, printed = axes.lines[1:4]
    assert (list(interval.get_xdata()), list(interval.get_ydata())) == ([0.1, 1.5], [0, 0])
    assert (list(means.get_xdata()), list(means.get_ydata())) == ([0.8, 4.3], [0, -1])
    assert (list(printed.get_xdata()), printed.get_color()) == ([3.36, 4.02], look.PAPER)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2", "4"]


def test_on_a_stand_in_no_printed_gain_is_shown_and_the_title_says_where_it_ran():
    figure = gainplot.draw(STAND_IN)
    assert one_line(figure.get_suptitle()) == "STAND-IN, not the paper's data: toy-scale: gain over plain joint training, on av-digits"
    assert figure.axes[0].get_title(loc="left") == "CD, Acc: here on av-digits"
    assert not any(line.get_color() == look.PAPER for line in figure.axes[0].lines)


def test_where_less_is_better_the_axis_says_which_side_is_better():
    """A gap of contributions that grew by 0.04 stands at -0.04: the axis is of its improvement, not of the gap."""
    (block,) = JUDGED.blocks
    smaller = replace(block, column=replace(block.column, metric="contribution-gap", unit="", better="lower"))
    figure = gainplot.draw(replace(JUDGED, blocks=(smaller,)))
    assert one_line(figure.axes[0].get_xlabel()) == "improvement of contribution gap, better to the right"


def test_a_curve_is_the_mean_and_its_band_reaches_from_the_lowest_to_the_highest_seed():
    first, second = courseplot.draw_curves(JUDGED).axes
    np.testing.assert_allclose(np.asarray(first.lines[0].get_ydata(), float), EPOCHS * 9)
    band = first.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (8, 60)
    assert len(second.collections) == 0  # one seed has no band
    assert first.get_ylim() == second.get_ylim()


def test_an_epoch_that_was_not_recorded_is_a_gap():
    _, below = courseplot.draw_complementarity(STAND_IN).axes
    np.testing.assert_allclose(np.asarray(below.lines[0].get_xdata(), float), EPOCHS[1:])
    np.testing.assert_allclose(np.asarray(below.lines[0].get_ydata(), float), [0.6] * 5)


@pytest.mark.parametrize("what", WRITE)
def test_nothing_to_show_no_file(what, tmp_path):
    assert WRITE[what][0](made_up.section(made_up.full()), tmp_path / "x") == []
    assert list(tmp_path.iterdir()) == []


def test_lines_differ_in_more_than_colour_and_are_seen_on_white():
    assert len({dash for _, dash in look.MODALITIES}) == len({colour for colour, _ in look.MODALITIES}) == len(look.MODALITIES)
    assert min(contrast(colour, "#ffffff") for colour in (look.OURS, look.PAPER, look.INK)) >= 3
    assert min(contrast(colour, "#ffffff") for colour, _ in look.MODALITIES[:3]) >= 3
