"""How runs went, epoch by epoch, from the curves beside their records: what pictures of training show. Read for few runs only."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench import records
from mmbench.spec import Cell, Table

PANELS = 4  # runs side by side
SEEDS = 5  # of each
Runs = Mapping[str, Sequence[Mapping[str, Any]]]  # key -> its records


@dataclass(frozen=True, eq=False)
class Course:
    """One setting. fused: the task's own metric; unimodal: modality -> the same of its own output; compl: modality -> its share of
    complementary features in %; zeta: how alike these shares are. Each seeds x epochs, or None (empty) where it was not recorded."""

    label: str
    dataset: str
    metric: str
    seeds: int
    fused: np.ndarray | None = None
    unimodal: Mapping[str, np.ndarray] | None = None
    compl: Mapping[str, np.ndarray] | None = None
    zeta: np.ndarray | None = None


def courses(table: Table, cells: Sequence[Cell], runs: Runs) -> tuple[Course, ...]:
    """Of the first column whose runs kept curves per modality: plain joint training first, then the others, each setting once."""
    for column in table.columns:
        mine = {c.key: c for c in cells if c.column == column.id and c.state == "run" and c.key in runs}
        found = [course for cell in _chosen(list(mine.values())) if (course := _course(table, cell, runs[cell.key])) is not None]
        if found:
            return tuple(found)
    return ()


def _chosen(cells: Sequence[Cell]) -> list[Cell]:
    """Plain joint training, then the first row of each method (the cosine head is one), then the others, in the table's order."""
    several = [cell for cell in cells if len(cell.run["modalities"]) > 1]
    plain = sorted(several, key=lambda c: (c.run["method"], c.run["head"]) != ("joint", "concat"))
    first = {(c.run["method"], c.run["head"] == "cosine"): c for c in reversed(plain)}
    rest = [c for c in plain if c not in first.values()]
    return [*(c for c in plain if c in first.values()), *rest][:PANELS]


def _course(table: Table, cell: Cell, of: Sequence[Mapping[str, Any]]) -> Course | None:
    curves = list(_curves(cell, of[:SEEDS]))
    metric, modalities = cell.view.metric if cell.view else cell.metric, cell.run["modalities"]
    together = lambda name: _together(curves, name)  # noqa: E731
    unimodal = {m: found for m in modalities if (found := together(f"{metric}.{m}")) is not None}
    compl = {m: found for m in modalities if (found := together(f"compl.{m}")) is not None}
    if not unimodal and not compl:
        return None
    return Course(
        table.row(cell.row).label, str(cell.run["dataset"]), metric, len(curves), together(metric), unimodal, compl, together("zeta")
    )


def _curves(cell: Cell, of: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, np.ndarray]]:
    for record in of:
        file = records.path(cell.run, cell.key, record["seed"], record["group"])
        try:
            found = records.arrays(file, "curve")
        except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile):
            print(f"{records.beside(file, 'curve')} cannot be read: it is left out of the pictures", file=sys.stderr)
            continue
        if found:
            yield found


def _together(curves: Sequence[Mapping[str, np.ndarray]], name: str) -> np.ndarray | None:
    """seeds x epochs, as far as all of them went; None unless all have it."""
    if not curves or any(name not in curve for curve in curves):
        return None
    epochs = min(len(curve[name]) for curve in curves)
    return np.stack([np.asarray(curve[name][:epochs], float) for curve in curves])
