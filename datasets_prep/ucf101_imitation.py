"""A tiny UCF-101: four classes, the lists with CRLF, and both spellings of HandstandPushups."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import imitation
from datasets_prep.ucf101_splits import NAMES

ACTIONS = ("ApplyEyeMakeup", "Hammering", "HammerThrow", "HandstandPushups")
GROUPS, RATE = (1, 2, 8, 15, 22), 25
COUNT = 27  # frames: two of them a second apart

DEFECTS = {
    **imitation.GENERAL,
    "one-frame": "a clip of one frame",
    "small-picture": "a clip of 160x120 in place of 320x240",
    "one-spelling": "the files of HandstandPushups with a small s, as in some copies of the lists",
    "one-tree": "flow as rawframes/Class/clip/flow_x_00001.jpg, mmaction2's naming",
    "no-flow": "no ready flow: it is computed",
    "no-v": "the v half of the flow archive is not unpacked",
    "flow-clip-missing": "the flow of one clip is not there",
    "flow-page": "a flow picture is a web page",
    "cut-down": "the 30-class lists that circulate under the same names",
    "wrong-number": "a list with 0-based labels",
    "strange-file": "files that are no clips among the clips",
    "no-lists": "no lists",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/UCF-101, `folder`/tvl1_flow (or rawframes) and `folder`/ucfTrainTestlist, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    names = [(action, f"v_{_spelt(action, defects)}_g{group:02}_c01") for action in ACTIONS for group in GROUPS]
    for action, name in names:
        frames = imitation.pictures(name, NAMES.index(action), COUNT, 320, 240)
        imitation.clip(folder / "UCF-101" / action / f"{name}.avi", frames, RATE)
        if "no-flow" not in defects:
            _flow(folder, action, name, "one-tree" in defects)
    if "no-lists" not in defects:
        _lists(folder / "ucfTrainTestlist", names, defects)
    for defect in defects:
        _break(folder, defect)


def _spelt(action: str, defects: Sequence[str]) -> str:
    return "HandStandPushups" if action == "HandstandPushups" and "one-spelling" not in defects else action


def _flow(folder: Path, action: str, name: str, one_tree: bool) -> None:
    """One picture fewer than frames; u grows with the number, v falls."""
    base = int(imitation.stream(name, "flow").integers(90, 110))
    for i in range(1, COUNT):
        for axis, part in (("x", "u"), ("y", "v")):
            path = (
                folder / f"rawframes/{action}/{name}/flow_{axis}_{i:05}.jpg"
                if one_tree
                else folder / f"tvl1_flow/{part}/{name}/frame{i:06}.jpg"
            )
            imitation.jpg(path, np.full((32, 40), base + i if part == "u" else base + 80 - i, np.uint8))


def _lists(folder: Path, names: Sequence[tuple[str, str]], defects: Sequence[str]) -> None:
    folder.mkdir()
    (folder / "classInd.txt").write_text("".join(f"{i} {name}\r\n" for i, name in enumerate(NAMES, 1)), newline="")
    shift = 0 if "wrong-number" in defects else 1
    for number in (1, 2, 3):
        tests = range(7 * number - 6, 7 * number + 1)
        chosen = [(a, n) for a, n in names if "cut-down" not in defects or a != "Hammering"]
        test = [f"{a}/{n}.avi\r\n" for a, n in chosen if int(n.split("_")[2][1:]) in tests]
        train = [f"{a}/{n}.avi {NAMES.index(a) + shift}\r\n" for a, n in chosen if int(n.split("_")[2][1:]) not in tests]
        (folder / f"trainlist0{number}.txt").write_text("".join(train), newline="")
        (folder / f"testlist0{number}.txt").write_text("".join(test), newline="")


def _break(folder: Path, defect: str) -> None:
    clip = folder / "UCF-101/Hammering/v_Hammering_g02_c01.avi"
    flow = folder / "tvl1_flow/u/v_Hammering_g02_c01"
    frames = imitation.pictures("broken", 1, COUNT, 320, 240)
    if defect in imitation.BREAK:
        imitation.damage(clip, defect)
    elif defect == "lfs-pointers":
        for path in (folder / "UCF-101").rglob("*.avi"):
            imitation.pointer(path)
    elif defect == "all-missing":
        (folder / "UCF-101").rename(folder / "videos")
        for path in (folder / "videos").iterdir():
            path.rename(path.with_name(f"class-{path.name[:3]}{len(path.name)}"))
    elif defect == "one-frame":
        imitation.clip(clip, frames[:1], RATE)
    elif defect == "small-picture":
        imitation.clip(clip, np.ascontiguousarray(frames[:, :120, :160]), RATE)
    elif defect == "no-v":
        (folder / "tvl1_flow/v").rename(folder / "tvl1_flow/w")
    elif defect == "flow-clip-missing":
        flow.rename(flow.with_name("elsewhere"))
    elif defect == "flow-page":
        (flow / "frame000001.jpg").write_text(imitation.PAGE)
    elif defect == "strange-file":
        (clip.parent / "readme.txt").write_text("hello")
        (clip.parent / "v_Juggling_g01_c01.avi").write_bytes(b"x")
