"""PennAction's annotations, classes and split: everything stands in the MATLAB file of each clip. All numbers [D]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep import matlab
from datasets_prep.dataset import Expected, Found, Sources, Split
from datasets_prep.media import Unreadable
from mmbench.errors import UserError

# Clips of each action; in the order of plain ASCII, where `_` comes before letters: jump_rope, then jumping_jacks.
ACTIONS = {
    "baseball_pitch": 167, "baseball_swing": 173, "bench_press": 140, "bowl": 220, "clean_and_jerk": 88, "golf_swing": 166,
    "jump_rope": 82, "jumping_jacks": 112, "pullup": 199, "pushup": 211, "situp": 100, "squat": 231, "strum_guitar": 94,
    "tennis_forehand": 157, "tennis_serve": 186,
}  # fmt: skip
CLASSES = {"ascii": tuple(ACTIONS)}
JOINTS = 13  # head, then left and right of shoulder, elbow, wrist, hip, knee, ankle
EXPECTED = Expected(
    rows=2326,
    totals={"official": {"train": 1258, "test": 1068}},
    evidence="clips of each action, and of the test part, by others' pages [D]; training clips are the rest",
)


@dataclass(frozen=True)
class Clip:
    """One annotation. joints: T x 13 x 2 float32, x and y in pixels as in the file (0 for what cannot be seen, beyond the picture at
    times); train: is it of the training part; frames: as stated; size: height and width as stated."""

    action: str
    train: bool
    joints: np.ndarray
    frames: int
    size: tuple[int, int]


def clip(path: str | Path) -> Clip:
    """The annotation of a clip; Unreadable for a file that is missing, broken or of other shapes."""
    path = Path(path)
    if not path.exists():
        raise Unreadable("is not there")
    try:
        return _clip(path, path.stat().st_mtime_ns)
    except UserError as error:
        raise Unreadable(str(error).removeprefix(f"{path}: ")) from None


@lru_cache(4096)
def _clip(path: Path, stamp: int) -> Clip:
    content: Any = matlab.needed(path, matlab.load(path), {"x": (None, JOINTS), "y": (None, JOINTS), "train": (1, 1)})
    x, y = content["x"], content["y"]
    if x.shape != y.shape or not len(x) or x.dtype.kind not in "iuf" or y.dtype.kind not in "iuf":
        raise UserError(f"{path}: x is {x.dtype} {x.shape}, y {y.dtype} {y.shape}: expected numbers, T x {JOINTS} both")
    action = str(np.asarray(content.get("action", [""])).ravel()[0])
    if action not in ACTIONS:
        raise UserError(f"{path}: action is '{action}', none of the {len(ACTIONS)} known ones")
    size = np.asarray(content.get("dimensions", [])).ravel()
    stated = np.asarray(content.get("nframes", [len(x)])).ravel()
    joints = np.stack([x, y], 2).astype(np.float32)  # whole numbers without a sign in some copies
    if not np.isfinite(joints).all():
        raise UserError(f"{path}: x or y hold values that are no numbers")
    height, width = (int(size[0]), int(size[1])) if len(size) >= 2 else (0, 0)
    return Clip(action, int(content["train"][0, 0]) == 1, joints, int(stated[0]), (height, width))


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`official`: the field `train` is 1 for training; -1, in some copies 0, for the test. What cannot be read is in neither."""
    parts: dict[str, tuple[list[str], list[str]]] = {"train": ([], []), "test": ([], [])}
    for item in found.items:
        try:
            given = clip(item.files["labels"])
        except Unreadable:
            continue
        keys, labels = parts["train" if given.train else "test"]
        keys.append(item.key)
        labels.append(given.action)
    return [Split("official", parts, "ascii")], {}


def steps(count: int, most: int) -> Sequence[int]:
    """All of `count` steps, or the centres of `most` equal parts of them."""
    return range(count) if count <= most else [(2 * i + 1) * count // (2 * most) for i in range(most)]
