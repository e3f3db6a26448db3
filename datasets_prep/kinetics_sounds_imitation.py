"""A tiny part of Kinetics-400 with three of the 31 classes and one of ARL's two others; ids begin with "-" and "_"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import imitation
from datasets_prep.kinetics_sounds_splits import OGM

LABELS = ("blowing nose", "bowling", "playing violin", "tying tie")
RATE, SECONDS = 10, 3
PARTS = {"train": 3, "val": 1, "test": 1}  # clips per class
SIZES = ((96, 64), (480, 300), (120, 160), (96, 64), (96, 64))  # small, larger than 340x256, upright

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "a clip without a sound track",
    "one-frame": "a clip of one frame",
    "class-folders": "folders of classes, as older crawlers make them",
    "start-only": "names like id_40.mp4",
    "bare-ids": "names like id.mp4",
    "replacement": "a corrupt clip and its replacement",
    "same-key": "a clip twice, under two folders",
    "old-csv": "validate.csv in place of val.csv, a byte order mark, no is_cc column",
    "label-31": "a label that the 31 classes do not have",
    "bad-id": "a list row whose id is no clip's",
    "other-json": "a json of other content under BML's name",
    "no-ogm": "without OGM-GE's lists",
    "no-bml": "without BML's list",
    "no-annotations": "without Kinetics' own csv files",
    "no-lists": "no list of any kind",
}


def clips() -> list[tuple[str, int, str, str]]:
    """(video, start, part, label); eleven characters a video, with "-" and "_" where they hurt."""
    found = []
    for number, label in enumerate(LABELS):
        for part, count in PARTS.items():
            for i in range(count):
                video = f"{'-_'[i % 2]}a_{number}{part[:2]}_{i}-_"[:11].ljust(11, "x")
                found.append((video, 7 * i + 2, part, label))
    return found


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/k400 and `folder`/lists, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    for n, (video, start, part, label) in enumerate(clips()):
        name = f"{video}_{start:06}_{start + 10:06}"
        if "start-only" in defects:
            name = f"{video}_{start}"
        elif "bare-ids" in defects:
            name = video
        place = folder / "k400" / part / (label.replace(" ", "_") if "class-folders" in defects else "")
        number = LABELS.index(label)
        frames = imitation.pictures(video, 3 * number, RATE * SECONDS, *SIZES[n % len(SIZES)])
        imitation.clip(place / f"{name}.mp4", frames, RATE, imitation.tone(video, 3 * number, 44_100, SECONDS), codecs=("libx264", "aac"))
    (folder / "lists").mkdir()
    if "no-lists" not in defects:
        _ogm(folder / "lists", defects)
        _bml(folder / "lists", defects)
        _annotations(folder / "k400" / "annotations", defects)
    for defect in defects:
        _break(folder / "k400", defect)


def _ogm(folder: Path, defects: Sequence[str]) -> None:
    """Train ids in full, test ids with the bare start; CRLF, no header."""
    if "no-ogm" in defects:
        return
    rows: dict[str, list[str]] = {"train": [], "test": []}
    for video, start, part, label in clips():
        if label in OGM and part in rows:
            name = f"{video}_{start:06}_{start + 10:06}" if part == "train" else f"{video}_{start}"
            rows[part].append(f"{name},10,{OGM.index(label)}")
    if "label-31" in defects:
        rows["train"][1] = rows["train"][1].rpartition(",")[0] + ",31"
    if "bad-id" in defects:
        rows["test"][0] = "short_2,10,0"
    for part, lines in rows.items():
        (folder / f"my_{part}.txt").write_text("".join(f"{line}\r\n" for line in lines), newline="")


def _bml(folder: Path, defects: Sequence[str]) -> None:
    if "no-bml" in defects:
        return
    subsets = {"train": "training", "val": "validation", "test": "testing"}
    database = {}
    for video, start, part, label in clips():
        if label in OGM:
            name = f"{video}_{start:06}_{start + 10:06}" if part == "train" else f"{video}_{start}"
            database[name] = {"subset": subsets[part], "label": label.replace(" ", "_")}
    content = {"videos": []} if "other-json" in defects else {"labels": [name.replace(" ", "_") for name in OGM], "database": database}
    (folder / "KS_train_val.json").write_text(json.dumps(content))


def _annotations(folder: Path, defects: Sequence[str]) -> None:
    """A label with a space is quoted; another class stands among ours."""
    if "no-annotations" in defects:
        return
    old = "old-csv" in defects
    folder.mkdir()
    for part in PARTS:
        rows = ["label,youtube_id,time_start,time_end,split" + ("" if old else ",is_cc")]
        mine = [(video, start, label) for video, start, of, label in clips() if of == part]
        for video, start, label in [*mine, ("zzzzzzzzzzz", 5, "air drumming")]:
            rows.append(f'"{label}",{video},{start},{start + 10},{part}' + ("" if old else ",0"))
        name = "validate" if old and part == "val" else part
        (folder / f"{name}.csv").write_bytes((b"\xef\xbb\xbf" if old else b"") + "\n".join([*rows, ""]).encode())


def _break(root: Path, defect: str) -> None:
    clip = sorted((root / "train").rglob("*.mp4"))[5]
    frames = imitation.pictures("broken", 1, RATE * SECONDS, 96, 64)
    if defect in imitation.BREAK:
        imitation.damage(clip, defect)
    elif defect == "lfs-pointers":
        for path in root.rglob("*.mp4"):
            imitation.pointer(path)
    elif defect == "all-missing":
        for path in root.rglob("*.mp4"):
            path.unlink()
    elif defect == "no-sound":
        imitation.clip(clip, frames, RATE, codecs=("libx264", "aac"))
    elif defect == "one-frame":
        imitation.clip(clip, frames[:1], RATE, np.zeros(44_100, np.float32), codecs=("libx264", "aac"))
    elif defect == "replacement":
        other = root / "replacement" / "replacement_for_corrupted_k400" / clip.name
        other.parent.mkdir(parents=True)
        other.write_bytes(clip.read_bytes())
        clip.write_bytes(b"\x00" * 100)
    elif defect == "same-key":
        (root / "val" / clip.name).write_bytes(clip.read_bytes())
