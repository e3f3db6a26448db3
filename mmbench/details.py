"""What stands behind one value: its command, its run's signature, its resolved settings. For pages on which a cell can be opened."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mmbench import provenance
from mmbench.deviations import plain
from mmbench.grid import Grid
from mmbench.spec import Cell, flatten

SEEDS = 5  # what `mmbench run` takes where nothing is said
Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Detail:
    """command: the one line that makes this value, or, of what cannot be run, says why. signature: of its runs, without what
    the whole section's has; "" where nothing ran.
    settings: the resolved ones that neither the section nor the column shares. dataset, method: ids, "" where there is none."""

    command: str
    signature: str
    settings: Settings
    dataset: str
    method: str


@dataclass(frozen=True)
class Details:
    """shared: the settings that all runs of the section have in common; columns: column -> those that, beyond these, all of its
    runs have; cells: (row, column) -> what is its own."""

    signature: str  # what the signatures of all cells that ran share; a cell's own part goes before it
    shared: Settings
    columns: Mapping[str, Settings]
    cells: Mapping[tuple[str, str], Detail]


def of(grid: Grid) -> Details:
    """The details of every value of a section."""
    cells = [entry.verdict.cell for block in grid.blocks for entry in block.entries]
    leaves = {cell.address: settings(cell.run) for cell in cells}
    shared = common(found for found in leaves.values() if found)
    columns: dict[str, dict[str, str]] = {}
    for block in grid.blocks:
        found = (leaves[entry.verdict.cell.address] for entry in block.entries)
        columns[block.column.id] = _without(common(run for run in found if run), shared)
    own = {cell.address: _without(leaves[cell.address], shared | columns[cell.column]) for cell in cells}
    signatures = {cell.address: _signature(cell, grid) for cell in cells}
    same = common(parts for parts in signatures.values() if parts)
    return Details(
        _joined(same),
        tuple(shared.items()),
        {column: tuple(found.items()) for column, found in columns.items() if found},
        {(c.row, c.column): _detail(c, grid, _without(signatures[c.address], same), tuple(own[c.address].items())) for c in cells},
    )


def settings(run: Mapping[str, Any]) -> dict[str, str]:
    """The resolved settings of a run as text, by dotted path; the versions of the components go into the signature."""
    return {name: plain(value) for name, value in flatten({k: v for k, v in run.items() if k != "versions"}).items()}


def common(several: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What all of these have, with the same value; of one alone nothing, so that it is told in full."""
    found = list(several)
    if len(found) < 2:
        return {}
    return {name: value for name, value in found[0].items() if all(other.get(name) == value for other in found)}


def _without(found: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if known.get(name) != value}


def command(cell: Cell, scale: str, reading: str, seeds: int = SEEDS) -> str:
    """The line to copy: run this value's jobs and report, also if some fail; or show why there is no job. Defaults are left out."""
    where = [*(["--scale", scale] if scale != "full" else []), *(["--reading", reading] if reading != "paper" else [])]
    if cell.state != "run":
        return shlex.join(["mmbench", "show", cell.address, *where])
    count = ["--seeds", str(seeds)] if seeds != SEEDS else []
    return f"{shlex.join(['mmbench', 'run', cell.address, *where, *count])}; mmbench report"


def _signature(cell: Cell, grid: Grid) -> dict[str, str]:
    """The parts of the one line that says how a value was made, by name; empty where nothing ran."""
    origin = grid.origins.get(cell.key) if cell.state == "run" else None
    if origin is None:
        return {}
    name = {"cell": cell.address, "scale": grid.scale, "reading": grid.reading, "key": cell.key}
    line = provenance.line(name, [cell.view.selection] if cell.view else [], origin)
    return dict(part.split(":", 1) for part in line.split("|"))


def _joined(signature: Mapping[str, str]) -> str:
    return "|".join(f"{name}:{value}" for name, value in signature.items())


def _detail(cell: Cell, grid: Grid, signature: Mapping[str, str], own: Settings) -> Detail:
    origin = grid.origins.get(cell.key) if cell.state == "run" else None
    return Detail(
        command=command(cell, grid.scale, grid.reading, max(origin.seeds, default=SEEDS - 1) + 1 if origin else SEEDS),
        signature=_joined(signature),
        settings=own,
        dataset=str(cell.run.get("dataset", "")),
        method=str(cell.run.get("method", "")),
    )
