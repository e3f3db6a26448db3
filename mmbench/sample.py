"""The runs behind each cell of a table, and which of them may stand together: only within equal key, group, data fingerprint and
kind of device (decisions D2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mmbench import stats
from mmbench.spec import Cell, DatasetFacts, View

ORIGIN = ("group", "device_kind", "fingerprint")
NEEDED = (*ORIGIN, "seed", "status", "selection", "metric", "value", "n_test", "train_loss", "started", "stand_in", "imitation")
Rows = Mapping[str, np.ndarray]  # the frame's columns
Origin = tuple[str, str, str]


@dataclass(frozen=True)
class Sample:
    """One cell's runs. values: seed -> value at the cell's view, in the cell's unit; diverged seeds are apart.

    foreign: why these data are not the paper's. hindrance: why the values are not comparable with the published one, which may be
    that, or items missing from the test set. absent: why there is no value, where there is none.
    origin: group, kind of device, and "" or a fingerprint that is not the one of the table's other runs on the same data.
    Two samples may be pooled only if their origins are equal, and paired only if their conditions are.
    """

    cell: Cell
    values: Mapping[int, float] = field(default_factory=dict)
    diverged: tuple[int, ...] = ()
    foreign: str = ""
    hindrance: str = ""
    note: str = ""
    absent: str = "no run is recorded"
    items: int = 0  # of the test set
    losses: Mapping[int, float] = field(default_factory=dict)  # final training loss of the seeds that did not diverge
    selections: Mapping[str, float] = field(default_factory=dict)  # the mean at the other selections
    origin: Origin = ("", "", "")
    rows: Rows = field(default_factory=dict, repr=False)

    @property
    def floor(self) -> float:
        """The least spread that is believed: the granularity of a percentage."""
        return stats.granularity(self.items) if self.cell.unit == "%" else 0.0

    @property
    def conditions(self) -> tuple[str, str]:
        """Device and data. Where these are equal, a seed means the same weights and the same order in every group: ours can be paired
        with those that come with the project."""
        return self.origin[1:]

    def quantity(self, name: str, selection: str) -> dict[int, float]:
        """Another recorded number of the same runs, seed -> value."""
        return self._at(name).get(selection, {})

    def _at(self, name: str) -> dict[str, dict[int, float]]:
        """selection -> seed -> value of one metric."""
        found: dict[str, dict[int, float]] = {}
        if not self.rows:
            return found
        named = (self.rows["metric"] == name) & np.isfinite(self.rows["value"].astype(float))
        for label, seed, value in zip(*(self.rows[c][named] for c in ("selection", "seed", "value")), strict=True):
            found.setdefault(str(label), {})[int(seed)] = float(value)
        return found


@dataclass(frozen=True)
class Pool:
    """The spread of cells that were run on common seeds."""

    sd: float
    df: float
    cells: int


def gather(cells: Sequence[Cell], frame: pd.DataFrame, scale: str, facts: Mapping[str, DatasetFacts]) -> dict[tuple[str, str], Sample]:
    """(row, column) -> the runs behind it. Of a key with runs of several origins, those of the origin that most runs of the table
    have are taken, if they are two or more; else its largest set."""
    runs = _by_key(frame)
    data = {c.key: _data(c) for c in cells if c.key in runs}
    seeds: dict[str, dict[Origin, set[int]]] = {}
    for key in data:
        for *origin, seed in zip(*(runs[key][name] for name in (*ORIGIN, "seed")), strict=True):
            seeds.setdefault(key, {}).setdefault((origin[0], origin[1], origin[2]), set()).add(int(seed))
    places: Counter[Hashable] = Counter()
    fingerprints: Counter[tuple[Hashable, Origin]] = Counter()
    for key, origins in seeds.items():
        for origin, found in origins.items():
            places[origin[:2]] += len(found)
            fingerprints[data[key], origin] += len(found)

    def rank(key: str, origin: Origin) -> tuple[Any, ...]:
        many = len(seeds[key][origin])
        return min(many, 2), places[origin[:2]], fingerprints[data[key], origin], many, _newest(runs[key], origin)

    usual = {
        (what, origin[1]): max((count, o[2]) for (w, o), count in fingerprints.items() if (w, o[1]) == (what, origin[1]))[1]
        for what, origin in fingerprints
    }
    samples = {}
    for cell in cells:
        if cell.key not in seeds or cell.view is None:
            samples[cell.row, cell.column] = Sample(cell)
            continue
        origin = max(seeds[cell.key], key=lambda o, key=cell.key: rank(key, o))
        plain = usual[data[cell.key], origin[1]] == origin[2]
        one = _sample(cell, _of(runs[cell.key], origin), scale, facts)
        note = f"{cell.address}: runs on other data or devices are left out" if len(seeds[cell.key]) > 1 else ""
        samples[cell.row, cell.column] = replace(one, origin=(*origin[:2], "" if plain else origin[2]), note=note)
    return {place: _relative(one, samples) for place, one in samples.items()}


def _by_key(frame: pd.DataFrame) -> dict[str, Rows]:
    """Key -> the frame's columns as arrays, only the rows of that key. Grouped once: a suite has many keys."""
    columns = {name: frame[name].to_numpy() for name in NEEDED}
    return {
        str(k): {name: values[rows] for name, values in columns.items()} for k, rows in frame.groupby("key", sort=False).indices.items()
    }


def _data(cell: Cell) -> Hashable:
    """What a run reads. Equal for runs whose fingerprints must be equal; that of a pretrained run covers both data sets."""
    run = cell.run
    first = tuple(sorted((name, value) for name, value in run.get("pretraining", {}).items() if name != "epochs"))
    return run.get("dataset"), run.get("split"), run.get("preparation"), tuple(sorted(run.get("modalities", ()))), run.get("small"), first


def _mask(rows: Rows, origin: Origin) -> np.ndarray:
    return np.logical_and.reduce([rows[name] == part for name, part in zip(ORIGIN, origin, strict=True)])


def _newest(rows: Rows, origin: Origin) -> str:
    return max(rows["started"][_mask(rows, origin)])


def _of(rows: Rows, origin: Origin) -> Rows:
    here = _mask(rows, origin)
    return rows if here.all() else {name: found[here] for name, found in rows.items()}


def _sample(cell: Cell, rows: Rows, scale: str, facts: Mapping[str, DatasetFacts]) -> Sample:
    assert cell.view is not None
    gone = tuple(sorted({int(s) for s in rows["seed"][rows["status"] == "diverged"]}))
    losses = {int(s): float(loss) for s, loss in zip(rows["seed"], rows["train_loss"], strict=True) if s not in gone}
    foreign = _foreign(cell, rows, scale)
    found = Sample(
        cell, diverged=gone, foreign=foreign, hindrance=foreign or _incomplete(cell, rows, facts), items=int(rows["n_test"].max()),
        losses=losses, rows=rows,
    )  # fmt: skip
    values = found._at(cell.view.name)
    mine = values.pop(cell.view.selection, {})
    others = {label: float(np.mean(list(v.values()))) for label, v in values.items() if label != "first"}
    return replace(found, values=dict(sorted(mine.items())), selections=others, absent="" if mine else _absent(cell.view, found))


def _absent(view: View, one: Sample) -> str:
    """Runs there are, but not the number (decisions A1, A3)."""
    if view.metric == "zeta" and (why := _undefined(view, one)):
        return why
    if view.select in ("best-val", "least-val-loss") and view.selection not in one.rows["selection"]:
        return f"its split has no validation part, so there is no {view.select}"
    return f"needs a rerun: its records hold no {view.name} at {view.selection}"


def _undefined(view: View, one: Sample) -> str:
    """Why runs of CM-VQVAE have no zeta: the ratio of the modalities' open channels."""
    here = one.rows["selection"] == view.selection
    sizes = [float(v) for name, v in zip(one.rows["metric"][here], one.rows["value"][here], strict=True) if str(name).startswith("compl.")]
    if sizes and not any(sizes):
        return "zeta is undefined: no channel of any modality is open"
    return "" if sizes or not here.any() else "zeta is undefined: under this mask channels are neither open nor closed"


def _foreign(cell: Cell, rows: Rows, scale: str) -> str:
    if rows["stand_in"].any():
        return f"ran on the stand-in {cell.run['dataset']}"
    if rows["imitation"].any():
        return f"ran on an imitation of {cell.run['dataset']}"
    return "" if scale == "full" else f"ran at scale {scale}: a subset and a short schedule"


def _incomplete(cell: Cell, rows: Rows, facts: Mapping[str, DatasetFacts]) -> str:
    """A test set of another size than the split's list, in clips or in what one scored item is."""
    known = facts.get(str(cell.run["dataset"]))
    listed = known.splits.get(str(cell.run.get("split")), {}).get("test") if known else None
    scored = {int(n) for n, status in zip(rows["n_test"], rows["status"], strict=True) if status == "ok"}
    if known and listed and (wrong := scored - {listed, *known.items.values()}):
        return f"{min(wrong):,} of {listed:,} test items found"
    return ""


def _relative(one: Sample, samples: Mapping[tuple[str, str], Sample]) -> Sample:
    """A value that is printed as a multiple of another row's becomes that ratio, seed by seed."""
    row = one.cell.versus
    if not row or not one.values:
        return one
    base = samples.get((row, one.cell.column))
    if base is None or not base.values:
        return replace(one, values={}, selections={}, absent=f"it is a multiple of {row}, of which no run is recorded")
    if base.conditions != one.conditions:
        return replace(one, values={}, selections={}, absent=f"it is a multiple of {row}, which ran on other data or devices")
    ratios = {s: v / base.values[s] for s, v in one.values.items() if base.values.get(s)}
    return replace(one, values=ratios, selections={}, absent="" if ratios else f"it is a multiple of {row}, on no common seed")


def pools(samples: Mapping[tuple[str, str], Sample]) -> dict[tuple[str, str], Pool]:
    """(row, column) -> the pooled spread it belongs to: of the cells of its column with equal data set, view, unit and origin, on the
    seeds that all of them have (equal runs once; single runs do not count). None where fewer than two seeds are common."""
    groups: dict[Hashable, list[tuple[str, str]]] = {}
    for place, one in samples.items():
        cell = one.cell
        if cell.view is not None and one.values and cell.versus != cell.row:
            kind = cell.column, cell.run.get("dataset"), cell.run.get("split"), cell.view, cell.unit, bool(cell.versus), one.origin
            groups.setdefault(kind, []).append(place)
    found = {}
    for places in groups.values():
        distinct = {samples[p].cell.key: samples[p] for p in places if len(samples[p].values) > 1}
        seeds = sorted(set.intersection(*(set(s.values) for s in distinct.values()))) if distinct else []
        if len(seeds) > 1:
            pool = Pool(*stats.pooled(np.array([[s.values[seed] for seed in seeds] for s in distinct.values()])), len(distinct))
            found |= dict.fromkeys(places, pool)
    return found
