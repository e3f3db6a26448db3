"""A tiny AVE: four classes whose names hold commas, a video with two labels, one in two parts, an event of no length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import imitation
from datasets_prep.ave_splits import CLASSES, PARTS, Row

RATE, SECONDS = 8, 10
USED = (0, 1, 5, 27)  # of the classes

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "a clip without a sound track",
    "one-frame": "a clip of one frame",
    "short-sound": "a clip whose sound ends before the event",
    "header-less": "Annotations.txt without its header line",
    "crlf-lists": "the lists with CRLF line ends and a byte order mark",
    "commas": "a list split on commas by some program",
    "same-key": "a clip twice, in two folders",
    "no-sets": "without the three set lists",
    "no-lists": "no list at all",
}


def events() -> dict[str, list[Row]]:
    """Part -> its rows, with the quirks of the real lists."""
    found: dict[str, list[Row]] = {part: [] for part in PARTS}
    for number in USED:
        for part, count in (("train", 3), ("val", 1), ("test", 1)):
            for i in range(count):
                start = (0, 2, 5)[i % 3]
                found[part].append(
                    Row(CLASSES[number], f"-{part[:2]}_{number:02}_{i}".ljust(11, "x"), start, min(10, start + 4 + number % 3))
                )
    twin = found["train"][3]
    found["train"].append(Row(CLASSES[5], twin.video, twin.start, twin.end))  # two classes, one segment
    found["test"].append(Row(CLASSES[0], *_of(found["train"][0])))  # in train and test
    found["train"].append(Row(CLASSES[0], "VWi2ENBuTbw", 0, 0))
    return found


def _of(row: Row) -> tuple[str, int, int]:
    return row.video, row.start, row.end


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/AVE_Dataset with clips and lists, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    root = folder / "AVE_Dataset"
    (root / "AVE").mkdir(parents=True)
    done = set()
    for rows in events().values():
        for row in rows:
            if row.video not in done:
                done.add(row.video)
                _clip(root, row)
    (root / "ReadMe.txt").write_text("AVE\n")
    if "no-lists" not in defects:
        _lists(root, defects)
    for defect in defects:
        _break(root, defect)


def _clip(root: Path, row: Row) -> None:
    number = CLASSES.index(row.label)
    frames = imitation.pictures(row.video, number, RATE * SECONDS, 64, 48)
    imitation.clip(
        root / f"AVE/{row.video}.mp4", frames, RATE, imitation.tone(row.video, number, 16_000, SECONDS), 16_000, ("libx264", "aac"), 1
    )


def _lists(root: Path, defects: Sequence[str]) -> None:
    end, mark = ("\r\n", b"\xef\xbb\xbf") if "crlf-lists" in defects else ("\n", b"")
    sign = "," if "commas" in defects else "&"

    def write(name: str, lines: Sequence[str]) -> None:
        (root / name).write_bytes(mark + "".join(line + end for line in lines).encode())

    lines = {part: [sign.join((r.label, r.video, "good", str(r.start), str(r.end))) for r in rows] for part, rows in events().items()}
    if "no-sets" not in defects:
        for part in PARTS:
            write(f"{part}Set.txt", lines[part])
    head = [] if "header-less" in defects else [sign.join(("Category", "VideoID", "Quality", "StartTime", "EndTime"))]
    write("Annotations.txt", [*head, *(line for part in PARTS for line in lines[part])])


def _break(root: Path, defect: str) -> None:
    clip = root / f"AVE/{events()['train'][1].video}.mp4"  # its event begins at second 2
    frames = imitation.pictures("broken", 1, RATE * SECONDS, 64, 48)
    codecs = ("libx264", "aac")
    if defect in imitation.BREAK:
        imitation.damage(clip, defect)
    elif defect == "lfs-pointers":
        for path in root.glob("AVE/*.mp4"):
            imitation.pointer(path)
    elif defect == "all-missing":
        for path in root.glob("AVE/*.mp4"):
            path.unlink()
    elif defect == "no-sound":
        imitation.clip(clip, frames, RATE, codecs=codecs)
    elif defect == "one-frame":
        imitation.clip(clip, frames[:1], RATE, np.zeros(160_000, np.float32), 16_000, codecs)
    elif defect == "short-sound":
        imitation.clip(clip, frames, RATE, np.zeros(16_000, np.float32), 16_000, codecs)
    elif defect == "same-key":
        (root / clip.name).write_bytes(clip.read_bytes())
