"""What a method gains over plain joint training, cell by cell: the difference to its baseline, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench import stats
from mmbench.sample import Sample
from mmbench.spec import Cell, Table

CHANGED = ("method", "params", "versions")  # what a method changes of a run
HEAD = ("head", "head_params")
COSINE = "cosine"  # MMCosine's method is a head, put over another one


@dataclass(frozen=True)
class Gain:
    """difference: of the means over the common seeds, positive where the row is the better one, in the column's unit; low, high: of
    its paired 95 % t-interval, None with one seed. published: the same difference of the printed numbers."""

    row: str
    column: str
    baseline: str
    n: int
    difference: float
    low: float | None = None
    high: float | None = None
    published: float | None = None


def gains(table: Table, samples: Mapping[tuple[str, str], Sample]) -> tuple[Gain, ...]:
    """Of every cell that has a baseline in its column and a seed in common with it, in the table's order."""
    found = []
    for column in table.columns:
        column_of = [samples[row.id, column.id] for row in table.rows if (row.id, column.id) in samples]
        for one in column_of:
            base = baseline(one.cell, [other.cell for other in column_of])
            if base is not None and (gain := _gain(one, samples[base.row, column.id], column.better)):
                found.append(gain)
    return tuple(found)


def baseline(cell: Cell, column: Sequence[Cell]) -> Cell | None:
    """The cell of plain joint training that differs in nothing but the method, and, for the cosine head, in the head that it was put
    over. None for plain training itself, for one modality alone, and where a column has none."""
    run = cell.run
    if cell.state != "run" or cell.versus or run["method"] == "unimodal" or (run["method"] == "joint" and run["head"] != COSINE):
        return None
    head, without = run["head"], CHANGED
    if run["method"] == "joint":
        head, without = run["head_params"].get("over", "concat"), (*CHANGED, *HEAD)
    for other in column:
        plain = other.state == "run" and (other.run["method"], other.run["head"]) == ("joint", head)
        if plain and other.view == cell.view and _rest(other, without) == _rest(cell, without):
            return other
    return None


def _rest(cell: Cell, without: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in cell.run.items() if name not in without}


def _gain(one: Sample, base: Sample, better: str) -> Gain | None:
    seeds = sorted(one.values.keys() & base.values.keys())
    if not seeds or one.conditions != base.conditions:
        return None
    sign = 1.0 if better == "higher" else -1.0
    first, second = (sign * np.array([sample.values[seed] for seed in seeds]) for sample in (one, base))
    paired: dict[str, Any] = {"difference": float(first.mean() - second.mean())}
    if len(seeds) > 1:
        paired["difference"], paired["low"], paired["high"], _ = stats.paired(first, second)
    return Gain(one.cell.row, one.cell.column, base.cell.row, len(seeds), published=_published(one.cell, base.cell, sign), **paired)


def _published(cell: Cell, base: Cell, sign: float) -> float | None:
    try:
        return sign * (float(cell.published or "") - float(base.published or ""))
    except ValueError:
        return None
