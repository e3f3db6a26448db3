"""MM-Debiased's list, classes and counts: MM-Debiased.json of GeWu-Lab/Valuate-and-Enhance-Multimodal-Cooperation @7ed12b0 [V].

    {id: {"subset": "training" | "validation" | "testing", "label": class}}

The form of an id says where the clip is from: `ytid_17` is VGGSound's, 17 the second at which it starts; `ytid_000017_000027` and a
bare `ytid` are Kinetics-400's. The README of that repository gives the two examples the wrong way round; the clips say this [V].
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from datasets_prep import lists
from datasets_prep.dataset import Expected, Found, Sources, Split
from datasets_prep.kinetics import Id
from mmbench.errors import UserError

FILE = "MM-Debiased.json"
WHERE = f"{FILE} from MM-Debiased of github.com/GeWu-Lab/Valuate-and-Enhance-Multimodal-Cooperation"
VGGSOUND, KINETICS = "vggsound", "kinetics-400"
PARTS = {"training": "train", "validation": "val", "testing": "test"}

# No order is published; sorted names are ours.
SORTED = (
    "bowling", "cleaning floor", "lawn mowing", "motorcycling", "playing cello", "playing flute", "playing piano", "singing", "whistling",
    "writing on blackboard",
)  # fmt: skip
CLASSES = {"sorted": SORTED}
_COUNTS = {
    "train": (1369, 1281, 1061, 1188, 1099, 1108, 1131, 1140, 1175, 816),
    "val": (143, 133, 111, 124, 115, 115, 118, 119, 122, 85),
    "test": (159, 150, 131, 169, 173, 127, 131, 194, 140, 98),
}
EXPECTED = Expected(
    rows=14_025,
    counts={"released": {part: dict(zip(SORTED, counts, strict=True)) for part, counts in _COUNTS.items()}},
    evidence="counted in MM-Debiased.json [V]",
)
KNOWN = {FILE: "5a9bd0f120ec471bbae7308eba146ef2"}
# What VGGSound calls a class of the list, where it is another name [V on the clips of its test part].
VGGSOUND_NAMES = {
    "striking bowling": "bowling", "vacuum cleaner cleaning floors": "cleaning floor", "driving motorcycle": "motorcycling",
    "people whistling": "whistling", "child singing": "singing", "female singing": "singing", "male singing": "singing",
    "writing on blackboard with chalk": "writing on blackboard",
}  # fmt: skip

FULL = re.compile(r"(.{11})_(\d{6})_(\d{6})")
SHORT = re.compile(r"(.{11})_(\d{1,5})")


@dataclass(frozen=True)
class Listed:
    """One line of the list. start: None where the id is a video alone."""

    name: str
    source: str
    video: str
    start: int | None
    part: str
    label: str

    @property
    def id(self) -> Id | None:
        return None if self.start is None else Id(self.video, self.start)


def path(sources: Sources) -> Path:
    """The list: with --lists, beside the folders of the sources, or in them."""
    around = [folder.parent for name, folder in sources.folders.items() if folder.name == name]
    beside = [place / below / FILE for place in around for below in ("", "MM-Debiased")]
    found = next((p for p in beside if p.is_file()), None) if sources.lists is None else None
    found = found or lists.find(FILE, [sources.lists, *sources.folders.values()])
    if found is None:
        raise UserError(f"no {FILE}: the list says which clips belong to MM-Debiased: name the folder of {WHERE} with --lists")
    return found


def listed(sources: Sources) -> tuple[Listed, ...]:
    """All clips, in the order of the list."""
    found = path(sources)
    return _listed(found, found.stat().st_mtime_ns)


@lru_cache(4)
def _listed(path: Path, stamp: int) -> tuple[Listed, ...]:
    try:
        pairs = json.loads(lists.text(path), object_pairs_hook=list)
        entries = [(name, dict(entry)) for name, entry in pairs]
        found = tuple(_entry(path, name, entry["subset"], entry["label"]) for name, entry in entries)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: is not the list of MM-Debiased ({type(error).__name__}: {str(error)[:60]})") from None
    lists.twice([item.name for item in found], str(path))
    return found


def _entry(path: Path, name: str, subset: Any, label: Any) -> Listed:
    if subset not in PARTS or label not in SORTED:
        raise UserError(f"{path}: '{name}' is of subset '{subset}' and class '{label}', expected {', '.join(PARTS)} and one of the ten")
    if match := FULL.fullmatch(name):
        return Listed(name, KINETICS, match[1], int(match[2]), PARTS[subset], label)
    if match := SHORT.fullmatch(name):
        return Listed(name, VGGSOUND, match[1], int(match[2]), PARTS[subset], label)
    if len(name) == 11:
        return Listed(name, KINETICS, name, None, PARTS[subset], label)
    raise UserError(f"{path}: '{name}' is no clip's id like ytid_17, ytid_000017_000027 or ytid (a video's id has 11 characters)")


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`released`: the parts of the list. 185 videos stand in more than one of them, which verify tells."""
    parts: dict[str, tuple[Sequence[str], Sequence[str]]] = {}
    for part in PARTS.values():
        mine = [item for item in listed(sources) if item.part == part]
        parts[part] = [item.name for item in mine], [item.label for item in mine]
    md5, known = lists.checked({FILE: path(sources)}, KNOWN)
    return [Split("released", parts, "sorted", lists=md5, known=known)], {}
