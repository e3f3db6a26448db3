"""A tiny PennAction: fifteen clips and a few more, of all actions, in the true layout and formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io

from datasets_prep import imitation
from datasets_prep.pennaction_splits import ACTIONS, JOINTS

WIDTH, HEIGHT = 48, 36
LONG = ("0003", 130)  # a clip of more steps than are kept

DEFECTS = {
    **{name: says for name, says in imitation.GENERAL.items() if name != "cut-short"},
    "cut-short": "an annotation ends in its middle",
    "cut-picture": "a picture ends in its middle",
    "no-pictures": "a clip's folder is empty",
    "missing-label": "a clip without its annotation",
    "nframes": "an annotation that states more frames than there are pictures",
    "unsigned": "joints as whole numbers without a sign",
    "zero-test": "0 in place of -1 for the test part",
    "joints-14": "an annotation of fourteen joints",
    "bowling": "an action by another name",
    "other-size": "pictures of another size than stated",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/Penn_Action with pictures and annotations, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    root = folder / "Penn_Action"
    (root / "labels").mkdir(parents=True)
    (root / "README").write_text("Penn Action\n")
    for number in range(1, 19):
        key = f"{number:04}"
        _pictures(root / "frames" / key, key, length(key), (WIDTH, HEIGHT))
        _annotation(root / "labels" / f"{key}.mat", key, defects)
    for defect in defects:
        _break(root, defect)


def length(key: str) -> int:
    return LONG[1] if key == LONG[0] else 4 + int(key) * 2


def action(key: str) -> str:
    """All fifteen, the first three twice."""
    return list(ACTIONS)[(int(key) - 1) % len(ACTIONS)]


def is_train(key: str) -> bool:
    return int(key) % 3 != 0


def joints(key: str) -> tuple[np.ndarray, np.ndarray]:
    """x and y, T x 13, in pixels: joint 4 cannot be seen, joint 5 leaves the picture."""
    t, joint = np.mgrid[: length(key), :JOINTS]
    x, y = 5.0 + 2 * joint + t / 10 + int(key), 3.0 + joint + t / 20
    x[:, 4] = y[:, 4] = 0
    x[:, 5] = WIDTH + 7
    return x, y


def _pictures(folder: Path, key: str, count: int, size: tuple[int, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frames = imitation.pictures(key, list(ACTIONS).index(action(key)), count, *size)
    for i, frame in enumerate(frames, 1):
        imitation.jpg(folder / f"{i:06}.jpg", frame)


def _annotation(path: Path, key: str, defects: Sequence[str]) -> None:
    x, y = joints(key)
    if key == "0002" and "joints-14" in defects:
        x, y = (np.concatenate([v, v[:, :1]], 1) for v in (x, y))
    if "unsigned" in defects:
        x, y = x.astype(np.uint16), y.astype(np.uint16)
    frames = length(key) + (3 if key == "0002" and "nframes" in defects else 0)
    scipy.io.savemat(path, {
        "action": "bowling" if key == "0002" and "bowling" in defects else action(key), "pose": "front", "x": x, "y": y,
        "visibility": (x > 0).astype(np.float64), "train": 1 if is_train(key) else 0 if "zero-test" in defects else -1,
        "bbox": np.ones((length(key), 4)), "dimensions": np.array([[HEIGHT, WIDTH, frames]]), "nframes": frames,
    })  # fmt: skip


def _break(root: Path, defect: str) -> None:
    picture, label = root / "frames/0002/000001.jpg", root / "labels/0002.mat"
    if defect in ("lfs-pointers", "all-missing"):
        for path in root.glob("labels/*.mat"):
            if defect == "lfs-pointers":
                imitation.pointer(path)
            else:
                path.unlink()
        if defect == "all-missing":
            (root / "labels").rmdir()
    elif defect == "cut-short":
        label.write_bytes(label.read_bytes()[: label.stat().st_size // 2])
    elif defect == "cut-picture":
        picture.write_bytes(picture.read_bytes()[: picture.stat().st_size // 2])
    elif defect in ("no-pictures", "missing-clip"):
        for path in picture.parent.iterdir():
            path.unlink()
        if defect == "missing-clip":
            picture.parent.rmdir()
    elif defect == "missing-label":
        label.unlink()
    elif defect == "other-size":
        _pictures(picture.parent, "0002", length("0002"), (WIDTH + 8, HEIGHT))
    elif defect in imitation.BREAK:
        imitation.damage(label if defect == "lfs-pointer" else picture, defect)
