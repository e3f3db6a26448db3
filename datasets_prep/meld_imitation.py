"""A tiny MELD: thirteen utterances in three parts, ids that repeat across them, clips that nobody labelled."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import imitation
from datasets_prep.meld_splits import EMOTIONS, FILES, PARTS

RATE, SECONDS, SOUND = 10, 2, 44_100
WIDTH, HEIGHT = 96, 54
CODECS = ("libx264", "aac")
HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
# (dialogue, utterance) of each part; the same ids in all; (155, 3) states no duration
IDS = {
    "train": ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2)),
    "val": ((0, 0), (0, 1), (1, 0)),
    "test": ((0, 0), (0, 1), (155, 3)),
}

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "a clip without a sound track",
    "one-frame": "a clip of one frame",
    "wrong-cut": "a clip of 40 seconds",
    "flat": "the three folders of clips side by side, without train/, dev/ and test/",
    "still-packed": "train.tar.gz not yet unpacked",
    "unlabelled": "clips that are in no csv file, under two kinds of names",
    "csv-below": "train_sent_emo.csv below train/",
    "no-csv": "without dev_sent_emo.csv",
    "old-letters": "apostrophes as U+0092, a byte order mark, LF line ends",
    "blanks": "blanks behind the cells, emotions with a capital letter",
    "other-column": "a column with another name",
    "other-emotion": "an emotion that MELD does not have",
    "no-time": "times as a spreadsheet rewrites them",
    "no-number": "a dialogue without a number",
    "id-twice": "an utterance twice in one file",
    "same-key": "a clip twice, in names that differ in their case alone",
    "no-vectors": "without a file of sentence vectors",
    "no-glove": "without MELD's own vectors",
    "fewer-vectors": "text_bert.pkl lacks an utterance",
    "other-vectors": "text_bert.pkl with vectors of another length",
    "other-pickle": "text_bert.pkl is no list of three dictionaries",
    "malicious": "text_bert.pkl is a program that would write a file",
}


class Program:
    """What a malicious pickle asks for: to write a file beside itself when it is read."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return exec, (f"open({str(self.path)!r}, 'w').write('run')",)


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/MELD.Raw and `folder`/features, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    for part, ids in IDS.items():
        place = folder / "MELD.Raw" / {"val": "dev"}.get(part, part) / PARTS[part]
        for number, (dialogue, utterance) in enumerate(ids):
            name, label = f"{part}-{dialogue}-{utterance}", emotion(number)
            frames = imitation.pictures(name, label, RATE * SECONDS, WIDTH, HEIGHT)
            sound = imitation.tone(name, label, SOUND, SECONDS)
            imitation.clip(place / f"dia{dialogue}_utt{utterance}.mp4", frames, RATE, sound, SOUND, CODECS)
    describe(folder, defects)


def describe(folder: Path, defects: Sequence[str]) -> None:
    """All but the clips: tables and vectors; then what the defects do to the clips."""
    root = folder / "MELD.Raw"
    for part in PARTS:
        if not (part == "val" and "no-csv" in defects):
            below = root / "train" if part == "train" and "csv-below" in defects else root
            (below / FILES[part]).write_bytes(_table(part, defects))
    _vectors(folder / "features", defects)
    for defect in defects:
        _break(root, defect)


def emotion(number: int) -> int:
    return number % len(EMOTIONS)


def sentence(part: str, number: int) -> str:
    """A comma, quotes and letters beyond ASCII."""
    return f"“Oh, my God”, it’s {part} — number {number}…"


def _table(part: str, defects: Sequence[str]) -> bytes:
    """CRLF, UTF-8; hours of one digit in every second row; running numbers that repeat."""
    lines = [HEADER.replace("Emotion", "Emotions") if "other-column" in defects and part == "train" else HEADER]
    for number, (dialogue, utterance) in enumerate(IDS[part]):
        label = EMOTIONS[emotion(number)]
        mood = {"neutral": "neutral", "surprise": "positive", "joy": "positive"}.get(label, "negative")
        hour, end = "0" if number % 2 else "00", "20:57,256" if dialogue == 155 else "20:59,256"
        times = f'"{hour}:20:57,256","{hour}:{end}"'
        if part == "train" and number == 1:
            label = "boredom" if "other-emotion" in defects else label
            times = "20:57.3,20:59.3" if "no-time" in defects else times
        id = f"{'' if 'no-number' in defects and part == 'test' else dialogue},{utterance}"
        if "blanks" in defects:
            label, mood, id = f"{label.title()} ", f" {mood}  ", id.replace(",", " , ")
        lines.append(f'{number // 2},"{sentence(part, number)}",Ross Geller,{label},{mood},{id},8,21,{times}')
    if "id-twice" in defects and part == "train":
        lines.append(lines[-1])
    text = "\r\n".join([*lines, ""])
    if "old-letters" in defects:
        return b"\xef\xbb\xbf" + text.replace("’", "\x92").replace("\r\n", "\n").encode()
    return text.encode()


def vector(part: str, number: int, size: int) -> np.ndarray:
    """The emotion can be told from the first numbers."""
    found = imitation.stream(part, number, size).standard_normal(size).astype(np.float32)
    found[emotion(number)] += 4
    return found


def _vectors(folder: Path, defects: Sequence[str]) -> None:
    if "no-vectors" in defects:
        return
    folder.mkdir()
    for name, size in (("text_bert.pkl", 768), ("text_glove_average_emotion.pkl", 300)):
        length = size - 1 if "other-vectors" in defects else size
        given = [{f"{d}_{u}": vector(part, n, length) for n, (d, u) in enumerate(ids)} for part, ids in IDS.items()]
        if "fewer-vectors" in defects:
            del given[0]["0_1"]
        content = {"train": given[0]} if "other-pickle" in defects else given
        (folder / name).write_bytes(pickle.dumps(content, 2))
    if "no-glove" in defects:
        (folder / "text_glove_average_emotion.pkl").unlink()
    if "malicious" in defects:
        (folder / "text_bert.pkl").write_bytes(pickle.dumps([Program(folder / "written"), {}, {}]))


def _break(root: Path, defect: str) -> None:
    inner = next(path for path in root.rglob("train_splits"))
    path = inner / "dia0_utt1.mp4"
    frames = imitation.pictures("broken", 1, RATE * SECONDS, WIDTH, HEIGHT)
    if defect in imitation.BREAK:
        imitation.damage(path, defect)
    elif defect == "lfs-pointers":
        for clip in sorted(root.rglob("*.mp4")):
            imitation.pointer(clip)
    elif defect == "all-missing":
        for clip in sorted(root.rglob("*.mp4")):
            clip.unlink()
    elif defect == "flat":
        for name in PARTS.values():
            next(root.rglob(name)).rename(root / name)
    elif defect == "still-packed":
        inner.rename(root / "not_yet")
        (root / "train" / "train.tar.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    elif defect == "no-sound":
        imitation.clip(path, frames, RATE, codecs=CODECS)
    elif defect == "one-frame":
        imitation.clip(path, frames[:1], RATE, np.zeros(SOUND // 10, np.float32), SOUND, CODECS)
    elif defect == "wrong-cut":
        imitation.clip(path, np.repeat(frames, 20, 0), RATE, imitation.tone("broken", 1, SOUND, 40.0), SOUND, CODECS)
    elif defect == "unlabelled":
        for name in ("dia66_utt9.mp4", "final_videos_testdia0_utt0.mp4"):
            (inner / name).write_bytes(path.read_bytes())
    elif defect == "same-key":
        (inner / "DIA0_UTT1.mp4").write_bytes(path.read_bytes())
