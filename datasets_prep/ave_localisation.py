"""AVE for localisation: which second shows which event, from the feature files that the authors release (github.com/YapengTian/AVE-ECCV18).

    audio_feature.h5 (4143, 10, 128)   visual_feature.h5 (4143, 10, 7, 7, 512)   labels.h5 (4143, 10, 29)   key "avadataset"
    train_order.h5 val_order.h5 test_order.h5   key "order": 0-based rows of the header-less Annotations.txt [V]

Class 28 is the background. A few rows of labels.h5 carry two events in a second (issue #10 there): the first counts as the label,
both stand in `events`; a folder with right_labels.h5 in place of labels.h5 is read too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from datasets_prep import ave_localisation_imitation, ave_splits, lists
from datasets_prep.ave_splits import COUNTS, PARTS
from datasets_prep.dataset import Array, Dataset, Expected, Found, Item, Made, Sources, Split
from datasets_prep.media import Unreadable
from mmbench.errors import UserError

CLASSES = (*ave_splits.CLASSES, "background")
FILES = {"audio": ("audio_feature.h5",), "visual": ("visual_feature.h5",), "labels": ("labels.h5", "right_labels.h5", "right_label.h5")}
SHAPES = {"audio": (10, 128), "visual": (10, 7, 7, 512), "labels": (10, 29)}

ARRAYS = {
    "audio": Array((10, 128), "float32", "values", "VGGish, a vector a second", "features"),
    "visual": Array((10, 7, 7, 512), "float32", "values", "VGG-19 pool5, a map a second", "features"),
    "labels": Array((10,), "int64", "values", "the event of each second, 28 where there is none", "features"),
    "events": Array((10, 29), "float32", "values", "all events of each second, as in the file", "features"),
}
PREPARATIONS = {"vggish-vgg19": {"audio": "audio", "visual": "visual"}}
# md5 of the files' bytes [V]
KNOWN = {
    "train_order.h5": ("613565677c76038076aad2843a64e6ce",),
    "val_order.h5": ("4d078a69038de21f9550cd0f69686d93",),
    "test_order.h5": ("686b9f5bcbddc9c299f03ee62ff889eb",),
}


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """One item per row of the files; UserError where they do not belong together."""
    paths = {what: _needed(sources, *names) for what, names in FILES.items()}
    rows = ave_splits.rows(_needed(sources, "Annotations.txt"))
    for what, path in paths.items():
        shape = _dataset(str(path), path.stat().st_mtime_ns).shape
        if shape[1:] != SHAPES[what]:
            raise UserError(f"{path}: holds {shape}, expected (rows, {', '.join(map(str, SHAPES[what]))})")
        if shape[0] != len(rows):
            raise UserError(f"{path}: has {shape[0]:,} rows, Annotations.txt {len(rows):,}: they do not belong together")
    files = {what: str(path) for what, path in paths.items()}
    items = [Item(key(i, row), row.video, files, {"row": i, "shared": True}) for i, row in enumerate(rows)]
    return Found(items, settings={name: {"labels": paths["labels"].name} for name in ("labels", "events")})


def key(index: int, row: ave_splits.Row) -> str:
    """Row number and video: a video may have two rows."""
    return f"{index:04}-{row.video}"


def _needed(sources: Sources, *names: str) -> Path:
    places = [*sources.folders.values(), sources.lists]
    found = next((path for name in names if (path := lists.find(name, places))), None)
    if found is None:
        raise UserError(f"{sources.folders['']}: no {names[0]} in it; expected {DATASET.layout}")
    return found


@cache
def _dataset(path: str, stamp: int, name: str = "avadataset") -> Any:
    """The one dataset of a feature file, open."""
    with open(path, "rb") as handle:
        if why := lists.strange(handle.read(1024)):
            raise UserError(f"{path}: {why}")
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise UserError(f"{path}: is no readable HDF5 file, or only a part of one: download it again") from None
    if name not in file:
        raise UserError(f"{path}: has no dataset '{name}'; it has {lists.few(list(file)) or 'none'}")
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "biuf":
        raise UserError(f"{path}: '{name}' holds {getattr(found, 'dtype', 'other datasets')}, expected numbers")
    return found


def make(item: Item, wanted: Sequence[str]) -> Made:
    """One row of each file."""
    made, row = Made(), item.facts["row"]
    for name in wanted:
        path = item.files["labels" if name in ("labels", "events") else name]
        try:
            value = np.asarray(_dataset(path, Path(path).stat().st_mtime_ns)[row])
        except OSError:
            raise Unreadable(f"{Path(path).name}: row {row} cannot be read") from None
        if name in ("labels", "events") and not value.any(1).all():
            raise Unreadable(f"{Path(path).name}: row {row} has a second without a label, not even the background's")
        made.arrays[name] = value.argmax(1).astype(np.int64) if name == "labels" else value.astype(np.float32)
    return made


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`official`, by the order files; labels are the videos' classes, for `small` and the counts."""
    rows = ave_splits.rows(_needed(sources, "Annotations.txt"))
    paths = {f"{part}_order.h5": _needed(sources, f"{part}_order.h5") for part in PARTS}
    parts = {}
    for part, (name, path) in zip(PARTS, paths.items(), strict=True):
        order = np.asarray(_dataset(str(path), path.stat().st_mtime_ns, "order")).ravel()
        if order.size and (order.min() < 0 or order.max() >= len(rows)):
            raise UserError(f"{path}: row {int(order.max())}, but Annotations.txt has the rows 0 to {len(rows) - 1}")
        lists.twice([str(i) for i in order], name)
        parts[part] = ([key(int(i), rows[i]) for i in order], [rows[i].label for i in order])
    md5, known = lists.checked(paths, KNOWN)
    return [Split("official", parts, "h5", lists=md5, known=known)], {}


DATASET = Dataset(
    id="ave-localisation",
    module=__name__,
    arrays=ARRAYS,
    preparations=PREPARATIONS,
    classes={"h5": CLASSES},
    groups="video",
    find=find,
    make=make,
    splits=splits,
    imitate=ave_localisation_imitation.imitate,
    defects=ave_localisation_imitation.DEFECTS,
    expected=Expected(rows=4143, counts={"official": COUNTS}, evidence="rows of the order files, in Annotations.txt [V]"),
    layout="audio_feature.h5, visual_feature.h5, labels.h5, {train,val,test}_order.h5 and Annotations.txt",
    extras={"labels": "labels", "events": "events"},
    speed=150.0,
)
