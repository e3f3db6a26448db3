"""A tiny MNIST and a tiny SVHN, some pictures of each digit, in the true layouts and formats."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io

from datasets_prep import imitation
from datasets_prep.digits_files import IMAGES, LABELS, NAMES

DEFECTS = {
    "lfs-pointer": imitation.GENERAL["lfs-pointer"],
    "error-page": imitation.GENERAL["error-page"],
    "zero-bytes": imitation.GENERAL["zero-bytes"],
    "dot-underscore": imitation.GENERAL["dot-underscore"],
    "cut-short": "SVHN's training file ends in its middle",
    "cut-short-gz": "MNIST's training pictures end in their middle",
    "missing-file": "SVHN's test file is not there",
    "unpacked": "MNIST's files without gzip",
    "zero-label": "SVHN with 0 for the digit 0, as converted copies have it",
    "axes": "SVHN's pictures as n x 32 x 32 x 3",
    "float": "SVHN's pictures as float64 in 0..1",
    "fewer-labels": "SVHN's file with a label less than pictures",
    "little-endian": "MNIST's header in the wrong order of bytes",
    "other-part": "MNIST's test labels in the place of the training labels",
    "no-nine": "an SVHN without a picture of a nine",
}


def count(kind: str, part: str, digit: int) -> int:
    """Pictures of a digit: sometimes one set has more, sometimes the other."""
    return {"mnist": 3 + digit % 3, "svhn": 4 + digit % 2 * 2}[kind] + (part == "train")


def picture(kind: str, part: str, digit: int, number: int) -> np.ndarray:
    """28 x 28, or 32 x 32 x 3: a bright square whose place tells the digit, in a corner so that a turned axis shows; the first pixel
    is its number."""
    found = np.full((28, 28) if kind == "mnist" else (32, 32, 3), 20, np.uint8)
    found[4 : 8 + digit, 2:6] = 200
    found[0, 0] = number
    return found


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/MNIST/raw and `folder`/SVHN, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    for part in NAMES:
        _mnist(folder / "MNIST/raw", part, defects)
        _svhn(folder / "SVHN", part, defects)
    for defect in defects:
        _break(folder, defect)


def _pictures(kind: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """All pictures, shuffled, and their digits."""
    all_of = [(digit, n) for digit in range(10) for n in range(count(kind, part, digit))]
    order = imitation.stream(kind, part).permutation(len(all_of))
    numbers = {digit: iter(range(99)) for digit in range(10)}
    digits = np.array([all_of[i][0] for i in order])
    return np.stack([picture(kind, part, d, next(numbers[d])) for d in digits.tolist()]), digits


def _mnist(root: Path, part: str, defects: Sequence[str]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    pictures, digits = _pictures("mnist", part)
    if "other-part" in defects and part == "train":
        digits = _pictures("mnist", "test")[1]
    kind = "<u4" if "little-endian" in defects else ">u4"
    for what, magic, values in (("mnist", IMAGES, pictures), ("mnist-labels", LABELS, digits)):
        content = np.array([magic, *values.shape], kind).tobytes() + values.astype(np.uint8).tobytes()
        name = NAMES[part][what]
        if "unpacked" in defects:
            (root / name).write_bytes(content)
        else:
            (root / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))


def _svhn(root: Path, part: str, defects: Sequence[str]) -> None:
    root.mkdir(exist_ok=True)
    pictures, digits = _pictures("svhn", part)
    if "no-nine" in defects:
        pictures, digits = pictures[digits != 9], digits[digits != 9]
    labels = digits if "zero-label" in defects else np.where(digits == 0, 10, digits)
    x = pictures if "axes" in defects else pictures.transpose(1, 2, 3, 0)
    x = x / 255 if "float" in defects else x
    y = labels.astype(np.uint8)[: -1 if "fewer-labels" in defects else None, None]
    scipy.io.savemat(root / NAMES[part]["svhn"], {"X": x, "y": y}, do_compression=True)


def _break(folder: Path, defect: str) -> None:
    svhn, mnist = folder / "SVHN/train_32x32.mat", folder / "MNIST/raw/train-images-idx3-ubyte.gz"
    if defect in ("cut-short", "cut-short-gz"):
        path = svhn if defect == "cut-short" else mnist
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif defect == "missing-file":
        (folder / "SVHN/test_32x32.mat").unlink()
    elif defect in imitation.BREAK:
        imitation.damage(mnist if defect == "error-page" else svhn, defect)
