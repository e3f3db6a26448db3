"""VGGSound as a source: its clips as they are named in circulation, and its own csv. Facts: [D] its page and repository.

    <anything>/<ytid>_000030.mp4     starts at 30 s; some copies do not pad it (as OGM-GE's loader expects), some add the end
    vggsound.csv                     no header: ytid,start,label,train|test; a label with commas is quoted

It is read by MM-Debiased and not prepared by itself: no table reads it, and its 309 class names stand in its csv alone. Names of clips
are those of Kinetics (`kinetics.clips`): taken apart from the right, for ids hold and begin with "-" and "_".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets_prep import lists
from datasets_prep.kinetics import Id
from mmbench.errors import UserError

CSV = "vggsound.csv"
PARTS = ("train", "test")


@dataclass(frozen=True)
class Row:
    """One clip of the csv. part: "train" or "test"."""

    id: Id
    label: str
    part: str


def read(places: Iterable[Path | None]) -> dict[Id, Row] | None:
    """The rows of vggsound.csv by clip; None where it is not there. UserError for a line of another form."""
    path = lists.find(CSV, places)
    if path is None:
        return None
    found: dict[Id, Row] = {}
    for number, cells in enumerate(lists.rows(path), 1):
        row = _row(f"{path}, line {number}", [cell.strip() for cell in cells])
        if found.setdefault(row.id, row) != row:
            raise UserError(f"{path}, line {number}: names {row.id.key} a second time, as {row.label}, {row.part}")
    return found


def _row(where: str, cells: list[str]) -> Row:
    if len(cells) != 4 or len(cells[0]) != 11 or not cells[1].isdecimal() or cells[3] not in PARTS:
        raise UserError(f"{where}: '{','.join(cells)[:60]}' is not 'ytid,start,label,train' or '...,test' (a label with commas in quotes)")
    return Row(Id(cells[0], int(cells[1])), cells[2], cells[3])
