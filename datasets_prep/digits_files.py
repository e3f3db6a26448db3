"""MNIST's idx files, packed or not, and SVHN's cropped pictures in MATLAB v5: read whole, once per process."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy.io

from datasets_prep import lists, matlab
from datasets_prep.dataset import Sources
from mmbench.errors import UserError

IMAGES, LABELS = 2051, 2049  # the first four bytes, big-endian
NAMES = {
    "train": {"mnist": "train-images-idx3-ubyte", "mnist-labels": "train-labels-idx1-ubyte", "svhn": "train_32x32.mat"},
    "test": {"mnist": "t10k-images-idx3-ubyte", "mnist-labels": "t10k-labels-idx1-ubyte", "svhn": "test_32x32.mat"},
}
LAYOUT = "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz and SVHN/{train,test}_32x32.mat"


def paths(part: str, sources: Sources) -> dict[str, Path]:
    """The three files of a part; UserError for one that is not there."""
    found = {}
    for what, name in NAMES[part].items():
        root = sources.folders[what.partition("-")[0]]
        names = (name,) if what == "svhn" else (f"{name}.gz", name, name.replace("-idx", ".idx"))
        path = next((path for n in names if (path := lists.find(n, [root]))), None)
        if path is None:
            raise UserError(f"{root}: no {names[0]} in it; expected {LAYOUT}")
        found[what] = path
    return found


def labels(path: Path) -> np.ndarray:
    """The digit of each picture, 0 to 9, int64; SVHN's 10 is the digit 0."""
    if path.suffix != ".mat":
        found = idx(path, LABELS).astype(np.int64)
    else:
        given = matlab.needed(path, matlab.load(path, ["y"]), {"y": (None, 1)})["y"].ravel()
        if not len(given) or given.min() < 1 or given.max() > 10 or not np.array_equal(given, given.astype(np.uint8)):
            raise UserError(f"{path}: y holds {given.dtype} from {min(given)} to {max(given)}, expected 1 to 10 (10 is the digit 0)")
        found = given.astype(np.int64) % 10
    if len(found) and found.max() > 9:
        raise UserError(f"{path}: holds label {found.max()}, expected 0 to 9")
    return found


def check(files: dict[str, Path]) -> None:
    """UserError for files of other shapes than the published ones, or that do not belong together; pictures are not read."""
    path = files["svhn"]
    matlab.whole(path)
    try:
        known = {name: (shape, dtype) for name, shape, dtype in scipy.io.whosmat(path)}
    except Exception as error:  # whatever SciPy's reader raises for damaged bytes
        raise UserError(f"{path}: is no whole MATLAB file ({str(error)[:80]}): download it again") from None
    shape, dtype = known.get("X", ((), "none"))
    matlab.check(path, "X", shape, (32, 32, 3, None))
    if dtype != "uint8":
        raise UserError(f"{path}: 'X' holds {dtype}, expected uint8")
    if shape[3] != len(labels(path)):
        raise UserError(f"{path}: X has {shape[3]:,} pictures, y {len(labels(path)):,} labels: they do not belong together")
    count, given = len(idx(files["mnist"], IMAGES)), len(labels(files["mnist-labels"]))
    if count != given:
        raise UserError(
            f"{files['mnist']}: has {count:,} pictures, {files['mnist-labels'].name} {given:,} labels: they do not belong together"
        )


def idx(path: Path, magic: int) -> np.ndarray:
    """n x 28 x 28 pictures or n labels, uint8."""
    return _idx(path, path.stat().st_mtime_ns, magic)


@lru_cache(4)
def _idx(path: Path, stamp: int, magic: int) -> np.ndarray:
    with path.open("rb") as handle:
        head = handle.read(1024)
    if why := lists.strange(head):
        raise UserError(f"{path}: {why}")
    try:
        content = gzip.decompress(path.read_bytes()) if head[:2] == b"\x1f\x8b" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: is no whole gzip file ({error}): download it again") from None
    axes = 3 if magic == IMAGES else 1
    start = 4 * (axes + 1)
    numbers = np.frombuffer(content[:start], ">u4").tolist() if len(content) >= start else []
    if numbers[:1] != [magic]:
        raise UserError(f"{path}: begins with {numbers[:1] or 'nothing'}, expected {magic} (idx, big-endian)")
    shape = tuple(numbers[1:])
    if shape[1:] != (28, 28)[: axes - 1] or len(content) != 4 * (axes + 1) + int(np.prod(shape)):
        raise UserError(
            f"{path}: states {' x '.join(map(str, shape))} and holds {len(content) - 4 * (axes + 1):,} bytes; expected n"
            + " x 28" * (axes - 1)
        )
    return np.frombuffer(content, np.uint8, offset=4 * (axes + 1)).reshape(shape)


def svhn(path: Path) -> np.ndarray:
    """n x 32 x 32 x 3 uint8: a view with the pictures' number, which MATLAB has last, first."""
    return _svhn(path, path.stat().st_mtime_ns)


@lru_cache(1)
def _svhn(path: Path, stamp: int) -> np.ndarray:
    return matlab.needed(path, matlab.load(path, ["X"]), {"X": (32, 32, 3, None)})["X"].transpose(3, 0, 1, 2)
