"""A tiny NYUv2: six pictures of three scenes in the labelled file's true layout, with its lists; or one of the two ready copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from PIL import Image

from datasets_prep import imitation
from datasets_prep.nyuv2_splits import FORTY, NAMES, THIRTEEN, VOID

COUNT, HEIGHT, WIDTH = 6, 480, 640
TRAIN = (1, 2, 5, 6)  # counted from 1, as in splits.mat
SCENES = ("kitchen_0004", "kitchen_0004", "office_0001", "office_0001", "bedroom_0010", "bedroom_0010")
HEAD = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: imitation HDF5 schema 1.00 ."

DEFECTS = {
    "lfs-pointer": imitation.GENERAL["lfs-pointer"],
    "error-page": imitation.GENERAL["error-page"],
    "zero-bytes": imitation.GENERAL["zero-bytes"],
    "dot-underscore": imitation.GENERAL["dot-underscore"],
    "cut-short": "the labelled file ends in its middle",
    "mtan": "MTAN's copy (.npy) in place of the labelled file",
    "png": "the PNG toolkit's copy in place of the labelled file",
    "masksup": "MaskSup's copy, which has no depth, in place of the labelled file",
    "missing-depth": "a ready copy (MTAN's) lacks the depth of a picture",
    "axes": "images as height x width x 3, as other programs save them",
    "depth-double": "depths as float64",
    "fewer-labels": "labels of another number of pictures",
    "no-depths": "the labelled file without its depths",
    "label-895": "a picture with a label beyond the 894 names",
    "zero-based": "splits.mat counts from 0",
    "both-parts": "splits.mat names a picture in both parts",
    "no-splits": "without splits.mat",
    "no-maps": "without the class maps",
    "no-map-13": "without class13Mapping.mat",
    "other-names": "classMapping40.mat with other class names",
    "map-range": "classMapping40.mat with a class beyond 40",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/nyuv2 with everything in it, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    root = folder / "nyuv2"
    root.mkdir()
    copies: dict[str, Callable[[Path, Sequence[str]], None]] = {"mtan": _mtan, "png": _png, "masksup": _masksup, "missing-depth": _mtan}
    write = next((copies[defect] for defect in defects if defect in copies), None)
    if write is not None:
        write(root, defects)
    else:
        _labelled(root / "nyu_depth_v2_labeled.mat", defects)
        _lists(root, defects)
        for defect in defects:
            if defect in imitation.BREAK:
                _break(root / "nyu_depth_v2_labeled.mat", defect)


def _break(path: Path, defect: str) -> None:
    if defect == "cut-short":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        imitation.damage(path, defect)


def picture(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour (480 x 640 x 3 uint8), depth (480 x 640 float32, metres), labels (480 x 640 uint16, 0 to 894) of picture `number`, from 1.
    Left and right, top and bottom differ, so that a reversed axis shows."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    labels = ((y // 120) * 4 + x // 160 + number).astype(np.uint16)
    labels[:40, :50] = 0
    labels[400:, 600:] = NAMES
    colour = np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, labels % 256], 2).astype(np.uint8)
    depth = (0.7 + 9 * y / HEIGHT + 0.01 * number).astype(np.float32)
    return colour, depth, labels


def classes(labels: np.ndarray, count: int) -> np.ndarray:
    """What the maps of this imitation make of the 894 labels: 0 to count - 1, 255 for none."""
    return np.array([VOID, *(_forty() - 1 if count == 40 else _thirteen()[_forty() - 1] - 1)], np.uint8)[labels]


def _forty() -> np.ndarray:
    return (np.arange(NAMES) * 7 % 40 + 1).astype(np.uint8)


def _thirteen() -> np.ndarray:
    return (np.arange(40) * 5 % 13 + 1).astype(np.uint8)


def _labelled(path: Path, defects: Sequence[str]) -> None:
    colour, depth, labels = (np.stack(value) for value in zip(*(picture(i + 1) for i in range(COUNT)), strict=True))
    images = colour if "axes" in defects else colour.transpose(0, 3, 2, 1)
    if "label-895" in defects:
        labels[3, 7, 7] = NAMES + 1
    with h5py.File(path, "w", userblock_size=512) as file:
        _array(file, "images", images)
        _array(file, "labels", (labels[:-1] if "fewer-labels" in defects else labels).transpose(0, 2, 1))
        if "no-depths" not in defects:
            depth = depth.astype(np.float64) if "depth-double" in defects else depth
            _array(file, "depths", depth.transpose(0, 2, 1))
        references = [_word(file, i, scene) for i, scene in enumerate(SCENES)]
        file.create_dataset("scenes", data=np.array([references], h5py.ref_dtype))
    with path.open("r+b") as handle:
        handle.write(HEAD.ljust(124) + b"\x00\x02IM")


def _array(file: Any, name: str, values: np.ndarray) -> None:
    file.create_dataset(name, data=values, chunks=True, compression="gzip", compression_opts=1)


def _word(file: Any, number: int, text: str) -> Any:
    return file.create_dataset(f"#refs#/{number}", data=np.array([[ord(c)] for c in text], np.uint16)).ref


def _cells(words: Sequence[str]) -> np.ndarray:
    found = np.empty((1, len(words)), object)
    found[0] = [np.array([word]) for word in words]
    return found


def _lists(root: Path, defects: Sequence[str]) -> None:
    test = [i for i in range(1, COUNT + 1) if i not in TRAIN]
    if "both-parts" in defects:
        test.append(TRAIN[0])
    shift = 1 if "zero-based" in defects else 0
    if "no-splits" not in defects:
        numbers = {name: np.array(of, np.uint16)[:, None] - shift for name, of in (("trainNdxs", TRAIN), ("testNdxs", test))}
        scipy.io.savemat(root / "splits.mat", numbers)
    if "no-maps" in defects:
        return
    names, forty = list(FORTY), _forty()
    if "other-names" in defects:
        names[2], names[3] = names[3], names[2]
    if "map-range" in defects:
        forty[9] = 41
    every = _cells([f"name {i}" for i in range(NAMES)])
    scipy.io.savemat(root / "classMapping40.mat", {"mapClass": forty[None], "className": _cells(names), "allClassName": every})
    if "no-map-13" not in defects:
        given = {"labels13": _thirteen()[None], "classNames": _cells(THIRTEEN)}
        scipy.io.savemat(root / "class13Mapping.mat", {"classMapping13": given})


def _parts() -> dict[str, list[int]]:
    return {"train": list(TRAIN), "val": [i for i in range(1, COUNT + 1) if i not in TRAIN]}


def _mtan(root: Path, defects: Sequence[str]) -> None:
    """288 x 384, numbered from 0 without padding."""
    for part, numbers in _parts().items():
        for i, number in enumerate(numbers):
            colour, depth, labels = (value[:288, :384] for value in picture(number))
            label = classes(labels, 13).astype(np.float32)
            label[label == VOID] = -1
            values = {"image": colour / np.float32(255), "label": label, "depth": depth[..., None], "normal": np.zeros((288, 384, 3), "f4")}
            for what, value in values.items():
                (root / part / what).mkdir(parents=True, exist_ok=True)
                np.save(root / part / what / f"{i}.npy", value)
    if "missing-depth" in defects:
        (root / "val/depth/0.npy").unlink()


def _png(root: Path, defects: Sequence[str]) -> None:
    for part, numbers in zip(("train", "test"), _parts().values(), strict=True):
        for number in numbers:
            colour, depth, labels = picture(number)
            millimetres = np.round(depth * 1000).astype(np.uint16)
            values = {"image": colour, "depth": millimetres, "seg40": classes(labels, 40), "seg13": classes(labels, 13)}
            for what, value in values.items():
                (root / what / part).mkdir(parents=True, exist_ok=True)
                Image.fromarray(value).save(root / what / part / f"{number:05}.png", compress_level=1)


def _masksup(root: Path, defects: Sequence[str]) -> None:
    for part, numbers in _parts().items():
        for number in numbers:
            colour, _, labels = picture(number)
            for what, value in (("images", colour[::4, ::4]), ("labels", classes(labels, 40)[::4, ::4])):
                (root / f"{part}_{what}").mkdir(exist_ok=True)
                Image.fromarray(value).save(root / f"{part}_{what}" / f"{number}.png", compress_level=1)
