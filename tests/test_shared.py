"""What sections share is told once, and nothing of it is lost: a value's settings, notes and signature can be put together again."""

from __future__ import annotations

import re

import pytest

from mmbench import details, published, report, shared
from mmbench.grid import Grid, Page
from mmbench.shared import Line, Section
from tests import generated, made_up
from tests.render import sites

TABLES = ("arl-fusion", "cmvqvae-main", "mmcosine-bound", "smv-subset")
PARTS = ["cell", "key", "mmbench", "scale", "reading", "select", "data", "runs", "seeds", "device", "torch", "commit"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> list[Page]:
    """Tables of one and of several columns, of several data sets, of formulas; every value run in both readings and scales."""
    with sites.results(tmp_path_factory.mktemp("shared")):
        wanted = {key: cells for key, cells in generated.cells(["full", "demo"]).items() if {cell.table for cell in cells} & {*TABLES}}
        list(generated.write(wanted, range(2)))
        return list(report.pages(TABLES, narrow=False))


def test_the_settings_of_a_value_are_those_of_its_section_its_column_its_row_and_its_own(pages):
    for grid in (grid for page in pages for grid in page.grids):
        known = details.of(grid)
        for block in grid.blocks:
            for entry in block.entries:
                place = entry.row.id, block.column.id
                whole = details.settings(entry.verdict.cell.run)
                row = known.rows.get(entry.row.id, ((), ()))
                parts = [known.shared, known.columns.get(block.column.id, ()), row[1]] if whole else [row[1]]
                found = {name: value for part in (*parts, known.cells[place].settings) for name, value in part}
                assert found == whole, place
                notes = {*(n.id for n in grid.footnotes if n.everywhere), *block.footnotes, *row[0], *known.cells[place].notes}
                assert notes == {*entry.verdict.cell.notes}, place


def test_a_signature_put_together_says_every_part_once(pages):
    for grid in (grid for page in pages for grid in page.grids if grid.measured):
        known = details.of(grid)
        for place, own in known.cells.items():
            said = known.whole_signature(place)
            if own.line.before != details.RUN:
                assert said == ""
                continue
            names = [part.partition(":")[0] for part in said.split("|")]
            assert sorted(names) == sorted(PARTS)
            assert said.startswith(f"cell:{grid.table.id}:{place[0]}:{place[1]}|key:")
            assert re.fullmatch(rf"{own.line.before}{grid.table.id}:{own.place}.*; mmbench report", known.command(place))


def listed(sections: tuple[Section, ...], number: int) -> dict[tuple[str, ...], dict[str, str]]:
    """The lists of a section as a reader follows them, through "as in the section ..., without ..., but"."""
    section = sections[number]
    found = {}
    for one in section.settings:
        before = next((i for i, other in enumerate(sections) if other.grid.name == one.like), None)
        theirs = listed(sections, before)[one.columns] if before is not None else {}
        found[one.columns] = {name: value for name, value in theirs.items() if name not in one.without} | dict(one.settings)
    return found


def test_lists_that_lean_on_an_earlier_section_say_the_same(pages):
    leaning = 0
    for page in pages:
        sections = shared.sections(page)
        for number, section in enumerate(sections):
            found = listed(sections, number)
            leaning += sum(bool(one.like) for one in section.settings)
            assert found.pop((), {}) == dict(section.known.shared)
            labels = {block.column.id: block.column.label for block in section.grid.blocks}
            for id, label in labels.items():
                told = {name: value for columns, part in found.items() if label in columns for name, value in part.items()}
                assert told == dict(section.known.columns.get(id, ())), (section.grid.name, id)
    assert leaning > 10


def test_notes_and_origins_lean_on_an_earlier_section_only_where_all_of_it_holds(pages):
    for page in pages:
        told: dict[str, set[tuple[tuple[str, ...], str]]] = {"": set()}
        for section in shared.sections(page):
            mine = {(columns, id) for columns, ids in section.notes for id in ids} | told[section.noted]
            every = {((), note.id) for note in section.grid.footnotes if note.everywhere}
            assert mine == every | {(columns, id) for columns, ids in shared.notes(section.grid) for id in ids}
            told[section.grid.name] = mine
            if section.grid.provenance.runs:
                assert {what for what, _ in section.origin} | {*section.unchanged[0]} >= {"runs", "time", "commit", "data"}


def said(line: Line, column: str) -> str:
    return line.head + next((text for columns, text in line.parts if column in columns), "") + line.tail


def test_merged_lines_still_say_of_each_column_what_its_own_did(pages):
    grids: list[Grid] = [grid for page in pages for grid in page.grids if grid.measured]
    assert any(len(line.parts) > 1 for grid in grids for lines in shared.merged(grid) for line in lines)
    for grid in grids:
        lines = shared.merged(grid)
        for block in grid.blocks:
            told = [" ".join(said(line, block.column.label) for line in several) for several in lines]
            assert {*block.lines} <= {*told}, block.column.id
        assert all(text.count("(") == text.count(")") for several in lines for line in several for _, text in line.parts)


def test_what_differs_stands_beside_each_other():
    (grid,) = made_up.page(made_up.demo()).grids
    names, rows = shared.deviations([grid])
    assert names == ("demo",)
    assert rows == tuple((one.setting, one.paper, one.here) for one in grid.deviations)
    assert shared.deviations([]) == ((), ())


def test_all_tables_can_be_told(pages):
    assert {page.table.id for page in pages} == {*TABLES} <= {*published.ids()}
