"""NYUv2's classes and split, from the user's own splits.mat, classMapping40.mat and class13Mapping.mat. All counts and names [V].

splits.mat names pictures from 1. A label of the main file is one of 894 names, 0 where nobody labelled; here 255 is void.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep import lists, matlab, rules
from datasets_prep.dataset import Expected, Found, Sources, Split
from mmbench.errors import UserError

FORTY = (
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture", "counter", "blinds", "desk",
    "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes", "ceiling", "books", "refridgerator", "television", "paper",
    "towel", "shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink", "lamp", "bathtub", "bag", "otherstructure",
    "otherfurniture", "otherprop",
)  # fmt: skip
THIRTEEN = (
    "bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "picture", "sofa", "table", "tv", "wall", "window",
)  # fmt: skip
CLASSES = {"classes-40": FORTY, "classes-13": THIRTEEN, "rooms": ("room",)}  # a picture as a whole has no class
VOID, NAMES = 255, 894
KNOWN = {
    "splits.mat": "08e3c3aea27130ac7c01ffd739a4535f",
    "classMapping40.mat": "e377c88729dd63af81205ac9a8634a19",
    "class13Mapping.mat": "d62deeb2e5bc7aad038724cb95d36314",
}
WHERE = {
    "splits.mat": "splits.mat from horatio.cs.nyu.edu/mit/silberman/nyu_depth_v2",
    "classMapping40.mat": "classMapping40.mat from github.com/ankurhanda/nyuv2-meta-data",
    "class13Mapping.mat": "class13Mapping.mat from github.com/ankurhanda/nyuv2-meta-data",
}
COUNTS = {"train": {"room": 795}, "test": {"room": 654}}
EXPECTED = Expected(rows=1449, counts={"official": COUNTS}, evidence="counted in splits.mat [V]; paper 004's 655 cannot be")


def maps(sources: Sources) -> dict[str, Path]:
    """The class maps that are there."""
    found = {name: lists.find(name, [sources.lists, *sources.folders.values()]) for name in ("classMapping40.mat", "class13Mapping.mat")}
    return {name: path for name, path in found.items() if path}


def lacking(classes: int, found: Mapping[str, Path]) -> str:
    """Why labels in so many classes cannot be made, "" if they can."""
    needed = ["classMapping40.mat"] + (["class13Mapping.mat"] if classes == 13 else [])
    missing = [name for name in needed if name not in found]
    return f"needs {WHERE[missing[0]]}: put it beside the data, or name its folder with --lists" if missing else ""


def mapping(classes: int, found: Mapping[str, str | Path]) -> np.ndarray:
    """What each of the 895 labels of the main file becomes: 0 to `classes` - 1, or VOID; uint8."""
    forty = _forty(*_stamped(Path(found["classMapping40.mat"])))
    if classes == 13:
        forty = _thirteen(*_stamped(Path(found["class13Mapping.mat"])))[forty - 1]
    return np.array([VOID, *(forty - 1)], np.uint8)


def _stamped(path: Path) -> tuple[Path, int]:
    return path, path.stat().st_mtime_ns


@cache
def _forty(found: Path, stamp: int) -> np.ndarray:
    """894 numbers, 1 to 40."""
    content = matlab.load(found)
    matlab.needed(found, content, {"mapClass": (1, NAMES), "className": (1, 40)})
    _named(found, [str(name[0]) for name in content["className"].ravel()], FORTY)
    return _within(found, "mapClass", content["mapClass"].ravel(), 40).astype(np.int64)


@cache
def _thirteen(found: Path, stamp: int) -> np.ndarray:
    """40 numbers, 1 to 13."""
    content = matlab.load(found)
    try:
        given = content["classMapping13"][0, 0]
        names, numbers = [str(name[0]) for name in given["classNames"].ravel()], np.asarray(given["labels13"]).ravel()
    except (KeyError, IndexError, TypeError, ValueError):
        raise UserError(f"{found}: has no classMapping13 with labels13 and classNames") from None
    _named(found, names, THIRTEEN)
    if numbers.shape != (40,):
        raise UserError(f"{found}: labels13 holds {numbers.size} numbers, expected 40")
    return _within(found, "labels13", numbers, 13).astype(np.int64)


def _named(found: Path, names: Sequence[str], expected: Sequence[str]) -> None:
    if tuple(names) != tuple(expected):
        off = next((f"{a} for {b}" for a, b in zip(names, expected, strict=False) if a != b), f"{len(names)} for {len(expected)} of them")
        raise UserError(f"{found}: other class names than the known ones ({off}): numbers would mean something else")


def _within(found: Path, name: str, numbers: np.ndarray, most: int) -> np.ndarray:
    if numbers.dtype.kind not in "iu" or numbers.min() < 1 or numbers.max() > most:
        raise UserError(f"{found}: {name} is {numbers.dtype} from {numbers.min()} to {numbers.max()}, expected whole numbers 1 to {most}")
    return numbers


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`official`: by splits.mat, or by the folders of the ready copies; without either a rule by scene."""
    keys = [item.key for item in found.items]
    folders = {"train": [k for k in keys if k.startswith("train-")], "test": [k for k in keys if k.startswith("test-")]}
    if all(folders.values()):
        return [Split("official", {part: (mine, _rooms(mine)) for part, mine in folders.items()}, "rooms")], {}
    by_scene = rules.by_group("scene-hash", keys, _rooms(keys), [i.group for i in found.items], "scene", "rooms")
    where = lists.find("splits.mat", [sources.lists, *sources.folders.values()])
    if where is None:
        return [by_scene], {"official": f"needs {WHERE['splits.mat']}: put it beside the data, or name its folder with --lists"}
    parts = {part: _numbers(where, variable) for part, variable in (("train", "trainNdxs"), ("test", "testNdxs"))}
    both = sorted(set(parts["train"]) & set(parts["test"]))
    if both:
        raise UserError(f"{where}: {lists.few(both)} stand in both parts")
    md5, known = lists.checked({"splits.mat": where}, KNOWN)
    return [Split("official", {p: (mine, _rooms(mine)) for p, mine in parts.items()}, "rooms", lists=md5, known=known), by_scene], {}


def _numbers(where: Path, variable: str) -> list[str]:
    """The keys that a list of numbers, counted from 1, stands for."""
    numbers: Any = matlab.needed(where, matlab.load(where), {variable: (None, 1)})[variable].ravel()
    if numbers.dtype.kind not in "iu" or not len(numbers) or numbers.min() < 1:
        raise UserError(f"{where}: {variable} is {numbers.dtype}, from {min(numbers, default='nothing')}: expected whole numbers from 1")
    keys = [f"{n:04}" for n in numbers.tolist()]
    lists.twice(keys, f"{where}: {variable}")
    return keys


def _rooms(keys: Sequence[str]) -> list[str]:
    return ["room"] * len(keys)
