"""Generated items in the true shapes and types: noise in the files of a prepared store, read and augmented as real ones are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.datasets.data import Data, Part
from mmbench.rows import Rows, file
from mmbench.smoke import shapes
from mmbench.smoke.shapes import Stored
from mmbench.spec import DatasetFacts
from mmbench.trials import PREFIX

TESTED = 1  # items of the test and validation parts
TRIALS = np.array([[0, 1, 1], [0, 2, 0], [1, 3, 0], [2, 3, 1]])


def made(run: Mapping[str, Any], facts: DatasetFacts, folder: Path, trained: int = 0, tested: int = TESTED) -> Data:
    """A training part of one batch (or of `trained` items), a small test part (of `tested` items or a few more), and a validation part
    where the split has one. The files lie in `folder`."""
    random = np.random.default_rng(0)
    stored, more = shapes.arrays(run), shapes.extras(run)
    sizes = {"train": trained or run["batch"], "test": tested} | ({"val": TESTED} if "val" in facts.splits.get(run["split"], {}) else {})
    if run["dataset"] in shapes.TRIALS:
        sizes["test"] = max(tested, int(TRIALS.max()) + 1)
    parts = {}
    for name, count in sizes.items():
        keys = tuple(f"{name}-{i}" for i in range(count))
        arrays = {m: _rows(folder, f"{name}-{m}", s, keys, run, random) for m, s in stored.items()}
        found = {label: _extra(s, count, facts.classes, random) for label, s in more.items()}
        labels = found.pop("labels", np.arange(count) // 2 % facts.classes)
        if name != "train" and run["dataset"] in shapes.TRIALS:
            labels = np.full(count, -1)
            found |= {f"{PREFIX}{label}": TRIALS for label in shapes.TRIALS[run["dataset"]]}
        parts[name] = Part(arrays, labels, keys, keys, found)
    classes = tuple(str(i) for i in range(facts.classes))
    return Data(run["dataset"], "generated", run["split"], classes, parts, "0" * 64, stand_in=True, imitation=True)


def _rows(folder: Path, name: str, stored: Stored, keys: tuple[str, ...], run: Mapping[str, Any], random: np.random.Generator) -> Rows:
    count = len(keys)
    np.save(file(folder, name), noise((count * (stored.entries or 1), *stored.shape), stored.dtype, random))
    if stored.entries:
        np.save(file(folder, name, "offsets"), np.arange(count + 1) * stored.entries)
    rule = (int(run.get("frames", 1)), str(run.get("frame_rule", "middle")))
    return Rows(folder, name, stored.kind, np.arange(count), stored.settings, rule, keys)


def noise(shape: tuple[int, ...], dtype: str, random: np.random.Generator) -> np.ndarray:
    """Normal numbers of mean 0 and deviation 1, or integers over all of an 8-bit range and a part of a longer one."""
    if np.dtype(dtype).kind == "f":
        return random.standard_normal(shape, np.float32).astype(dtype)
    return random.integers(0, 256, shape, np.uint8) if dtype == "uint8" else random.integers(-8_000, 8_000, shape).astype(dtype)


def _extra(stored: Stored, count: int, classes: int, random: np.random.Generator) -> np.ndarray:
    """Labels of every second or pixel, or what is a yes or no of them; of a subset all items are."""
    if stored.dtype == "bool":
        return np.ones((count, *stored.shape), bool)
    whole = np.dtype(stored.dtype).kind in "iu"
    return random.integers(0, classes if whole else 2, (count, *stored.shape)).astype(stored.dtype)
