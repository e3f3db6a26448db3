"""A tiny CREMA-D: three actors, six emotions, in the true layout and formats, with the dataset's own quirks."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import imitation
from datasets_prep.crema_d_splits import ALPHABETICAL

ACTORS = ("1001", "1064", "1076")
CLIPS = [f"{actor}_DFA_{emotion}_XX" for actor in ACTORS for emotion in ALPHABETICAL]
CLIPS += [f"1001_IEO_{emotion}_{'XX' if emotion == 'NEU' else 'HI'}" for emotion in ALPHABETICAL]
BAD = ("1076_MTI_SAD_XX", "1076_MTI_NEU_XX")  # as in the real set: one frame and silence; one frame and no sound track
SECONDS, RATE = 0.6, 30

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "a flv without a sound track, as 28 files before 16 Dec 2020",
    "one-frame": "a flv of one frame",
    "small-picture": "a flv of 320x240 in place of 480x360",
    "case-changed": "file names in small letters, as some file systems make them",
    "same-key": "two wav files whose names differ only in case",
    "unknown-clip": "the list names a clip that does not exist",
    "wrong-label": "the list gives a clip another emotion than its name",
    "listed-twice": "the list names a clip twice",
    "lf-lists": "the lists with LF line ends, as in ARL's and MMCosine's copies",
    "no-lists": "no list at all",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """Write the raw tree `folder`/CREMA-D and the lists `folder`/lists, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    root = folder / "CREMA-D"
    for name in (*CLIPS, *BAD):
        _clip(root, name)
    _tables(root)
    if "no-lists" not in defects:
        _lists(folder / "lists", defects)
    for defect in defects:
        _break(root, defect)


def _clip(root: Path, name: str) -> None:
    label, bad = ALPHABETICAL.index(name.split("_")[2]), name in BAD
    sound = imitation.tone(name, label, 16_000, SECONDS) * (0 if name == BAD[0] else 1)
    frames = imitation.pictures(name, label, 1 if bad else int(SECONDS * RATE), 480, 360)
    heard = None if name == BAD[1] else imitation.tone(name, label, 44_100, SECONDS) * (0 if bad else 1)
    imitation.wav(root / "AudioWAV" / f"{name}.wav", sound, 16_000)
    imitation.clip(root / "VideoFlash" / f"{name}.flv", frames, RATE, heard, codecs=("flv1", "libmp3lame"))


def _tables(root: Path) -> None:
    """Quoted csv files; the first has no newline at its end, the second an unnamed column of row numbers."""
    names = sorted((*CLIPS, *BAD))
    (root / "SentenceFilenames.csv").write_text(
        "\n".join(['"Stimulus_Number","Filename"', *(f'{i},"{n}"' for i, n in enumerate(names, 1))])
    )
    votes = [f'"{i}","{n}","N","69.1","A:F","30.67:51.00","{n.split("_")[2][0]}","64.78"' for i, n in enumerate(names, 1)]
    head = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"'
    (root / "processedResults").mkdir()
    (root / "processedResults" / "summaryTable.csv").write_text("\n".join([head, *votes, ""]))
    people = [f'{actor},51,"Male","Caucasian","Not Hispanic"' for actor in ACTORS]
    (root / "VideoDemographics.csv").write_text("\n".join(['"ActorID","Age","Sex","Race","Ethnicity"', *people, ""]))


def _lists(folder: Path, defects: Sequence[str]) -> None:
    folder.mkdir()
    names = sorted((*CLIPS, *BAD), key=lambda name: imitation.stream(name).random())
    test = [name for name in names if name in CLIPS][::4]
    train = [name for name in names if name not in test]
    end = "\n" if "lf-lists" in defects else "\r\n"
    rows = {"train": [f"{name},{name.split('_')[2]}" for name in train], "test": [f"{name},{name.split('_')[2]}" for name in test]}
    if "unknown-clip" in defects:
        rows["train"].append("1099_DFA_SAD_XX,SAD")
    if "wrong-label" in defects:
        rows["train"][0] = rows["train"][0][:-3] + ("ANG" if rows["train"][0].endswith("SAD") else "SAD")
    if "listed-twice" in defects:
        rows["test"].append(rows["test"][0])
    for part, lines in rows.items():
        (folder / f"{part}.csv").write_text(end.join([*lines, ""]), newline="")
    (folder / "stat.csv").write_bytes(b"\xef\xbb\xbf" + end.join(["NEU", "HAP", "SAD", "FEA", "DIS", "ANG", ""]).encode())
    parts = {"train": train[:-5], "val": train[-5:], "test": test}
    (folder / "data_cremad").mkdir()
    for part, clips in parts.items():
        videos = [f"../../datasets/CREMA-D/CREMA-D/VideoFlash/{name}.flv" for name in clips]
        labels = [[int(n[:4]) - 1001 for n in clips], [0] * len(clips), [ALPHABETICAL.index(n.split("_")[2]) for n in clips]]
        labels += [[0] * len(clips) for _ in range(5)]
        (folder / "data_cremad" / f"{part}_videos.pkl").write_bytes(pickle.dumps(videos))
        (folder / "data_cremad" / f"{part}_labels.pkl").write_bytes(pickle.dumps(labels))


def _break(root: Path, defect: str) -> None:
    flv, wav = root / "VideoFlash" / "1001_IEO_DIS_HI.flv", root / "AudioWAV" / "1001_DFA_FEA_XX.wav"
    frames = imitation.pictures("broken", 1, 20, 480, 360)
    sound = imitation.tone("broken", 1, 44_100, SECONDS)
    flash = ("flv1", "libmp3lame")
    if defect in imitation.BREAK:
        imitation.damage(flv if defect in ("cut-short", "error-page") else wav, defect)
    elif defect == "lfs-pointers":
        for path in (*root.glob("AudioWAV/*.wav"), *root.glob("VideoFlash/*.flv")):
            imitation.pointer(path)
    elif defect == "all-missing":
        for path in root.glob("VideoFlash/*"):
            path.unlink()
        (root / "VideoFlash").rmdir()
    elif defect == "no-sound":
        imitation.clip(flv, frames, RATE, codecs=flash)
    elif defect == "one-frame":
        imitation.clip(flv, frames[:1], RATE, sound, codecs=flash)
    elif defect == "small-picture":
        imitation.clip(flv, np.ascontiguousarray(frames[:, :240, :320]), RATE, sound, codecs=flash)
    elif defect == "case-changed":
        for path in sorted(root.glob("VideoFlash/*.flv")):
            path.rename(path.with_name(path.name.lower()))
    elif defect == "same-key":
        wav.with_name(wav.name.lower()).write_bytes(wav.read_bytes())
