"""MELD's csv files, classes and parts. Columns, counts and md5 [V] counted in declare-lab/MELD @2d2011b; the bad clips [D] its issues.

Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime

Times have a comma and an hour of one or two digits ("0:12:43,012"); `Sr No.` is not unique; dialogue and utterance are, in a part.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from datasets_prep import lists
from datasets_prep.dataset import Expected, Found, Sources, Split
from mmbench.errors import UserError

PARTS = {"train": "train_splits", "val": "dev_splits_complete", "test": "output_repeated_splits_test"}  # part -> folder of its clips
FILES = {"train": "train_sent_emo.csv", "val": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
COLUMNS = ("Utterance", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "StartTime", "EndTime")
TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2}),(\d{1,3})")

# In the order of the official baseline's ids [V README].
EMOTIONS = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
SENTIMENTS = ("neutral", "positive", "negative")
CLASSES = {"emotion": EMOTIONS, "sentiment": SENTIMENTS}

_EMOTIONS = {
    "train": (4710, 1205, 268, 683, 1743, 271, 1109),
    "val": (470, 150, 40, 111, 163, 22, 153),
    "test": (1256, 281, 50, 208, 402, 68, 345),
}
_SENTIMENTS = {"train": (4710, 2334, 2945), "val": (470, 233, 406), "test": (1256, 521, 833)}
EXPECTED = Expected(
    rows=13_708,
    counts={
        "official": {part: dict(zip(EMOTIONS, counts, strict=True)) for part, counts in _EMOTIONS.items()},
        "sentiment": {part: dict(zip(SENTIMENTS, counts, strict=True)) for part, counts in _SENTIMENTS.items()},
    },
    known_bad={
        "train-dia125-utt3": "its clip is corrupt in the published archive",
        "val-dia110-utt7": "its clip is missing in the published archive",
    },
    evidence="counted in the csv files of declare-lab/MELD @2d2011b [V]; bad clips from its issues 22, 27 and 39 [D]",
)
KNOWN = {
    "train_sent_emo.csv": "3a33b022655c68961c440a83c93497ec",
    "dev_sent_emo.csv": "0ff1dda801c068b6e69bf8dd83218ac2",
    "test_sent_emo.csv": "46c92f610268c703cb1a0472c76925e5",
}


@dataclass(frozen=True)
class Row:
    """One utterance. id: `0_3`; name: of its clip; seconds: as its times state, 0 where they state none."""

    id: str
    name: str
    sentence: str
    emotion: str
    sentiment: str
    seconds: float

    def key(self, part: str) -> str:
        """`train-dia0-utt3`: ids repeat across the parts."""
        return f"{part}-{self.name.replace('_', '-')}"

    def dialogue(self, part: str) -> str:
        return self.key(part).rpartition("-")[0]


def paths(sources: Sources) -> dict[str, Path]:
    """Part -> csv file; UserError where one is missing."""
    places = [sources.lists, *sources.folders.values()]
    found = {part: path for part, name in FILES.items() if (path := lists.find(name, places))}
    lacking = [FILES[part] for part in FILES if part not in found]
    if lacking:
        raise UserError(
            f"{sources.folders['']}: no {' and no '.join(lacking)} in it: they stand in MELD.Raw and in data/MELD of "
            "github.com/declare-lab/MELD; name their folder with --lists"
        )
    return found


def tables(sources: Sources) -> dict[str, tuple[Row, ...]]:
    """Part -> utterances, in the order of the file."""
    return {part: _rows(path, path.stat().st_mtime_ns) for part, path in paths(sources).items()}


@lru_cache(8)
def _rows(path: Path, stamp: int) -> tuple[Row, ...]:
    found = [_row(f"{path}, row {number}", cells) for number, cells in enumerate(lists.table(path, COLUMNS), 1)]
    lists.twice([row.id for row in found], str(path))
    return tuple(found)


def _row(where: str, cells: dict[str, str]) -> Row:
    """Cells have blanks around them in some copies."""
    cells = {name: (cells.get(name) or "").strip() for name in COLUMNS}
    ids = cells["Dialogue_ID"], cells["Utterance_ID"]
    if not all(id.isdecimal() for id in ids):
        raise UserError(f"{where}: Dialogue_ID and Utterance_ID are '{ids[0]}' and '{ids[1]}', expected numbers")
    emotion, sentiment = cells["Emotion"].lower(), cells["Sentiment"].lower()
    for value, known in ((emotion, EMOTIONS), (sentiment, SENTIMENTS)):
        if value not in known:
            raise UserError(f"{where}: '{value}' is none of {', '.join(known)}")
    dialogue, utterance = map(int, ids)
    length = _seconds(where, cells["EndTime"]) - _seconds(where, cells["StartTime"])
    sentence = modern(cells["Utterance"])
    return Row(f"{dialogue}_{utterance}", f"dia{dialogue}_utt{utterance}", sentence, emotion, sentiment, max(0.0, length))


def _seconds(where: str, time: str) -> float:
    match = TIME.fullmatch(time)
    if not match:
        raise UserError(f"{where}: '{time}' is no time like 00:20:57,256 or 0:12:43,012: was the file changed by a spreadsheet?")
    hours, minutes, seconds, thousandths = map(int, match.groups())
    return 3600 * hours + 60 * minutes + seconds + thousandths / 1000


def modern(sentence: str) -> str:
    """Older copies hold Windows' punctuation as control characters (U+0092 for an apostrophe); newer ones do not [R]."""
    return "".join(bytes([ord(c)]).decode("cp1252", "replace") if 0x80 <= ord(c) <= 0x9F else c for c in sentence)


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`official`: seven emotions; `sentiment`: the same parts in three classes."""
    files, listed = paths(sources), tables(sources)
    sums = {path.name: lists.md5(path) for path in files.values()}
    known = {path.name: published(path) for path in files.values()}
    made = []
    for name, order in (("official", "emotion"), ("sentiment", "sentiment")):
        parts = {part: ([row.key(part) for row in rows], [getattr(row, order) for row in rows]) for part, rows in listed.items()}
        made.append(Split(name, parts, order, lists=sums, known=known))
    return made, {}


def published(path: Path) -> bool:
    """Is it the published file? Its md5 was taken with CRLF line ends; a copy may have others."""
    content = path.read_bytes().replace(b"\r\n", b"\n")
    forms = content, content.replace(b"\n", b"\r\n")
    return KNOWN[path.name.lower()] in [hashlib.md5(form).hexdigest() for form in forms]
