"""A report shows what runs of CM-VQVAE left: one picture per setting, of its first seed, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench import featured, layout, records
from mmbench.found import SHIPPED
from tests import made_up
from tests.test_execute import results as results

MASKED = {"model": "cmvqvae", "task": "classification", "modalities": ["visual", "audio"]}


def section(**changes):
    verdict = made_up.demo()
    values = tuple(replace(v, cell=replace(v.cell, run={**v.cell.run, **MASKED, **changes})) for v in verdict.values)
    return made_up.section(replace(verdict, values=values))


def left(cell, *seeds: int) -> None:
    """Pictures beside records that are not here."""
    for seed in seeds:
        file = records.picture(records.path(cell.run, cell.key, seed))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"{cell.row} {seed}".encode())


def test_of_every_setting_the_first_seed_is_copied(results, tmp_path):
    grid = section()
    some = list(featured.cells(grid))[:2]
    left(some[0], 10, 2)
    left(some[1], 0)
    files = featured.copied(grid, tmp_path / f"toy-scale-{grid.name}")
    assert [file.name for file in files] == [f"toy-scale-{grid.name}-features-{cell.row}-acc.png" for cell in some]
    assert [file.read_text() for file in files] == [f"{some[0].row} 2", f"{some[1].row} 0"]


def test_where_we_have_none_those_that_come_with_the_project_are_shown(results, tmp_path):
    grid = section()
    first, second = list(featured.cells(grid))[:2]
    for cell in (first, second):
        file = records.picture(records.path(cell.run, cell.key, 0, SHIPPED))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"shipped")
    left(first, 3)
    texts = [file.read_text() for file in featured.copied(grid, tmp_path / f"toy-scale-{grid.name}")]
    assert texts == [f"{first.row} 3", "shipped"]


@pytest.mark.parametrize(
    ("task", "end"), [("classification", "contradictory features"), ("segmentation", "the predicted and the true labels")]
)
def test_a_page_shows_them_with_what_each_row_is(task, end):
    grid = section(task=task)
    cell = next(featured.cells(grid))
    file = featured.name(f"toy-scale-{grid.name}", cell)
    (shown,) = layout.pictures(grid, {file, "toy-scale-other-features-vanilla-acc.png"})
    assert shown[0] == file
    assert shown[1].startswith("features of vanilla, CD, Acc, one test item per column; rows of visual and of audio: the input")
    assert shown[1].endswith(end)


def test_equal_settings_are_shown_once_and_other_models_never():
    grid = section()
    same = replace(next(featured.cells(grid)), row="s-1")
    entries = tuple(replace(e, verdict=replace(e.verdict, cell=replace(e.verdict.cell, key=same.key))) for e in grid.blocks[0].entries)
    assert len(list(featured.cells(replace(grid, blocks=(replace(grid.blocks[0], entries=entries),))))) == 1
    assert list(featured.cells(section(model="fusion"))) == []
