"""A tiny MM-Debiased: four of its classes, ids in all three forms, a video in two parts; clips of VGGSound and of Kinetics-400."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep import imitation, vggsound
from datasets_prep.mm_debiased_splits import FILE, KINETICS, VGGSOUND

RATE, SECONDS, WIDTH, HEIGHT = 10, 3, 96, 64
CODECS = ("libx264", "aac")
# id, subset, class, what VGGSound's csv says (label, part)
CLIPS: tuple[tuple[str, str, str, tuple[str, str] | None], ...] = (
    ("-_vggbowl01_7", "training", "bowling", ("striking bowling", "train")),
    ("kin_bowl-02_000017_000027", "training", "bowling", None),
    ("-_vggbowl03_120", "validation", "bowling", ("striking bowling", "train")),
    ("bare-bowl_4", "testing", "bowling", None),
    ("__vggfloor1_30", "training", "cleaning floor", ("vacuum cleaner cleaning floors", "train")),
    ("__vggfloor1_90", "testing", "cleaning floor", ("vacuum cleaner cleaning floors", "test")),
    ("vgg_sing_01_0", "training", "singing", ("child singing", "train")),
    ("kin_sing_02_000001_000011", "validation", "singing", None),
    ("vgg_sing_03_12", "testing", "singing", ("male singing", "test")),
    ("vggcello_01_5", "training", "playing cello", ("playing cello", "test")),
    ("vggcello_02_6", "testing", "playing cello", ("playing cello", "test")),
)

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "a clip without a sound track",
    "one-frame": "a clip of one frame",
    "unpadded": "VGGSound's clips named like id_7.mp4",
    "ending": "VGGSound's clips named like id_000007_000017.mp4",
    "swapped": "the clips of either source in the other's folder",
    "class-folders": "Kinetics' clips in folders of classes",
    "bare-files": "Kinetics' clips named by their video alone",
    "several": "two clips of a video of which the list does not say which it means",
    "replacement": "a corrupt clip of Kinetics-400 and its replacement",
    "same-key": "a clip twice, once with a padded start",
    "no-kinetics": "without the folder of Kinetics-400",
    "no-list": "without the list",
    "other-json": "a json of other content under the list's name",
    "bad-id": "an id that is no clip's",
    "other-class": "a class that is none of the ten",
    "other-subset": "a subset that is none of the three",
    "id-twice": "an id twice in the list",
    "no-csv": "without VGGSound's own csv",
    "other-label": "a class in VGGSound's csv that is not the list's",
    "header": "VGGSound's csv with a header",
    "unquoted": "a label with a comma without quotes in VGGSound's csv",
    "row-twice": "a clip in both parts of VGGSound's csv",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/vggsound, `folder`/kinetics-400 and the list beside them, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    for number, (name, subset, label, own) in enumerate(CLIPS):
        frames = imitation.pictures(name, number, RATE * SECONDS, WIDTH, HEIGHT)
        sound = imitation.tone(name, number, 44_100, SECONDS)
        imitation.clip(folder / _place(name, subset, label, own), frames, RATE, sound, codecs=CODECS)
    describe(folder, defects)


def describe(folder: Path, defects: Sequence[str]) -> None:
    """All but the clips: the list and VGGSound's csv; then what the defects do to the clips."""
    if "no-list" not in defects:
        (folder / FILE).write_text(_list(defects))
    if "no-csv" not in defects:
        (folder / VGGSOUND / vggsound.CSV).write_text(_csv(defects))
    for defect in defects:
        _break(folder, defect)


def _place(name: str, subset: str, label: str, own: tuple[str, str] | None) -> str:
    if own:
        video, _, start = name.rpartition("_")
        return f"{VGGSOUND}/video/{video}_{int(start):06}.mp4"
    of = {"training": "train", "validation": "val", "testing": "test"}[subset]
    return f"{KINETICS}/{of}/{name if len(name) > 11 else f'{name}_000003_000013'}.mp4"


def _list(defects: Sequence[str]) -> str:
    entries: list[tuple[str, dict[str, Any]]] = [(name, {"subset": subset, "label": label}) for name, subset, label, _ in CLIPS]
    if "bad-id" in defects:
        entries[0] = ("short_7", entries[0][1])
    if "other-class" in defects:
        entries[0][1]["label"] = "striking bowling"
    if "other-subset" in defects:
        entries[0][1]["subset"] = "train"
    if "id-twice" in defects:
        entries.append(entries[0])
    if "other-json" in defects:
        return json.dumps({"labels": [], "database": {}})
    return "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries) + "}"


def _csv(defects: Sequence[str]) -> str:
    """Another clip, whose label has commas, stands among ours."""
    rows = ["ytid,start,label,split"] if "header" in defects else []
    other = "playing drum, snare, tom"
    rows.append(f"zzzzzzzzzzz,5,{other},train" if "unquoted" in defects else f'zzzzzzzzzzz,5,"{other}",train')
    for name, _, _, own in CLIPS:
        if own:
            video, _, start = name.rpartition("_")
            label = "playing banjo" if "other-label" in defects and name == "vgg_sing_01_0" else own[0]
            rows.append(f"{video},{start},{label},{own[1]}")
    if "row-twice" in defects:
        rows.append(rows[-1].replace(",test", ",train"))
    return "\n".join([*rows, ""])


def _break(folder: Path, defect: str) -> None:
    path, other = folder / VGGSOUND / "video" / "vggcello_01_000005.mp4", folder / KINETICS / "train" / "kin_bowl-02_000017_000027.mp4"
    frames = imitation.pictures("broken", 1, RATE * SECONDS, WIDTH, HEIGHT)
    if defect in imitation.BREAK:
        imitation.damage(path, defect)
    elif defect in ("lfs-pointers", "all-missing", "unpadded", "ending"):
        _each(folder if defect in ("lfs-pointers", "all-missing") else folder / VGGSOUND, defect)
    elif defect == "no-sound":
        imitation.clip(path, frames, RATE, codecs=CODECS)
    elif defect == "one-frame":
        imitation.clip(path, frames[:1], RATE, np.zeros(44_100, np.float32), codecs=CODECS)
    elif defect == "swapped":
        (folder / VGGSOUND / "video").rename(folder / "video")
        (folder / KINETICS / "train").rename(folder / VGGSOUND / "train")
        (folder / "video").rename(folder / KINETICS / "video")
    elif defect == "class-folders":
        (folder / KINETICS / "train").rename(folder / KINETICS / "bowling")
    elif defect == "bare-files":
        for clip in sorted((folder / KINETICS).rglob("*.mp4")):
            clip.rename(clip.with_name(f"{clip.stem[:11]}.mp4"))
    elif defect == "several":
        clip = next((folder / KINETICS).rglob("bare-bowl_4*"))
        clip.with_name("bare-bowl_4_000050_000060.mp4").write_bytes(clip.read_bytes())
    elif defect == "replacement":
        place = folder / KINETICS / "replacement" / "replacement_for_corrupted_k400"
        place.mkdir(parents=True)
        (place / other.name).write_bytes(other.read_bytes())
        other.write_bytes(b"\x00" * 100)
    elif defect == "same-key":
        path.with_name("vggcello_01_5.mp4").write_bytes(path.read_bytes())
    elif defect == "no-kinetics":
        (folder / KINETICS).rename(folder / ".elsewhere")


def _each(root: Path, defect: str) -> None:
    for clip in sorted(root.rglob("*.mp4")):
        video, _, start = clip.stem.rpartition("_")
        if defect == "lfs-pointers":
            imitation.pointer(clip)
        elif defect == "all-missing":
            clip.unlink()
        else:
            clip.rename(clip.with_name(f"{video}_{int(start)}.mp4" if defect == "unpadded" else f"{clip.stem}_{int(start) + 10:06}.mp4"))
