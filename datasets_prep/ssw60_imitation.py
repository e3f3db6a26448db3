"""A tiny SSW60: four of the sixty species, the misspelt column, families with commas, a video without sound, other recordings beside."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import imitation
from datasets_prep.ssw60_splits import CLASSES

RATE, SECONDS, SOUND = 25, 3, 22_050
SIZES = ((96, 54), (400, 226), (54, 96), (96, 54))  # small, larger than 340x256, upright
CODECS = ("libx264", "aac")
USED = {0: (6, 1), 7: (3, 1), 31: (2, 1), 59: (2, 1)}  # label -> videos of the training and of the test part
MISSPELT = "orginal_video_start_second"
VIDEO_COLUMNS = (
    "asset_id", "label", "split", "fps", "frame_count", "duration_seconds", "frame_height", "frame_width", "frame_channels", MISSPELT,
    "original_video_end_second", "original_video_target_second", "target_second", "reliable_audio",
)  # fmt: skip
TAXA_COLUMNS = (
    "label", "species_code", "inat_taxon_id", "inat2021_label", "nabirds_labels", "common_name", "scientific_name", "family", "order",
)  # fmt: skip
AUDIO_COLUMNS = ("asset_id", "label", "split", "samplerate", "channels", "samples", "duration_seconds")
MUTE, DOUBTFUL = "476723", ("476723", "483829")  # the video without a sound track; those whose reliable_audio is 0
LEFT_OUT = {"no-csv": "video_ml.csv", "no-taxa": "taxa.csv"}

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "one more video without a sound track",
    "silent": "a video whose sound is silence",
    "one-frame": "a video of one frame",
    "same-key": "a video twice, in names that differ in their case alone",
    "unlisted": "videos that the table does not name, under two kinds of names",
    "flat": "without the folder ssw60/ around it",
    "index-column": "the csv files with a nameless column of row numbers",
    "corrected-column": "video_ml.csv with the misspelt column's name put right",
    "column-order": "video_ml.csv with its columns in another order",
    "crlf-lists": "the csv files with CRLF line ends and a byte order mark",
    "blanks": "blanks behind the cells",
    "no-reliable": "video_ml.csv without the column reliable_audio",
    "no-taxa": "without taxa.csv",
    "no-csv": "without video_ml.csv",
    "other-column": "video_ml.csv with another name for the column split",
    "other-label": "a label that the sixty species do not have",
    "other-part": "a video of a part that is neither train nor test",
    "other-truth": "a reliable_audio that is neither 0 nor 1",
    "number-ids": "ids as a spreadsheet writes them",
    "asset-twice": "a video twice in video_ml.csv",
    "unquoted": "families with commas but without quotes in taxa.csv",
    "fewer-taxa": "taxa.csv lacks a species",
    "label-twice": "a species twice in taxa.csv",
    "more-taxa": "taxa.csv has a sixty-first species",
}


def videos() -> list[tuple[str, int, str]]:
    """(asset, label, part), in the order of the table: first the three that the README shows."""
    listed = [(label, part) for label, counts in USED.items() for part, n in zip(("train", "test"), counts, strict=True) for _ in range(n)]
    assets = ["483821", "483326", MUTE, *(str(483826 + i) for i in range(len(listed) - 3))]
    return [(asset, label, part) for asset, (label, part) in zip(assets, listed, strict=True)]


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/ssw60, or `folder` itself where it is flat, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    root = folder if "flat" in defects else folder / "ssw60"
    for n, (asset, label, _) in enumerate(videos()):
        frames = imitation.pictures(asset, label, RATE * SECONDS, *SIZES[n % len(SIZES)])
        sound = None if asset == MUTE else imitation.tone(asset, label, SOUND, SECONDS)
        imitation.clip(root / f"video_ml/{asset}.mp4", frames, RATE, sound, SOUND, CODECS)
    imitation.wav(root / "audio_ml/45516191.wav", imitation.tone("other", 0, 22_050, 1.0), 22_050)
    imitation.jpg(root / "images_nabirds/0233251e10054daa99e6b68369e143fb.jpg", imitation.pictures("nabirds", 0, 1, 48, 32)[0])
    imitation.jpg(root / "images_inat/7.jpg", imitation.pictures("inat", 0, 1, 48, 32)[0])
    describe(root, defects)


def describe(root: Path, defects: Sequence[str]) -> None:
    """The csv files; then what the defects do to the videos."""
    tables = {
        "video_ml.csv": _videos(defects),
        "taxa.csv": _taxa(defects),
        "audio_ml.csv": [AUDIO_COLUMNS, (45516191, 0, "train", 22_050, 1, 22_050, 1.0)],
        "images_nabirds.csv": [
            ("asset_id", "label", "split", "height", "width", "channels", "photographer"),
            ("0233251e10054daa99e6b68369e143fb", 0, "train", 32, 48, 3, "Doe, Jane"),
        ],
        "images_inat.csv": [
            ("asset_id", "label", "split", "height", "width", "channels", "rights_holder", "license_id"),
            (7, 0, "val", 32, 48, 3, 'Jane "J" Doe', 1),
        ],
    }
    for name, rows in tables.items():
        if name not in [LEFT_OUT.get(defect) for defect in defects]:
            (root / name).write_bytes(_written(rows, defects, quotes=name != "taxa.csv" or "unquoted" not in defects))
    for defect in defects:
        _break(root / "video_ml", defect)


def _videos(defects: Sequence[str]) -> list[Sequence[object]]:
    """As in the README's rows, `frame_count` is more than the frames that there are."""
    rows: list[Sequence[object]] = [VIDEO_COLUMNS]
    for n, (asset, label, part) in enumerate(videos()):
        width, height = SIZES[n % len(SIZES)]
        frames, lasts, reliable = RATE * SECONDS + 78, SECONDS - 1 / RATE, int(asset not in DOUBTFUL)
        rows.append((asset, label, part, RATE, frames, lasts, height, width, 3, 63, 63 + SECONDS, 65, 2, reliable))
    changes: dict[str, tuple[int, object]] = {
        "other-label": (1, 60), "other-part": (2, "val"), "other-truth": (13, "maybe"), "number-ids": (0, "483326.0"),
    }  # fmt: skip
    for column, value in (change for defect, change in changes.items() if defect in defects):
        rows[2] = [*rows[2][:column], value, *rows[2][column + 1 :]]
    if "asset-twice" in defects:
        rows.append(rows[1])
    for defect, old, new in (("corrected-column", MISSPELT, MISSPELT.replace("org", "orig")), ("other-column", "split", "part")):
        if defect in defects:
            rows[0] = [new if name == old else name for name in rows[0]]
    if "no-reliable" in defects:
        rows = [row[:-1] for row in rows]
    return [row[::-1] for row in rows] if "column-order" in defects else rows


def _taxa(defects: Sequence[str]) -> list[Sequence[object]]:
    count = len(CLASSES) + ("more-taxa" in defects) - ("fewer-taxa" in defects)
    rows: list[Sequence[object]] = [TAXA_COLUMNS]
    for label in range(count):
        names = f"Imitated Bird {label}", f"Avis imitata {label}", f"Birdidae (Birds, Fowl, and No. {label})", "Imitatiformes"
        rows.append((label, f"imibir{label}", 1000 + label, 3000 + label, f"{label + 100} {label + 200}", *names))
    return [*rows, rows[1]] if "label-twice" in defects else rows


def _written(rows: Sequence[Sequence[object]], defects: Sequence[str], quotes: bool) -> bytes:
    if "index-column" in defects:
        rows = [("" if n == 0 else n - 1, *row) for n, row in enumerate(rows)]
    if "blanks" in defects:
        rows = [rows[0], *([f"{cell} " for cell in row] for row in rows[1:])]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    said = text.getvalue() if quotes else text.getvalue().replace('"', "")
    return b"\xef\xbb\xbf" + said.replace("\n", "\r\n").encode() if "crlf-lists" in defects else said.encode()


def _break(folder: Path, defect: str) -> None:
    clip = folder / "483326.mp4"
    frames = imitation.pictures("broken", 1, RATE * SECONDS, *SIZES[0])
    if defect in imitation.BREAK:
        imitation.damage(clip, defect)
    elif defect == "lfs-pointers":
        for path in folder.glob("*.mp4"):
            imitation.pointer(path)
    elif defect == "all-missing":
        for path in folder.glob("*.mp4"):
            path.unlink()
        folder.rmdir()
    elif defect == "no-sound":
        imitation.clip(clip, frames, RATE, codecs=CODECS)
    elif defect == "silent":
        imitation.clip(clip, frames, RATE, np.zeros(SOUND * SECONDS, np.float32), SOUND, CODECS)
    elif defect == "one-frame":
        imitation.clip(clip, frames[:1], RATE, np.zeros(SOUND // 10, np.float32), SOUND, CODECS)
    elif defect == "same-key":
        clip.with_suffix(".MP4").write_bytes(clip.read_bytes())
    elif defect == "unlisted":
        for name in ("999999.mp4", "bird.mp4"):
            (folder / name).write_bytes(clip.read_bytes())
