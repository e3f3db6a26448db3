"""A tiny Caltech101-20: a few rows of each class, sorted by class, in either of the two files in circulation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

from datasets_prep import imitation
from datasets_prep.caltech101_20_splits import CLASSES

SIZES = (4,) * 19 + (7,)  # rows of each class
WIDTHS = (48, 40, 254, 1984, 512, 928)
NAMES = ("gabor", "wm", "cent", "hog", "gist", "lbp")

DEFECTS = {
    "lfs-pointer": imitation.GENERAL["lfs-pointer"],
    "error-page": imitation.GENERAL["error-page"],
    "zero-bytes": imitation.GENERAL["zero-bytes"],
    "dot-underscore": imitation.GENERAL["dot-underscore"],
    "cut-short": "the file ends in its middle",
    "hdf5": "Caltech101-20_multi-view.mat in place of Caltech101-20.mat",
    "hdf5-rows": "the same, saved by a program that does not reverse axes",
    "column": "X as (6, 1) in place of (1, 6)",
    "whole-numbers": "HOG as uint8",
    "no-sizes": "without lenSmp and feanames",
    "zero-based": "Y counts from 0",
    "no-labels": "without Y",
    "five-views": "X of five views",
    "swapped": "two views in each other's place",
    "fewer-rows": "a view of a row less",
    "not-finite": "a value that is no number",
    "other-sizes": "lenSmp that does not fit to Y",
    "no-view": "Caltech101-20_multi-view.mat without view4",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/data with one file, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    root = folder / "data"
    root.mkdir()
    views, labels = content(defects)
    path = root / "Caltech101-20.mat"
    if {"hdf5", "hdf5-rows", "no-view"} & set(defects):
        path = root / "Caltech101-20_multi-view.mat"
        with h5py.File(path, "w") as file:
            for i, view in enumerate(views, 1):
                if not (i == 4 and "no-view" in defects):
                    file[f"view{i}"] = view if "hdf5-rows" in defects else view.T
            file["Y"] = labels[:, None] if "hdf5-rows" in defects else labels[None]
    else:
        scipy.io.savemat(path, _variables(views, labels, defects), do_compression=True)
    for defect in defects:
        if defect == "cut-short":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        elif defect in imitation.BREAK:
            imitation.damage(path, defect)


def content(defects: Sequence[str] = ()) -> tuple[list[np.ndarray], np.ndarray]:
    """Six views, n x d float64 of very different sizes, one column of each constant; and labels 1 to 20."""
    labels = np.repeat(np.arange(1, len(CLASSES) + 1), SIZES)
    views = []
    for i, width in enumerate(WIDTHS):
        rng = imitation.stream("view", i)
        means = rng.standard_normal((len(CLASSES), width))
        view = 10.0 ** (i - 3) * (means[labels - 1] + 0.3 * rng.standard_normal((len(labels), width)))
        view[:, 1] = 7
        views.append(view)
    if "whole-numbers" in defects:
        views[3] = np.clip(100 + 20 * views[3], 0, 255).astype(np.uint8)
    if "not-finite" in defects:
        views[2][3, 4] = np.nan
    if "fewer-rows" in defects:
        views[5] = views[5][:-1]
    if "swapped" in defects:
        views[0], views[1] = views[1], views[0]
    return views[:5] if "five-views" in defects else views, labels - (1 if "zero-based" in defects else 0)


def _variables(views: Sequence[np.ndarray], labels: np.ndarray, defects: Sequence[str]) -> dict[str, Any]:
    cell, names = np.empty((1, len(views)), object), np.empty((1, len(NAMES)), object)
    cell[0], names[0] = views, [np.array([name]) for name in NAMES]
    found: dict[str, Any] = {"X": cell.T if "column" in defects else cell, "Y": labels[:, None].astype(np.float64)}
    if "no-labels" in defects:
        found.pop("Y")
    if "no-sizes" not in defects:
        sizes = np.array([SIZES]) + ("other-sizes" in defects)
        found |= {"lenSmp": sizes, "feanames": names}
    return found
