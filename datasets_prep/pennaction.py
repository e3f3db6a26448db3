"""PennAction: 2,326 clips of fifteen actions, as pictures and as thirteen joints. Facts: [D] documented by its README and loaders.

    Penn_Action/frames/0001/000001.jpg     counted from 1
    Penn_Action/labels/0001.mat            MATLAB v5: action, train, x and y (T, 13), nframes, dimensions [height width T], ...

CM-VQVAE samples a frame at 256x256, and cuts or fills the joints to 100 steps; which frame and how coordinates are scaled is not
published. Ours: fifteen frames of each clip are kept, the middle one among them, for training to draw from; coordinates are divided
by the size of the picture and kept as they are where they are 0 or beyond it; of more than 100 steps the centres of 100 equal parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from datasets_prep import folders, lists, pennaction_imitation, pennaction_splits
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.media import Unreadable, content
from datasets_prep.pennaction_splits import CLASSES, EXPECTED, JOINTS, steps

SIDE, FRAMES, STEPS = 256, 15, 100

ARRAYS = {
    "frames": Array(
        (SIDE, SIDE, 3), "uint8", "frames", "the centres of 15 equal parts of the clip, resized (bilinear with antialias)", "frames",
        ragged=True, typical=FRAMES, settings={"content": "rgb"},
    ),
    "pose": Array((STEPS, 2 * JOINTS), "float32", "values", "x and y of 13 joints by the size of the picture, 100 steps", "labels"),
}  # fmt: skip


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """The clips of both folders, by number; pictures are not looked at yet."""
    root, problems = sources.folders[""], []
    frames, labels = (folders.needed(root, name, DATASET.layout, ("frames", "labels")) for name in ("frames", "labels"))
    clips = {place.name: place for place in sorted(frames.iterdir()) if place.is_dir() and place.name.isdigit()}
    known, strange = folders.files(labels, r"\d{4}\.mat")
    if strange:
        problems.append(f"labels: {len(strange)} files have no clip's name and are left out: {lists.few(strange)}")
    keys = sorted({*clips, *known})
    for name, found in (("frames", clips), ("labels", known)):
        lacking = [key for key in keys if key not in found]
        if lacking:
            problems.append(f"{name}: {len(lacking):,} of {len(keys):,} clips are not there: {lists.few(lacking)}")
    items = [
        Item(key, key, {"frames": str(clips.get(key, frames / key)), "labels": str(known.get(key, labels / f"{key}.mat"))}) for key in keys
    ]
    return Found(items, problems)


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Pictures and joints of one clip; without its annotation it has no class, so nothing of it is kept."""
    made = Made()
    try:
        clip = pennaction_splits.clip(item.files["labels"])
    except Unreadable as error:
        raise Unreadable(f"labels/{item.key}.mat: {error}") from None
    paths = pictures(Path(item.files["frames"]))
    height, width = _size(paths[0])
    said = {"nframes": (clip.frames, len(paths)), "x and y": (len(clip.joints), len(paths)), "dimensions": (clip.size, (height, width))}
    made.notes = [f"{name} says {stated}, the pictures {here}" for name, (stated, here) in said.items() if stated != here]
    if "frames" in wanted:
        made.arrays["frames"] = np.stack([_picture(paths[i]) for i in steps(len(paths), FRAMES)])
    if "pose" in wanted:
        made.arrays["pose"] = pose(clip.joints, height, width)
    return made


def pictures(folder: Path) -> list[Path]:
    """The frames in the order of their numbers, whatever the folder's order is."""
    if not folder.is_dir():
        raise Unreadable(f"frames/{folder.name}: is not there")
    found, _ = folders.files(folder, r"\d+\.jpg")
    if not found:
        raise Unreadable(f"frames/{folder.name}: holds no picture")
    return [path for _, path in sorted(found.items(), key=lambda pair: int(pair[0]))]


def _size(path: Path) -> tuple[int, int]:
    """Height and width."""
    with _opened(path) as picture:
        return picture.height, picture.width


def _opened(path: Path) -> Image.Image:
    where = f"frames/{path.parent.name}/{path.name}"
    try:
        content(path)
        return Image.open(path)
    except Unreadable as error:
        raise Unreadable(f"{where}: {error}") from None
    except OSError:
        raise Unreadable(f"{where}: is no whole picture") from None


def _picture(path: Path) -> np.ndarray:
    with _opened(path) as picture:
        try:
            return np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        except OSError:
            raise Unreadable(f"frames/{path.parent.name}/{path.name}: is no whole picture") from None


def pose(joints: np.ndarray, height: int, width: int) -> np.ndarray:
    """T x 13 x 2 in pixels -> 100 x 26: x and y of joint 0, of joint 1, ...; zeros after the last step."""
    chosen = (joints / np.array([width, height], np.float32))[list(steps(len(joints), STEPS))]
    found = np.zeros((STEPS, 2 * JOINTS), np.float32)
    found[: len(chosen)] = chosen.reshape(len(chosen), -1)
    return found


DATASET = Dataset(
    id="pennaction",
    module=__name__,
    arrays=ARRAYS,
    preparations={"frame-pose-100": {"color": "frames", "pose": "pose"}},
    classes=CLASSES,
    groups="clip",
    find=find,
    make=make,
    splits=pennaction_splits.splits,
    imitate=pennaction_imitation.imitate,
    defects=pennaction_imitation.DEFECTS,
    expected=EXPECTED,
    layout="Penn_Action/frames/0001/000001.jpg and Penn_Action/labels/0001.mat",
    speed=10.0,
)
