"""Caltech101-20: 2,386 pictures of twenty things, each described in six ways. Facts: [D] the loaders of mvdata, MvNNcor, COMPLETER.

    Caltech101-20.mat                MATLAB v5: X (1, 6) or (6, 1), a cell of (2386, d) each; Y (2386, 1), 1 to 20; lenSmp, feanames
    Caltech101-20_multi-view.mat     HDF5: view1 ... view6 and Y

The features are not scaled. `views` standardises each column with the mean and the deviation of the training part of
`per-class-30` (ours: nothing is published); `views-raw` holds them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from datasets_prep import caltech101_20_imitation, lists, matlab
from datasets_prep import caltech101_20_splits as rules
from datasets_prep.caltech101_20_splits import CLASSES, EXPECTED
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources, Split
from mmbench.errors import UserError

FILES = ("Caltech101-20.mat", "Caltech101-20_multi-view.mat")
VIEWS = {
    "view1": (48, "Gabor"), "view2": (40, "wavelet moments"), "view3": (254, "CENTRIST"), "view4": (1984, "HOG"), "view5": (512, "GIST"),
    "view6": (928, "LBP"),
}  # fmt: skip
LABELS = ("Y", "y", "labels", "label", "gt")

ARRAYS = {
    name: Array((size,), "float32", "values", f"{says}, each column standardised by the training part of per-class-30")
    for name, (size, says) in VIEWS.items()
} | {f"raw-{name}": Array((size,), "float32", "values", f"{says}, as in the file") for name, (size, says) in VIEWS.items()}


@dataclass(frozen=True)
class Content:
    """views: name -> n x d as in the file; labels: n, 0 to 19; mean and deviation: name -> d, of the training part."""

    views: Mapping[str, np.ndarray]
    labels: np.ndarray
    mean: Mapping[str, np.ndarray]
    deviation: Mapping[str, np.ndarray]


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    path = _path(sources)
    count = len(content(path).labels)
    return Found([Item(key, key, {"file": str(path)}, {"row": i, "shared": True}) for i, key in enumerate(rules.keys(count))])


def _path(sources: Sources) -> Path:
    root = sources.folders[""]
    found = next((path for name in FILES if (path := lists.find(name, [root]))), None)
    if found is None:
        there = sorted(entry.name for entry in root.iterdir() if not entry.name.startswith("."))
        raise UserError(f"{root}: no {' and no '.join(FILES)} in it; there is: {lists.few(there, 6) or 'nothing'}")
    return found


def content(path: Path) -> Content:
    return _content(path, path.stat().st_mtime_ns)


@lru_cache(1)
def _content(path: Path, stamp: int) -> Content:
    given, numbers, sizes = _hdf5(path) if matlab.kind(path) == 73 else _version5(path)
    labels = _labels(path, numbers)
    views = {name: _view(path, name, value, len(labels)) for name, value in zip(VIEWS, given, strict=True)}
    if sizes is not None and np.bincount(labels, minlength=20).tolist() != np.asarray(sizes).ravel().tolist():
        raise UserError(f"{path}: lenSmp and Y count other pictures per class: they do not belong together")
    train = ~rules.tested(labels)
    mean = {name: values[train].mean(0, dtype=np.float64) for name, values in views.items()}
    deviation = {name: values[train].std(0, dtype=np.float64) for name, values in views.items()}
    return Content(views, labels, mean, {name: np.where(d > 0, d, 1) for name, d in deviation.items()})


def _version5(path: Path) -> tuple[list[Any], Any, Any]:
    """The cells of X, Y, and lenSmp where there is one."""
    found = matlab.load(path)
    for name in ("X", "Y"):
        if name not in found:
            raise UserError(f"{path}: has no variable '{name}'; it has {lists.few(list(found), 9) or 'none'}")
    if found["X"].dtype != object or found["X"].size != len(VIEWS):
        raise UserError(f"{path}: 'X' is {found['X'].dtype} {found['X'].shape}, expected a cell of {len(VIEWS)} views")
    return list(found["X"].ravel()), found["Y"], found.get("lenSmp")


def _hdf5(path: Path) -> tuple[list[Any], Any, Any]:
    """The arrays view1 to view6, and the labels."""
    file = matlab.opened(path)
    label = next((name for name in LABELS if name in file), None)
    lacking = [name for name in VIEWS if not isinstance(file.get(name), h5py.Dataset)] + ([] if label else ["Y"])
    if lacking:
        raise UserError(f"{path}: has no array '{lacking[0]}'; it has {lists.few(list(file), 9) or 'none'}")
    try:
        return [np.asarray(file[name]) for name in VIEWS], np.asarray(file[label]), None
    except OSError:
        raise UserError(f"{path}: an array of it cannot be read: download it again") from None


def _labels(path: Path, given: Any) -> np.ndarray:
    """0 to 19, from 1 to 20."""
    numbers = np.asarray(given)
    if numbers.size != max(numbers.shape, default=0) or numbers.dtype.kind not in "iuf" or not np.isin(numbers, np.arange(1, 21)).all():
        low, high = (numbers.min(), numbers.max()) if numbers.size and numbers.dtype.kind in "iuf" else ("nothing", "nothing")
        raise UserError(f"{path}: Y is {numbers.dtype} {numbers.shape} from {low} to {high}, expected n labels 1 to {len(CLASSES)}")
    return numbers.ravel().astype(np.int64) - 1


def _view(path: Path, name: str, given: Any, count: int) -> np.ndarray:
    """n x d float32; HDF5 shows the axes of MATLAB reversed."""
    value, size = np.asarray(given), VIEWS[name][0]
    value = value.T if value.shape == (size, count) else value
    if value.shape != (count, size) or value.dtype.kind not in "iuf":
        raise UserError(f"{path}: {name} ({VIEWS[name][1]}) is {value.dtype} {value.shape}, expected numbers ({count}, {size})")
    if not np.isfinite(value).all():
        raise UserError(f"{path}: {name} ({VIEWS[name][1]}) holds values that are no numbers")
    return value.astype(np.float32)


def make(item: Item, wanted: Sequence[str]) -> Made:
    """One picture's row of each view."""
    held, row, made = content(Path(item.files["file"])), item.facts["row"], Made()
    for name in wanted:
        view = name.removeprefix("raw-")
        value = held.views[view][row]
        made.arrays[name] = value if name != view else ((value - held.mean[view]) / held.deviation[view]).astype(np.float32)
    return made


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    return rules.splits(content(_path(sources)).labels), {}


DATASET = Dataset(
    id="caltech101-20",
    module=__name__,
    arrays=ARRAYS,
    preparations={"views": {name: name for name in VIEWS}, "views-raw": {name: f"raw-{name}" for name in VIEWS}},
    classes={"file": CLASSES},
    groups="picture",
    find=find,
    make=make,
    splits=splits,
    imitate=caltech101_20_imitation.imitate,
    defects=caltech101_20_imitation.DEFECTS,
    expected=EXPECTED,
    layout="Caltech101-20.mat, or Caltech101-20_multi-view.mat",
    speed=500.0,
)
