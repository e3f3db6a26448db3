"""NYUv2: 1,449 pictures of rooms in colour and depth, a class per pixel. Facts: [V] opened and counted, [D] documented.

    nyu_depth_v2_labeled.mat     MATLAB v7.3 [D]; h5py sees the axes reversed: images (1449, 3, 640, 480) uint8, labels (1449, 640, 480)
                                 uint16 0 to 894, depths (1449, 640, 480) float32 metres, scenes: references to characters
    splits.mat classMapping40.mat class13Mapping.mat      MATLAB v5, beside it or in --lists [V]

and two ready copies: MTAN's `{train,val}/{image,label,depth}/0.npy` (288x384, 13 classes, -1 where there is none [D]) and the PNG
toolkit's `{image,seg40,seg13,depth}/{train,test}/00001.png` (depth in mm, 255 where there is no class [V]).

All is stored at 256x256, the size of the one paper that uses it: colour and depth bilinear with antialias, labels by the nearest
pixel. Depth is divided by 10 m and cut to 0..1 (ours: nothing is published); 255 stays void and is never a class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datasets_prep import folders, lists, matlab, nyuv2_imitation, nyuv2_splits
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.media import Unreadable
from datasets_prep.nyuv2_splits import CLASSES, EXPECTED, NAMES, VOID
from mmbench.errors import UserError

SIDE, HEIGHT, WIDTH = 256, 480, 640
METRES = 10.0  # the farthest that the camera sees
FILE = "nyu_depth_v2_labeled.mat"
PARTS = {"train": "train", "val": "test", "test": "test"}  # folders of the ready copies

ARRAYS = {
    "color": Array((SIDE, SIDE, 3), "uint8", "frames", "colour, bilinear with antialias", settings={"content": "rgb"}),
    "depth": Array((1, SIDE, SIDE), "float32", "values", "depth, bilinear with antialias, in tens of metres, cut to 0..1"),
    "labels-40": Array((SIDE, SIDE), "uint8", "values", "a class of 40 per pixel, the nearest, 255 for none"),
    "labels-13": Array((SIDE, SIDE), "uint8", "values", "a class of 13 per pixel, the nearest, 255 for none"),
}
LABELS = {"labels-40": 40, "labels-13": 13}


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """The pictures of the labelled file, or of a ready copy; UserError for what is neither."""
    root = sources.folders[""]
    if file := lists.find(FILE, [root]):
        return _labelled(file, sources)
    train, image = folders.inside(root, "train"), folders.inside(root, "image")
    if train and (train / "image").is_dir():
        return _mtan(train.parent)
    if image and (image / "train").is_dir():
        return _png(image.parent)
    if folders.inside(root, "train_images"):
        raise UserError(f"{root}: is MaskSup's copy, which has no depth: prepare {FILE} or the PNG toolkit's copy")
    there = sorted(entry.name for entry in root.iterdir() if not entry.name.startswith("."))
    raise UserError(f"{root}: no {FILE} in it; expected {DATASET.layout}; there is: {lists.few(there, 6) or 'nothing'}")


def _labelled(file: Path, sources: Sources) -> Found:
    """Nothing but shapes and names of scenes is read here."""
    count = _arrays(file)["images"].shape[0]
    scenes = matlab.words(file, "scenes") or [f"{i:04}" for i in range(1, count + 1)]
    if len(scenes) != count:
        raise UserError(f"{file}: 'scenes' names {len(scenes):,} pictures, 'images' has {count:,}: they do not belong together")
    maps = nyuv2_splits.maps(sources)
    absent = {name: why for name, classes in LABELS.items() if (why := nyuv2_splits.lacking(classes, maps))}
    for name, classes in LABELS.items():
        if name not in absent:
            nyuv2_splits.mapping(classes, maps)  # a broken map is told now, not once per picture
    files = {"data": str(file)} | {name: str(path) for name, path in maps.items()}
    items = [Item(f"{i + 1:04}", scene, files, {"copy": "labelled", "row": i, "shared": True}) for i, scene in enumerate(scenes)]
    return Found(items, absent=absent, settings=_from("labelled"))


def _arrays(file: str | Path) -> dict[str, Any]:
    images = matlab.array(file, "images", (None, 3, WIDTH, HEIGHT), "u1")
    shape = (images.shape[0], WIDTH, HEIGHT)
    return {"images": images, "labels": matlab.array(file, "labels", shape, "u2"), "depths": matlab.array(file, "depths", shape, "f4")}


def _mtan(root: Path) -> Found:
    found = _ready(root, "mtan", lambda part, what: root / part / what, {"color": "image", "depth": "depth", "labels-13": "label"}, "npy")
    return Found(found, absent={"labels-40": "MTAN's copy has 13 classes alone"}, settings=_from("mtan"))


def _png(root: Path) -> Found:
    names = {"color": "image", "depth": "depth", "labels-40": "seg40", "labels-13": "seg13"}
    absent = {name: f"there is no folder '{folder}' in {root}" for name, folder in names.items() if not (root / folder).is_dir()}
    names = {name: folder for name, folder in names.items() if name not in absent}
    return Found(_ready(root, "png", lambda part, what: root / what / part, names, "png"), absent=absent, settings=_from("png"))


def _ready(root: Path, copy: str, folder: Callable[[str, str], Path], names: Mapping[str, str], suffix: str) -> list[Item]:
    """One item per name that any of the folders has, by part."""
    items = []
    for part in (name for name in PARTS if folder(name, "image").is_dir()):
        there: dict[str, dict[str, Path]] = {}
        for array, what in names.items():
            place = folder(part, what)
            there[array] = folders.files(place, rf"\d+\.{suffix}")[0] if place.is_dir() else {}
        for number in sorted({n for of in there.values() for n in of}, key=int):
            files = {a: str(of.get(number, folder(part, names[a]) / f"{number}.{suffix}")) for a, of in there.items()}
            items.append(Item(f"{PARTS[part]}-{int(number):04}", f"{PARTS[part]}-{int(number):04}", files, {"copy": copy}))
    return sorted(items, key=lambda item: item.key)


def _from(copy: str) -> dict[str, dict[str, str]]:
    return {name: {"copy": copy} for name in ARRAYS}


def make(item: Item, wanted: Sequence[str]) -> Made:
    """One picture: everything at 256x256."""
    read = {"labelled": _row, "mtan": _numpy, "png": _pngs}[item.facts["copy"]]
    made = read(item, wanted)
    shapes = {value.shape[:2] for value in made.values()}
    if len(shapes) > 1:
        raise Unreadable(f"colour, depth and labels are of different sizes: {sorted(shapes)}")
    return Made({name: _stored(name, value) for name, value in made.items()})


def _stored(name: str, value: np.ndarray) -> np.ndarray:
    """H x W (x 3) in colours, metres or classes -> the row."""
    if name == "depth":
        if not np.isfinite(value).all():
            raise Unreadable("its depth holds values that are no numbers")
        found = Image.fromarray(value.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(found, np.float32) / METRES, 0, 1)[None]
    if name in LABELS:
        strange = np.unique(value[(value >= LABELS[name]) & (value != VOID)])
        if len(strange):
            raise Unreadable(f"its labels hold {strange[0]}, expected 0 to {LABELS[name] - 1}, or {VOID} for none")
        return np.asarray(Image.fromarray(value).resize((SIDE, SIDE), Image.Resampling.NEAREST))
    return np.asarray(Image.fromarray(value).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def _row(item: Item, wanted: Sequence[str]) -> dict[str, np.ndarray]:
    """One row of each array of the labelled file, axes put right; the rest of its 2.8 GB is not touched."""
    arrays, row = _arrays(item.files["data"]), item.facts["row"]
    try:
        found: dict[str, np.ndarray] = {}
        if "color" in wanted:
            found["color"] = np.ascontiguousarray(arrays["images"][row].transpose(2, 1, 0))
        if "depth" in wanted:
            found["depth"] = np.ascontiguousarray(arrays["depths"][row].T)
        labels = np.ascontiguousarray(arrays["labels"][row].T) if set(LABELS) & set(wanted) else None
    except OSError:
        raise Unreadable(f"{FILE}: picture {item.key} cannot be read") from None
    if labels is not None:
        if labels.max() > NAMES:
            raise Unreadable(f"{FILE}: picture {item.key} has label {labels.max()}, expected 0 to {NAMES}")
        found |= {name: nyuv2_splits.mapping(LABELS[name], item.files)[labels] for name in LABELS if name in wanted}
    return found


def _numpy(item: Item, wanted: Sequence[str]) -> dict[str, np.ndarray]:
    """MTAN's arrays: colours 0..1, depth H x W x 1, labels -1 to 12 as floats."""
    found = {}
    for name in wanted:
        value = _npy(Path(item.files[name]))
        shape = value.shape[:-1] if name == "depth" and value.ndim == 3 and value.shape[2] == 1 else value.shape
        if value.dtype.kind != "f" or len(shape) != (3 if name == "color" else 2) or (name == "color" and shape[2] != 3):
            raise Unreadable(f"{_short(item, name)}: is {value.dtype} {value.shape}, expected floats H x W{' x 3' * (name == 'color')}")
        if name == "color":
            if not (value.min() >= 0 and value.max() <= 1):
                raise Unreadable(f"{_short(item, name)}: its colours are not within 0..1")
            found[name] = np.round(value * 255).astype(np.uint8)
        elif name == "depth":
            found[name] = value.reshape(shape)
        else:
            whole = np.round(value)
            if not np.array_equal(whole, value) or value.min() < -1 or value.max() > 254:
                raise Unreadable(f"{_short(item, name)}: its labels are not the whole numbers -1 to 12")
            found[name] = np.where(whole < 0, VOID, whole).astype(np.uint8)
    return found


def _npy(path: Path) -> np.ndarray:
    content = _content(path)
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise Unreadable(f"{path.parent.name}/{path.name}: is no whole numpy file ({len(content):,} bytes)") from None


def _content(path: Path) -> bytes:
    if not path.exists():
        raise Unreadable(f"{path.parent.name}/{path.name}: is not there")
    with path.open("rb") as handle:
        if why := lists.strange(handle.read(1024)):
            raise Unreadable(f"{path.parent.name}/{path.name}: {why}")
    return path.read_bytes()


def _short(item: Item, name: str) -> str:
    path = Path(item.files[name])
    return f"{path.parent.name}/{path.name}"


def _pngs(item: Item, wanted: Sequence[str]) -> dict[str, np.ndarray]:
    """The PNG toolkit's pictures: RGB, 16-bit millimetres, 8-bit classes."""
    found = {}
    for name in wanted:
        path = Path(item.files[name])
        _content(path)
        try:
            with Image.open(path) as picture:
                mode, value = picture.mode, np.asarray(picture)
        except (OSError, ValueError, SyntaxError):
            raise Unreadable(f"{_short(item, name)}: is no whole picture") from None
        expected = {"color": ("RGB",), "depth": ("I;16", "I")}.get(name, ("L", "P"))
        if mode not in expected:
            raise Unreadable(f"{_short(item, name)}: is of mode {mode}, expected {' or '.join(expected)}")
        found[name] = value / np.float32(1000) if name == "depth" else value
    return found


DATASET = Dataset(
    id="nyuv2",
    module=__name__,
    arrays=ARRAYS,
    preparations={f"classes-{n}": {"color": "color", "depth": "depth"} for n in (40, 13)},
    classes=CLASSES,
    groups="scene",
    find=find,
    make=make,
    splits=nyuv2_splits.splits,
    imitate=nyuv2_imitation.imitate,
    defects=nyuv2_imitation.DEFECTS,
    expected=EXPECTED,
    layout=f"{FILE} with splits.mat, classMapping40.mat and class13Mapping.mat",
    extras={"labels": {f"classes-{n}": f"labels-{n}" for n in (40, 13)}},
    speed=30.0,
    memory=450,
)
