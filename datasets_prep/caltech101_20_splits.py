"""Caltech101-20's classes and splits: nothing official exists, so both splits are rules. Facts: [R] recollection, sum checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets_prep import rules
from datasets_prep.dataset import Expected, Split
from datasets_prep.lists import by_hash

# Pictures of each class; that labels 1 to 20 follow this order is a guess [G].
SIZES = {
    "Faces": 435, "Leopards": 200, "Motorbikes": 798, "binocular": 33, "brain": 98, "camera": 50, "car_side": 123, "dollar_bill": 52,
    "ferry": 67, "garfield": 34, "hedgehog": 54, "pagoda": 47, "rhino": 59, "snoopy": 35, "stapler": 45, "stop_sign": 64,
    "water_lilly": 37, "windsor_chair": 56, "wrench": 39, "yin_yang": 60,
}  # fmt: skip
CLASSES = tuple(SIZES)
RULE = "of each class the first 30 % (rounded down) by the sha256 of the row's number to test"


def held_out(count: int) -> int:
    """How many of a class's pictures are tested: 708 in all, with which 11 of SMV's 12 printed values agree."""
    return count * 3 // 10


EXPECTED = Expected(
    rows=sum(SIZES.values()),
    counts={
        "per-class-30": {
            "train": {name: n - held_out(n) for name, n in SIZES.items()},
            "test": {name: held_out(n) for name, n in SIZES.items()},
        }
    },
    evidence="class sizes [R], their sum is the file's 2,386 rows; the split is ours",
)


def keys(count: int) -> list[str]:
    """Rows are named by their number, from 1."""
    return [f"{i:04}" for i in range(1, count + 1)]


def tested(labels: np.ndarray) -> np.ndarray:
    """Is each row, by its class 0 to 19, in the test part of `per-class-30`? bool."""
    found, names = np.zeros(len(labels), bool), keys(len(labels))
    for label in np.unique(labels):
        mine = by_hash(names[i] for i in np.flatnonzero(labels == label))
        for name in mine[: held_out(len(mine))]:
            found[int(name) - 1] = True
    return found


def splits(labels: np.ndarray) -> list[Split]:
    """`per-class-30`, which the tables use, and `hash-70-20-10`, shares as MvNNcor has them (its own draw cannot be repeated)."""
    names, classes, out = keys(len(labels)), [CLASSES[label] for label in labels], tested(labels)

    def chosen(these: Sequence[str], test: bool) -> list[str]:
        return [name for name, is_test in zip(these, out, strict=True) if is_test == test]

    parts = {part: (chosen(names, part == "test"), chosen(classes, part == "test")) for part in ("train", "test")}
    shares = {"train": 0.7, "val": 0.2, "test": 0.1}
    return [Split("per-class-30", parts, "file", rule=RULE), rules.stratified("hash-70-20-10", names, classes, shares, "file")]
