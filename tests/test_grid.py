"""What a section says: numbers as text, marks only where something is judged, notes, deviations, the banner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench import grid, wording
from mmbench.spec import ValueVerdict
from tests import made_up


def entries(section: grid.Grid) -> dict[str, grid.Entry]:
    return {e.row.id: e for block in section.blocks for e in block.entries}


def test_a_judged_value_has_difference_band_mark_and_side():
    found = entries(made_up.section(made_up.full()))["s-2"]
    assert (found.published, found.reproduced, found.n) == ("63.44", "61.00 ± 0.40", "5")
    assert (found.difference, found.band) == ("-2.44", "59.80 to 62.20")
    assert (found.word, found.mark) == ("not reproduced", "no")
    assert found.remark == "below the published value; rejected after Holm's adjustment too"
    assert found.others == {"last": "60.10"}


def test_a_published_number_stays_as_printed_and_bold():
    found = entries(made_up.section(made_up.full()))
    assert found["s-1"].published == "61.0"
    assert [row for row, e in found.items() if e.bold] == ["s-4"]


def test_what_would_decide_and_the_other_assumption_are_said():
    found = entries(made_up.section(made_up.full()))
    assert found["s-1"].remark == "about 14 seeds would decide"
    assert found["s-4"].remark == "if the paper's number is a mean of 5 runs: not reproduced"


def test_a_missing_run_is_never_a_number():
    found = entries(made_up.section(made_up.full()))["s-8"]
    assert (found.reproduced, found.difference, found.band, found.n, found.others) == ("", "", "", "", {})
    assert (found.word, found.mark) == ("missing", "")


@pytest.mark.parametrize("scale", ["demo", "small"])
def test_nothing_is_judged_off_the_papers_data(scale):
    section = made_up.section(replace(made_up.demo(), scale=scale))
    assert section.kind == {"demo": "stand-in", "small": "small"}[scale]
    ran = [e for e in entries(section).values() if e.reproduced]
    assert len(ran) == 4
    assert all((e.difference, e.band, e.mark, e.word, e.remark) == ("", "", "", "", "") for e in ran)
    assert {c.mark for c in section.claims} == {""}
    assert section.method == ()


def test_a_full_section_on_an_imitation_is_not_judged():
    values = tuple(replace(v, word="not comparable", why="ran on an imitation of crema-d") if v.n else v for v in made_up.full().values)
    section = made_up.section(replace(made_up.full(), values=values))
    assert (section.kind, section.heading) == ("not comparable", "Not comparable: CREMA-D")
    assert {e.difference + e.band + e.mark for e in entries(section).values()} == {""}
    banner = grid.page(made_up.TABLE, [section], citation="", todo=()).banner
    assert banner.startswith("Everything measured on this page ran on CREMA-D, not comparably (ran on an imitation of crema-d): no number")


def test_a_diverged_value_says_how_many_runs_diverged():
    found = entries(made_up.section(made_up.demo()))["s-8"]
    assert (found.n, found.word, found.remark) == ("0 (5 diverged)", "diverged", "5 of 5 runs diverged")


def test_a_reason_that_many_values_share_is_said_once():
    section = made_up.section(made_up.untouched())
    assert len(section.reasons) == 1
    assert section.reasons[0].startswith("5 values blocked: crema-d is not prepared")
    assert {e.remark for e in entries(section).values()} == {""}
    assert not section.measured


def test_a_note_on_every_value_is_no_footnote_of_one():
    section = made_up.section(made_up.full())
    assert {(note.id, note.everywhere) for note in section.footnotes} == {("toy.all", True), ("toy.four", False)}
    assert {row: e.footnotes for row, e in entries(section).items() if e.footnotes} == {"s-4": ("toy.four",)}


def test_the_banner_says_what_is_not_judged():
    full, demo, nothing = made_up.full(), made_up.demo(), made_up.untouched()
    assert made_up.page(full).banner == ""
    only = made_up.page(nothing, demo).banner
    assert only.startswith("Everything measured on this page ran on av-digits, a stand-in and not the paper's data: no number on this page")
    assert wording.not_judged("stand-in", ["av-digits", "text-digits"], "") == "av-digits, text-digits, stand-ins and not the paper's data"
    both = made_up.page(full, demo).banner
    assert "numbers from CREMA-D, which are judged" in both
    assert "av-digits, a stand-in and not the paper's data: none of these others is judged" in both
    assert made_up.page(nothing).banner.startswith("Nothing on this page has been run yet")


def test_multiplicity_spread_and_margin_are_printed():
    section = made_up.section(made_up.full())
    assert section.method[0].startswith("Multiplicity: 4 values tested; if every recipe were reproduced perfectly, 0.2 would")
    assert "hardware, software versions, lost data" in section.method[1]
    assert section.blocks[0].lines[0].startswith("Spread of our seeds, pooled over the column: 0.40, 12.3 degrees of freedom.")
    assert section.blocks[0].lines[3] == "Order of the rows, published against reproduced: Kendall's tau 0.67 (printed without a verdict)."
    assert section.blocks[0].lines[2] == "Margin within which two values count as equal: 0.5 points (half of 1.0; fixed 2026-11-21)."


def test_what_the_choice_of_the_epoch_does_is_a_finding():
    said = made_up.section(made_up.full()).blocks[0].lines[1]
    assert said == "At last, the means of the same runs lie 0.90 below those at best-test, on average over the column."
    values = tuple(replace(v, consistent=v.word != "not reproduced") for v in made_up.full().values)  # bands reach 1.2 to both sides
    said = made_up.section(replace(made_up.full(), values=values)).blocks[0].lines[1]
    assert said.endswith("Consistent only at best-test: 0 of 3 (a band of the same width about the mean at last misses).")
    values = tuple(replace(v, selections={"last": 58.0}) for v in values)
    said = made_up.section(replace(made_up.full(), values=values)).blocks[0].lines[1]
    assert "Consistent only at best-test: 3 of 3 " in said
    demo = made_up.section(made_up.demo()).blocks[0].lines[1]
    assert demo == "At last, the means of the same runs lie 0.90 below those at best-test, on average over the column."


def test_what_a_formula_gives_stands_without_runs():
    verdict = made_up.full()
    value = ValueVerdict(replace(made_up.cell("s-1"), state="computed", run={}, computed="2.220"), "not judged")
    only = replace(verdict, values=(value,), claims=(), datasets=())
    section = grid.build(only, own=made_up.OWN, ledger={}, titles={}, command="", provenance=grid.Provenance())
    assert section.measured
    assert entries(section)["s-1"].reproduced == "2.220"
    assert grid.page(made_up.TABLE, [section], citation="", todo=()).banner == ""


def test_a_note_on_every_value_of_a_column_stands_at_the_column():
    columns = (*made_up.TABLE.columns, replace(made_up.TABLE.columns[0], id="f1", label="F1"))
    other = [replace(v, cell=replace(v.cell, column="f1", notes=("toy.all",))) for v in made_up.full().values]
    noted = [replace(v, cell=replace(v.cell, notes=("toy.four", "toy.all"))) for v in made_up.full().values]
    table = replace(made_up.TABLE, columns=columns)
    section = made_up.section(replace(made_up.full(), table=table, values=(*noted, *other)))
    assert [block.footnotes for block in section.blocks] == [("toy.four",), ()]
    assert {e.footnotes for block in section.blocks for e in block.entries} == {()}


def test_a_setting_has_no_better():
    value = ValueVerdict(replace(made_up.cell("s-1"), state="setting", computed="32"), "reproduced", "resolves to 32")
    column = replace(made_up.TABLE.columns[0], metric="setting", unit="")
    section = made_up.section(replace(made_up.full(), table=replace(made_up.TABLE, columns=(column,)), values=(value,), claims=()))
    entry = section.blocks[0].entries[0]
    assert (section.blocks[0].quality, entry.reproduced, entry.mark, entry.remark) == ("", "32", "yes", "")


def test_only_data_that_ran_are_named():
    verdict = replace(made_up.demo(), datasets=("av-digits", "synthetic-speakers"))
    assert made_up.section(verdict).ran_on == ("av-digits",)
    assert made_up.section(made_up.untouched()).ran_on == ("CREMA-D",)
