"""Digits: MNIST's written digits and SVHN's house numbers, paired by digit. Facts: [D] documented by torchvision and MMVAE.

    MNIST/raw/train-images-idx3-ubyte.gz ...     28x28 uint8, big-endian idx, packed or not
    SVHN/{train,test}_32x32.mat                  MATLAB v5: X (32, 32, 3, n) uint8, y (n, 1) with 10 for the digit 0

A row of the store is a digit of a part, and holds all pictures of it, in the order of the files: the pairs are drawn from there.
MNIST gets two pixels of zeros at each side (ours: how 28 became 32 is not published). A test pair repeats its MNIST picture 30
times, so accuracy over pairs is not accuracy over pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import digits_files, digits_imitation, digits_splits
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.digits_splits import DIGITS, EXPECTED, PARTS, key

ARRAYS = {
    "mnist": Array(
        (32, 32, 1), "uint8", "frames", "all of a digit in the order of the file, 28x28 in the middle of zeros", "mnist", ragged=True,
        typical=3500, settings={"content": "rgb"},
    ),
    "svhn": Array(
        (32, 32, 3), "uint8", "frames", "all of a digit in the order of the file", "svhn", ragged=True, typical=5000,
        settings={"content": "rgb"},
    ),
}  # fmt: skip


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """Ten digits of either part; UserError for a file that is missing, broken or not the published kind."""
    items = []
    for part in PARTS:
        files = digits_files.paths(part, sources)
        digits_files.check(files)
        named = {name: str(path) for name, path in files.items()}
        items += [Item(key(part, digit), key(part, digit), named, {"digit": int(digit), "shared": True}) for digit in DIGITS]
    return Found(sorted(items, key=lambda item: item.key))


def make(item: Item, wanted: Sequence[str]) -> Made:
    """All pictures of one digit."""
    made, files = Made(), {name: Path(path) for name, path in item.files.items()}
    for name in wanted:
        pictures, labels = (
            (digits_files.idx(files["mnist"], digits_files.IMAGES), digits_files.labels(files["mnist-labels"]))
            if name == "mnist"
            else (digits_files.svhn(files["svhn"]), digits_files.labels(files["svhn"]))
        )
        mine = np.ascontiguousarray(pictures[labels == item.facts["digit"]])
        if not len(mine):
            made.skipped[name] = f"{files[name].name}: has no picture of the digit {item.facts['digit']}"
        else:
            made.arrays[name] = np.pad(mine, ((0, 0), (2, 2), (2, 2)))[..., None] if name == "mnist" else mine
    return made


DATASET = Dataset(
    id="digits",
    module=__name__,
    arrays=ARRAYS,
    preparations={"pairs-32": {"mnist": "mnist", "svhn": "svhn"}},
    classes={"digits": DIGITS},
    groups="digit of a part",
    find=find,
    make=make,
    splits=digits_splits.splits,
    imitate=digits_imitation.imitate,
    defects=digits_imitation.DEFECTS,
    expected=EXPECTED,
    layout=digits_files.LAYOUT,
    folders=("mnist", "svhn"),
    speed=4.0,
    processes=1,
    memory=900,
)
