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

    same: seeds whose two runs ended in the same weights, bit for bit. why: what keeps seeds from being paired; no_items: what keeps
    the test items of paired seeds from it.
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
    no_items: str = ""


Runs = Mapping[int, Path]  # seed -> the file of its record


def compare(first: Side, second: Side, runs: tuple[Runs, Runs]) -> Comparison:
    """Both sides on their common seeds. Seeds whose data differ, or of which one diverged or lacks the value, are left out and named."""
    seeds, values, items, notes, bare, same = [], [], [], {}, {}, 0
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
        item = _items(seed, (first, second), files)
        if isinstance(item, Items):
            items.append(item)
        else:
            bare.setdefault(item, []).append(seed)
    why = "; ".join(f"without {_seeds(left)}: {what}" for what, left in notes.items())
    no_items = "; ".join(what if len(of) == len(seeds) else f"{_seeds(of)}: {what}" for what, of in bare.items())
    found = Comparison(first, second, tuple(seeds), items=tuple(items), same=same, why=why, no_items=no_items)
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


def _seeds(seeds: list[int]) -> str:
    return f"seed {', '.join(map(str, seeds))}"


def _items(seed: int, sides: tuple[Side, Side], files: tuple[Path, Path]) -> Items | str:
    """One pair of runs by test item, or why there is nothing to pair."""
    no_choice = [side.cell for side in sides if side.cell.view is None or side.cell.view.metric not in CHOSEN]
    if no_choice:
        return f"by {no_choice[0].metric} no test item is right or wrong"
    bare = [side.group for side, file in zip(sides, files, strict=True) if not records.beside(file, "pred").exists()]
    if bare:
        return f"no predictions lie beside the records of group {' and '.join(dict.fromkeys(bare))}"
    right = [right_items(file, side.cell.view) for file, side in zip(files, sides, strict=True)]
    if right[0] is None or right[1] is None:
        return "the predictions beside the records do not hold what this value is read off"
    if not np.array_equal(right[0][1], right[1][1]):
        return "the predictions are of different test items"
    only_first, only_second, p = stats.mcnemar(right[0][0], right[1][0])
    return Items(seed, right[0][0].size, only_first, only_second, p)


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
