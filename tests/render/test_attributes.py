"""What a table says once for its cells: as properties of its style, and as attributes that filters go by."""

from __future__ import annotations

import html
import json
import re

import pytest

from mmbench import details, published, report, resolve, suite
from mmbench.render import attributes
from tests.render import sites

TAUGHT = ("mmcosine-scale", "cmvqvae-main")
EVIL = "a'b\"c\\d</style>&<script>\n\x07e"


def test_a_property_is_a_string_that_neither_css_nor_html_ends_early():
    written = str(attributes.style({"c1": EVIL, "e": ""}))
    assert written.startswith(" style='--c1:\"")
    assert written.endswith('--e:""\'')
    assert written.count("'") == 2
    assert "<" not in written
    text = re.search(r'--c1:("(?:[^"\\]|\\.)*");', html.unescape(written))
    assert text
    assert json.loads(text[1]) == EVIL.replace("\n\x07", " ")


def test_headers_are_labels_of_the_columns_after_the_first():
    assert attributes.headed(["value", "paper", "here"]) == ' style=\'--c1:"paper";--c2:"here"\''


@pytest.mark.parametrize("id", ["arl-fusion", "arl-main", "cmvqvae-main", "mmcosine-bound", "smv-three-modalities", "mmcosine-modalities"])
def test_each_cell_goes_by_its_own_dataset_method_and_verdict(id, tmp_path):
    """As filter.js looks them up: at the cell, its row, its column's header, the table."""
    with sites.results(tmp_path):
        (page,) = report.pages([id], scale="demo")
    for grid in page.grids:
        said = attributes.filtered(grid)
        for block in grid.blocks:
            for entry in block.entries:
                places = [("cell", entry.row.id, block.column.id), ("row", entry.row.id), ("column", block.column.id), ()]
                run = entry.verdict.cell.run
                own = {"d": run.get("dataset", ""), "m": " ".join(suite.methods(run))}
                for name, value in own.items():
                    found = [m[1] for place in places if (m := re.search(rf' data-{name}="([^"]*)"', said.get(place, "")))]
                    assert (found or [""])[0] == value, places[0]
                cell = re.search(r' data-v="([^"]*)"', said.get(places[0], ""))
                usual = re.search(r' data-v="([^"]*)"', said.get((), ""))
                word = cell[1] if cell else entry.word or (usual[1] if usual else "")
                assert word == entry.verdict.word


def test_a_head_or_a_network_that_is_a_papers_method_can_be_filtered_by():
    found = {id: {name for cell in resolve.cells(published.load(id), "full") for name in suite.methods(cell.run)} for id in TAUGHT}
    assert {"cosine", "joint"} <= found["mmcosine-scale"]
    assert {"cmvqvae", "joint"} <= found["cmvqvae-main"]
    assert "concat" not in found["mmcosine-scale"]


def test_what_stands_around_a_command_is_said_where_it_is_not_the_usual():
    with_runs, formulas = (details.of(next(iter(report.pages([id], scale="full"))).grids[0]) for id in ("arl-gamma", "mmcosine-bound"))
    grids = [next(iter(report.pages([id], scale="full"))).grids[0] for id in ("arl-gamma", "mmcosine-bound")]
    assert '--t:"arl-gamma:";--e:"; mmbench report"' in attributes.valued(grids[0], with_runs)
    assert "--r:" not in attributes.valued(grids[0], with_runs)
    assert '--e:"";--r:"mmbench show "' in attributes.valued(grids[1], formulas)
    assert published.load("mmcosine-bound").columns[0].label in attributes.valued(grids[1], formulas)
