"""A record with anything at all in one of its places: either it is refused in one line, or the whole report is written with it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmbench import bulk, published, records, report, resolve, sound
from mmbench.errors import UserError
from mmbench.spec import Cell
from tests.golden import make_report

VALUES: tuple[Any, ...] = (None, [], {}, "", "a|b", -1, 1e308, 1e59, True, "diverged")
FIXED = ("schema", "key", "seed", "group", "run")  # what the file's place or the key says too
Place = tuple[str, ...]


@pytest.fixture(autouse=True)
def _golden_suite(tmp_path):
    with make_report.settings(tmp_path / "results"), make_report.suite():
        yield


def cells(table: str, *scales: str) -> list[tuple[Cell, str]]:
    found = [(cell, scale) for scale in scales for cell in resolve.cells(published.load(table), scale)]
    return [(cell, scale) for cell, scale in found if cell.state == "run" and cell.metric == "accuracy"]


def good(cell: Cell, scale: str, seed: int, group: str = make_report.GROUP) -> dict[str, Any]:
    return json.loads(json.dumps(make_report.made_up(cell, scale, seed) | {"group": group}))


def places(tree: dict[str, Any], above: Place = ()) -> Iterator[Place]:
    """Every place in a record, of branches and of leaves."""
    for name, inner in tree.items():
        yield (*above, name)
        if isinstance(inner, dict):
            yield from places(inner, (*above, name))


def mutated(record: dict[str, Any], *changes: tuple[Place, Any]) -> dict[str, Any]:
    """Deep places first: what is then put into a place above them replaces them."""
    for (first, *below), value in sorted(changes, key=lambda change: -len(change[0])):
        record = record | {first: mutated(record[first], (tuple(below), value)) if below else value}
    return record


def refused(record: dict[str, Any]) -> str:
    """Why a record of its own file is not read, "" if it is."""
    file = Path(f"{record['key']}-s{record['seed']}.json")
    try:
        sound.complain_about_key(sound.parse(json.dumps(record).encode(), file), file)
    except UserError as error:
        return str(error)
    return ""


def write(record: dict[str, Any]) -> None:
    file = records.path(record["run"], record["key"], record["seed"], record["group"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record))


def test_whatever_stands_in_a_place_is_taken_or_refused_in_one_line():
    record = good(*cells("arl-gamma", "demo")[0], 0)
    says = [refused(mutated(record, (place, value))) for place in places(record) for value in VALUES]
    assert sum(map(bool, says)) > 0.8 * len(says) > 500
    assert {len(said.splitlines()) for said in says} == {0, 1}


def test_the_whole_report_is_written_of_all_that_is_taken(tmp_path, capsys):
    """Each change in a run of its own, seed by seed; and all changes to one value at once, in all runs of a setting."""
    arl, scale = cells("arl-gamma", "demo", "full"), cells("mmcosine-scale", "demo")
    record = good(*arl[0], 0)
    every = [(place, value) for place in places(record) for value in VALUES if place[0] not in FIXED]
    changes = [change for change in every if not refused(mutated(record, change))]
    for number, (change, cell) in enumerate(zip(changes, itertools.cycle(arl), strict=False)):
        write(mutated(good(*cell, number), change))
    together = [[change for change in changes if repr(change[1]) == repr(value)] for value in VALUES]
    settings = itertools.product((make_report.GROUP, "lab-a"), scale)
    for bundle, (group, cell) in zip(filter(None, together), settings, strict=False):
        for seed in range(3):
            write(mutated(good(*cell, seed, group), *bundle))
    files = records.files()
    assert [answer for answer in bulk.read(files) if isinstance(answer, str)] == []
    written = report.write(published.ids(), out=tmp_path / "out")
    assert {".md", ".tex", ".svg", ".html"} <= {file.suffix for file in written}
    assert report.text(published.ids(), scale="demo")
    assert records.files() == files
    assert capsys.readouterr().err == ""
