"""UCF-101: 13,320 clips of 101 actions, cut from the videos of 25 groups per class. Facts: [V] counted in the lists, [R] recollection.

    UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi            320x240, 25 fps, XviD [R]
    ucfTrainTestlist/{classInd,trainlist01,testlist01,...}.txt
    tvl1_flow/{u,v}/v_ApplyEyeMakeup_g01_c01/frame000001.jpg       ready TV-L1 flow (twostreamfusion), or
    rawframes/ApplyEyeMakeup/v_..._c01/flow_{x,y}_00001.jpg        (mmaction2, denseflow), or none: computed by OpenCV

One picture a second is kept of each stream. Flow and difference at picture i are those from i to the next one. The recipe of the
RGB difference was found nowhere: ours is 128 + half the difference, as whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import folders, lists, media, optical_flow, ucf101_imitation, ucf101_splits
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.media import Unreadable
from datasets_prep.ucf101_splits import CLASSES, EXPECTED
from mmbench.errors import UserError

WIDTH, HEIGHT = 320, 240
FLOW_BOX = (342, 256)  # the ready pictures are 256 high
FILE = r"(v_[A-Za-z]+_g\d+_c\d+)\.avi"

ARRAYS = {
    "rgb": Array(
        (HEIGHT, WIDTH, 3), "uint8", "frames", "one frame a second", "UCF-101", ragged=True, typical=8, settings={"content": "rgb"}
    ),
    "diff": Array(
        (HEIGHT, WIDTH, 3), "uint8", "frames", "128 + half the difference from that frame to the next (ours)", "UCF-101", ragged=True,
        typical=8, settings={"content": "difference"},
    ),
    "flow": Array(
        (FLOW_BOX[1], FLOW_BOX[0], 2), "uint8", "frames", "TV-L1 flow (u, v) from that frame to the next, 128 + pixels * 255 / 40", "flow",
        ragged=True, typical=8, canvas=True, settings={"content": "flow", "bound": 20},
    ),
}  # fmt: skip
PREPARATIONS = {"frames-tvl1": {"rgb": "rgb", "flow": "flow", "diff": "diff"}}


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """The clips by their canonical names: folders and files differ in how they write HandstandPushups."""
    root, problems = sources.folders[""], []
    folder = folders.inside(root, "UCF-101") or folders.inside(root, "UCF101") or _classes_in(root)
    if folder is None:
        raise UserError(f"{root}: no folder 'UCF-101' in it; expected {DATASET.layout}")
    found, strange = folders.files(folder, FILE, deep=True)
    clips = {canonical(stem): path for stem, path in found.items()}
    unknown = sorted(stem for stem in found if canonical(stem) == "")
    clips.pop("", None)
    if strange or unknown:
        problems.append(
            f"{folder.name}: {len(strange) + len(unknown)} files have no clip's name and are left out: {lists.few(unknown + strange)}"
        )
    keys = sorted({*clips, *ucf101_splits.listed(sources)})
    lacking = [key for key in keys if key not in clips]
    if lacking:
        problems.append(f"{folder.name}: {len(lacking):,} of {len(keys):,} clips are not there: {lists.few(lacking)}")
    flow = optical_flow.find(root) if "flow" in wanted else None
    items = []
    for key in keys:
        action = key.split("_")[1]
        files = {"UCF-101": str(clips.get(key, folder / action / f"{key}.avi"))}
        if flow is not None:
            files |= flow.files(key, action, clips[key].stem if key in clips else key)
        items.append(Item(key, key.rpartition("_")[0].removeprefix("v_"), files, {"flow": flow.kind if flow else ""}))
    return Found(items, problems, {"flow": {"source": flow.kind}} if flow else {})


def _classes_in(root: Path) -> Path | None:
    """The folder itself, if it holds folders of classes."""
    known = {name.lower() for name in CLASSES["official"]}
    return root if any(p.is_dir() and p.name.lower() in known for p in root.iterdir()) else None


def canonical(stem: str) -> str:
    """`v_HandStandPushups_g1_c01` -> `v_HandstandPushups_g01_c01`; "" for no class of ours."""
    match = re.fullmatch(r"v_([A-Za-z]+)_g(\d+)_c(\d+)", stem)
    action = _BY_LOWER.get(match.group(1).lower()) if match else None
    return f"v_{action}_g{int(match.group(2)):02}_c{int(match.group(3)):02}" if match and action else ""


_BY_LOWER = {name.lower(): name for name in CLASSES["official"]}


def make(item: Item, wanted: Sequence[str]) -> Made:
    """One picture a second of each stream; what is wrong with the flow does not cost the pictures."""
    made = Made()
    path = Path(item.files["UCF-101"])
    try:
        if not path.exists():
            raise Unreadable("is not there")
        every = item.facts["flow"] == optical_flow.COMPUTED and "flow" in wanted
        clip = media.clip(path, lambda count, rate: _needed(count, rate, wanted, every))
        if any((f.width, f.height) != (WIDTH, HEIGHT) for f in clip.frames.values()):
            raise Unreadable(f"its pictures are not {WIDTH}x{HEIGHT}")
    except Unreadable as error:
        made.skipped = dict.fromkeys(wanted, f"{path.parent.name}/{path.name}: {error}")
        return made
    seconds = media.per_second(clip.count, clip.rate)
    if "rgb" in wanted:
        made.arrays["rgb"] = np.stack([media.rgb(clip.frames[i]) for i in seconds])
    if "diff" in wanted:
        made.arrays["diff"] = np.stack([difference(*(media.rgb(clip.frames[j]) for j in pair(i, clip.count))) for i in seconds])
    if "flow" in wanted:
        try:
            flow = optical_flow.read(item, clip, [pair(i, clip.count) for i in seconds])
            made.arrays["flow"], made.sizes["flow"] = media.on_canvas(flow, FLOW_BOX), flow.shape[1:3]
        except Unreadable as error:
            made.skipped["flow"] = str(error)
    return made


def _needed(count: int, rate: float, wanted: Sequence[str], every: bool) -> set[int]:
    seconds = media.per_second(count, rate)
    if "diff" not in wanted and not every:
        return set(seconds)
    return {j for i in seconds for j in pair(i, count)} | set(seconds)


def pair(index: int, count: int) -> tuple[int, int]:
    """A frame and its next; at the end the last two; a clip of one frame meets itself."""
    first = min(index, max(0, count - 2))
    return first, min(first + 1, count - 1)


def difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """128 + (other - one) / 2, halves away from one's side up: uint8."""
    return ((other.astype(np.int16) - one + 257) // 2).clip(0, 255).astype(np.uint8)


DATASET = Dataset(
    id="ucf101",
    module=__name__,
    arrays=ARRAYS,
    preparations=PREPARATIONS,
    classes=CLASSES,
    groups="group",
    find=find,
    make=make,
    splits=ucf101_splits.splits,
    imitate=ucf101_imitation.imitate,
    defects=ucf101_imitation.DEFECTS,
    expected=EXPECTED,
    layout="UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
    speed=12.0,
)
