"""Two sets of runs side by side: paired by seed, and, from the stored predictions of each pair of runs, by test item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench import records, stats
from mmbench.spec import Cell, View

CHOSEN = ("accuracy", "macro-f1")  # metrics of one choice per test item: only of these is an item right or wrong
LEVEL = 0.05


@dataclass(frozen=True)
class Side:
    """One of two: a cell, and the group whose runs of it are taken."""

    cell: Cell
    group: str


@dataclass(frozen=True)
class Items:
    """One pair of runs on the same test items: how many only one of them gets right, and McNemar's exact p."""

    seed: int
    items: int
    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """first - second over the seeds that both sides have, in the cell's unit. None where it does not exist.

    same: seeds whose two runs ended in the same weights, bit for bit. why: what keeps seeds or items from being paired.
    """

    first: Side
    second: Side
    seeds: tuple[int, ...]
    means: tuple[float, float] | None = None
    difference: float | None = None
    low: float | None = None  # of the paired 95 % t-interval
    high: float | None = None
    p: float | None = None
    items: tuple[Items, ...] = ()
    same: int = 0
    why: str = ""


Runs = Mapping[int, Path]  # seed -> the file of its record


def compare(first: Side, second: Side, runs: tuple[Runs, Runs]) -> Comparison:
    """Both sides on their common seeds. Seeds whose data differ, or of which one diverged or lacks the value, are left out and named."""
    seeds, values, items, notes, same = [], [], [], {}, 0
    for seed in sorted(runs[0].keys() & runs[1].keys()):
        files = runs[0][seed], runs[1][seed]
        one, other = (records.read_or_set_aside(file) for file in files)
        if one is None or other is None:
            continue
        numbers = [_value(one, first.cell.view), _value(other, second.cell.view)]
        if hindrance := _hindrance(one, other, numbers):
            notes.setdefault(hindrance, []).append(seed)
            continue
        seeds.append(seed)
        values.append(numbers)
        same += one["result"].get("weights_sha256") == other["result"].get("weights_sha256") != ""
        items += _items(seed, first.cell, second.cell, files)
    why = "; ".join(f"without seed {', '.join(map(str, left))}: {what}" for what, left in notes.items())
    found = Comparison(first, second, tuple(seeds), items=tuple(items), same=same, why=why)
    return _tested(found, np.array(values, float))


def _tested(found: Comparison, values: np.ndarray) -> Comparison:
    """values: seeds x 2."""
    if len(values) == 0:
        return found
    means = float(values[:, 0].mean()), float(values[:, 1].mean())
    tested: dict[str, Any] = {"difference": means[0] - means[1]}
    if len(values) > 1:
        tested["difference"], tested["low"], tested["high"], tested["p"] = stats.paired(values[:, 0], values[:, 1])
    return Comparison(**{**vars(found), "means": means, **tested})


def _value(record: Mapping[str, Any], view: View | None) -> float | None:
    if view is None or record["result"]["status"] != "ok":
        return None
    return record["result"]["selections"].get(view.selection, {}).get("values", {}).get(view.name)


def _hindrance(first: Mapping[str, Any], second: Mapping[str, Any], values: list[float | None]) -> str:
    """Why two runs of one seed cannot be paired, or ""."""
    if any(record["result"]["status"] == "diverged" for record in (first, second)):
        return "a run diverged"
    if first["data"].get("fingerprint") != second["data"].get("fingerprint"):
        return "the data differ"
    return "a record lacks the value" if None in values else ""


def _items(seed: int, first: Cell, second: Cell, files: tuple[Path, Path]) -> list[Items]:
    """At most one: nothing where predictions were not stored, or are of other items."""
    right = [right_items(file, cell.view) for file, cell in zip(files, (first, second), strict=True)]
    if right[0] is None or right[1] is None or not np.array_equal(right[0][1], right[1][1]):
        return []
    only_first, only_second, p = stats.mcnemar(right[0][0], right[1][0])
    return [Items(seed, right[0][0].size, only_first, only_second, p)]


def right_items(record: Path, view: View | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Which test items this run gets right under a view, and the labels: both flat, in the order of the test list."""
    if view is None or view.metric not in CHOSEN:
        return None
    stored = records.arrays(record, "pred")
    place = view.selection
    choice = (
        stored.get(f"{place}/choice.{view.output}") if view.output != "fused"
        else stored.get(f"{place}/choice/{view.decision}") if view.decision != "head"
        else stored[f"{place}/log_probabilities"].argmax(-1) if f"{place}/log_probabilities" in stored else None
    )  # fmt: skip
    labels = stored.get(f"{place}/labels")
    if choice is None or labels is None or choice.shape != labels.shape:
        return None
    first = int(view.subset.partition("-")[2]) if view.subset != "all" else len(labels)
    return (choice == labels)[:first].ravel(), labels[:first].ravel()
