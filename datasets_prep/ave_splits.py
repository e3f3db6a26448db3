"""AVE's annotations, classes and splits, for both tasks. Everything was counted in the archive's own files [V].

A line is `Category&VideoID&Quality&StartTime&EndTime`, seconds; commas belong to names. Some copies of Annotations.txt have a header.
45 videos occur twice, with one segment and two classes (mostly male and female speech): a row is an item, and a segment a clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from datasets_prep import lists, rules
from datasets_prep.dataset import Expected, Found, Sources, Split
from mmbench.errors import UserError

# In the order of first appearance in Annotations.txt, which is that of the h5 labels.
CLASSES = (
    "Church bell", "Male speech, man speaking", "Bark", "Fixed-wing aircraft, airplane", "Race car, auto racing",
    "Female speech, woman speaking", "Helicopter", "Violin, fiddle", "Flute", "Ukulele", "Frying (food)", "Truck", "Shofar", "Motorcycle",
    "Acoustic guitar", "Train horn", "Clock", "Banjo", "Goat", "Baby cry, infant cry", "Bus", "Chainsaw", "Cat", "Horse", "Toilet flush",
    "Rodents, rats, mice", "Accordion", "Mandolin",
)  # fmt: skip
PARTS = ("train", "val", "test")
_TRAIN = (
    152,
    142,
    137,
    148,
    152,
    141,
    144,
    151,
    138,
    131,
    146,
    112,
    82,
    81,
    150,
    142,
    128,
    147,
    80,
    67,
    57,
    128,
    48,
    52,
    144,
    89,
    124,
    126,
)
_OTHER = (18, 17, 17, 18, 18, 17, 17, 18, 17, 16, 18, 13, 10, 9, 18, 17, 16, 18, 10, 8, 6, 16, 6, 6, 18, 10, 15, 15)  # val and test alike
COUNTS: dict[str, dict[str, int]] = {part: dict(zip(CLASSES, _TRAIN if part == "train" else _OTHER, strict=True)) for part in PARTS}
EXPECTED = Expected(
    rows=4097,
    counts={"official": COUNTS},
    known_bad={"VWi2ENBuTbw@0-0": "an event of no length [V]"},
    evidence="counted in the archive's lists, copy of DG-SCT [V]",
)
KNOWN = {
    "trainSet.txt": ("2dc3221d31326f676da757e1be1a96b5",),
    "valSet.txt": ("2cfcd1b8c604563206837d0ffff02598",),
    "testSet.txt": ("a3284e782bfe2f700f5b7f584616b58b",),
    "Annotations.txt": ("c571fd18b79af7f24e34994e090f8524", "7c454922c93b96afe888ae78c7b21fd5"),  # with a header, without
}
WHERE = "trainSet.txt, valSet.txt and testSet.txt from AVE_Dataset.zip (github.com/YapengTian/AVE-ECCV18)"


@dataclass(frozen=True)
class Row:
    """One annotated event: class, video, first and last second."""

    label: str
    video: str
    start: int
    end: int

    @property
    def key(self) -> str:
        return f"{self.video}@{self.start}-{self.end}"


def rows(path: Path) -> list[Row]:
    """The events of a list, without its header if it has one."""
    return _rows(path, path.stat().st_mtime_ns)


@cache
def _rows(path: Path, stamp: int) -> list[Row]:
    found = []
    for number, line in enumerate(lists.lines(path), 1):
        cells = line.split("&")
        if number == 1 and cells[:2] == ["Category", "VideoID"]:
            continue
        if len(cells) != 5 or cells[0] not in CLASSES or not (cells[3].isdigit() and cells[4].isdigit()):
            raise UserError(f"{path}, line {number}: '{line[:80]}' is not 'Category&VideoID&Quality&StartTime&EndTime' with a class of AVE")
        found.append(Row(cells[0], cells[1], int(cells[3]), int(cells[4])))
    return found


def paths(sources: Sources) -> dict[str, Path]:
    places = [sources.lists, *sources.folders.values()]
    return {name: path for name in KNOWN if (path := lists.find(name, places))}


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`official`: every row of the three lists; `arl`: each video once per part, with the label of its first row, as ARL's loader
    has it; without the lists a rule on Annotations.txt."""
    files, made, lacking = paths(sources), [], {}
    names = {part: f"{part}Set.txt" for part in PARTS}
    if all(name in files for name in names.values()):
        md5, known = lists.checked({name: files[name] for name in names.values()}, KNOWN)
        every = {part: rows(files[name]) for part, name in names.items()}
        parts = {part: (named(mine), [row.label for row in mine]) for part, mine in every.items()}
        of = {part: [row.key for row in mine] for part, mine in every.items()}
        made.append(Split("official", parts, "annotations", of, md5, known))
        once = {part: list({row.video: row for row in reversed(mine)}.values())[::-1] for part, mine in every.items()}
        firsts = {part: ([row.key for row in mine], [row.label for row in mine]) for part, mine in once.items()}
        made.append(Split("arl", firsts, "annotations", {}, md5, known, "the official lists, each video once, with its first label"))
    else:
        lacking["official"] = lacking["arl"] = f"needs {WHERE}: put them beside the clips, or name their folder with --lists"
    if "Annotations.txt" in files:
        first = {row.key: row for row in reversed(rows(files["Annotations.txt"]))}
        keys = sorted(first)
        made.append(
            rules.by_group("video-hash", keys, [first[k].label for k in keys], [first[k].video for k in keys], "video", "annotations")
        )
    return made, lacking


def named(mine: Sequence[Row]) -> list[str]:
    """A name for every row: its segment's key, and "#2" where the segment comes again with another class."""
    seen: dict[str, int] = {}
    found = []
    for row in mine:
        seen[row.key] = seen.get(row.key, 0) + 1
        found.append(row.key + (f"#{seen[row.key]}" if seen[row.key] > 1 else ""))
    return found
