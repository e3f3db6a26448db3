"""The pictures that runs of CM-VQVAE leave beside their records, for a report: copied beside its pages, one per setting."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from mmbench import paths, records
from mmbench.found import SHIPPED
from mmbench.grid import Grid
from mmbench.spec import Cell

MODEL = "cmvqvae"


def copied(section: Grid, stem: Path) -> list[Path]:
    """Of every setting of the section the picture of its first seed that left one, as `<stem>-features-<row>-<column>.png`."""
    written = []
    for cell in cells(section):
        if seeds := beside(cell):
            target = stem.with_name(name(stem.name, cell))
            target.write_bytes(seeds[0].read_bytes())
            written.append(target)
    return written


def beside(cell: Cell) -> list[Path]:
    """The pictures of a setting, seeds in order: of our runs, else of those that come with the project."""
    for group in (paths.group(), SHIPPED):
        folder = records.path(cell.run, cell.key, 0, group).parent
        if found := sorted(folder.glob(f"{cell.key}-s*.png"), key=lambda file: int(file.stem.rpartition("-s")[2])):
            return found
    return []


def pictures(section: Grid, files: Collection[str]) -> Iterator[tuple[str, str]]:
    """(file, what it shows) of the section's pictures among these files."""
    for cell in cells(section):
        file = name(f"{section.table.id}-{section.name}", cell)
        if file in files:
            yield file, words(section, cell)


def cells(section: Grid) -> Iterator[Cell]:
    """The first cell of every setting that could leave a picture."""
    seen: set[str] = set()
    for cell in (entry.verdict.cell for block in section.blocks for entry in block.entries):
        if cell.key and cell.key not in seen and cell.run.get("model") == MODEL:
            seen.add(cell.key)
            yield cell


def name(stem: str, cell: Cell) -> str:
    return f"{stem}-features-{cell.row}-{cell.column}.png"


def words(section: Grid, cell: Cell) -> str:
    row, column = section.table.row(cell.row).label, section.table.column(cell.column).label
    labels = "; last the predicted and the true labels" if cell.run["task"] == "segmentation" else ""
    parts = "the input, and what is restored from all, from the complementary and from the contradictory features"
    return f"features of {row}, {column}, one test item per column; rows of {' and of '.join(cell.run['modalities'])}: {parts}{labels}"
