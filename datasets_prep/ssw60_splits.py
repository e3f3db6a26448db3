"""SSW60's csv files, classes and parts. Facts: [D] the README of visipedia/ssw60 @dd9265b; nothing of the files themselves was opened.

    video_ml.csv  asset_id,label,split,fps,frame_count,duration_seconds,frame_height,frame_width,frame_channels,
                  orginal_video_start_second,original_video_end_second,original_video_target_second,target_second,reliable_audio
    taxa.csv      label,species_code,inat_taxon_id,inat2021_label,nabirds_labels,common_name,scientific_name,family,order

`orginal` is spelt so, and whether the files hold a nameless index column is not known: columns are taken by their names. Families have
commas, in quotes. How many videos a part has is published nowhere, so no count but the sum is expected. `frame_count` is not the
number of frames (327 in a row of 9.96 s at 25 fps), and is never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from datasets_prep import lists, rules
from datasets_prep.dataset import Expected, Found, Sources, Split
from mmbench.errors import UserError

VIDEOS, TAXA = "video_ml.csv", "taxa.csv"
CLASSES = tuple(str(label) for label in range(60))  # the numbers of the csv files; taxa.csv says which species each is
PARTS = ("train", "test")
COLUMNS = ("asset_id", "label", "split")
RELIABLE = "reliable_audio"
RELIABLE_SPLIT = "official-reliable"
TRUTH = {"1": True, "0": False, "true": True, "false": False}
WHERE = f"{VIDEOS} from ssw60.tar.gz (github.com/visipedia/ssw60)"
EXPECTED = Expected(
    rows=5400,
    evidence="5,400 videos by the README of visipedia/ssw60 @dd9265b, which gives the md5 of ssw60.tar.gz as "
    "af0a54ea1a897d130d91be8ffe0de81c [D]; videos per part: not found",
)


@dataclass(frozen=True)
class Row:
    """One video. reliable: what a machine says of its sound; None where the column is not there."""

    asset: str
    label: str
    part: str
    reliable: bool | None


def path(sources: Sources) -> Path:
    """The table of the videos; UserError where it is not there."""
    found = _file(VIDEOS, sources)
    if found is None:
        raise UserError(
            f"{sources.folders['']}: no {VIDEOS} in it, which says what bird each video shows: name the folder of {WHERE} with --lists"
        )
    return found


def _file(name: str, sources: Sources) -> Path | None:
    return lists.find(name, [sources.lists, *sources.folders.values()])


def listed(sources: Sources) -> tuple[Row, ...]:
    """All videos, in the order of the table."""
    found = path(sources)
    return _rows(found, found.stat().st_mtime_ns)


@lru_cache(4)
def _rows(path: Path, stamp: int) -> tuple[Row, ...]:
    found = tuple(_row(f"{path}, row {number}", cells) for number, cells in enumerate(table(path, COLUMNS), 1))
    lists.twice([row.asset for row in found], str(path))
    return found


def table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Rows by the names of the columns, without blanks around the cells. UserError where a column is missing, and where a row has
    another number of cells than the header: a comma without quotes would shift all that follow it."""
    named = lists.table(path, needed)
    header, *body = lists.rows(path)
    for number, row in enumerate(body, 1):
        if len(row) != len(header):
            raise UserError(f"{path}, row {number}: has {len(row)} cells, its header {len(header)}: is a comma not in quotes?")
    return [{name: cell.strip() for name, cell in cells.items()} for cells in named]


def _row(where: str, cells: dict[str, str]) -> Row:
    asset, label, part, said = (cells.get(name, "") for name in (*COLUMNS, RELIABLE))
    if not asset.isdecimal():
        raise UserError(f"{where}: asset_id is '{asset}', expected a number like 483821: was the file changed by a spreadsheet?")
    if label not in CLASSES:
        raise UserError(f"{where}: label is '{label}', expected 0 to {len(CLASSES) - 1}")
    if part not in PARTS:
        raise UserError(f"{where}: split is '{part}', expected {' or '.join(PARTS)}")
    if RELIABLE in cells and said.lower() not in TRUTH:
        raise UserError(f"{where}: {RELIABLE} is '{said}', expected 0 or 1")
    return Row(asset, label, part, TRUTH[said.lower()] if RELIABLE in cells else None)


def check_taxa(sources: Sources) -> None:
    """UserError where taxa.csv is there and is not the table of sixty species: labels would mean something else."""
    found = _file(TAXA, sources)
    if found is None:
        return
    labels = [row["label"] for row in table(found, ("label", "species_code", "common_name", "family"))]
    lists.twice(labels, f"{found}: column label")
    if lacking := [label for label in CLASSES if label not in labels]:
        raise UserError(f"{found}: has no species for label {lists.few(lacking)}: expected a row for each of 0 to {len(CLASSES) - 1}")
    if strange := [label for label in labels if label not in CLASSES]:
        raise UserError(f"{found}: label {lists.few(strange)} is none of 0 to {len(CLASSES) - 1}")


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`official`: the column `split`; `official-val`: a tenth of its training part as val; `official-reliable`: of it the videos whose
    `reliable_audio` is 1."""
    rows = listed(sources)
    md5, known = lists.checked({VIDEOS: path(sources)}, {})
    official = Split("official", _parts(rows), "labels", lists=md5, known=known)
    made = [official, rules.carved(official, "official-val", "train", 0.1)]
    if any(row.reliable is None for row in rows):
        return made, {RELIABLE_SPLIT: f"{path(sources).name} has no column '{RELIABLE}'"}
    heard = _parts([row for row in rows if row.reliable])
    made.append(Split(RELIABLE_SPLIT, heard, "labels", lists=md5, known=known, rule=f"official, the videos whose {RELIABLE} is 1"))
    return made, {}


def _parts(rows: Sequence[Row]) -> dict[str, tuple[list[str], list[str]]]:
    mine = {part: [row for row in rows if row.part == part] for part in PARTS}
    return {part: ([row.asset for row in of], [row.label for row in of]) for part, of in mine.items()}
