"""Kinetics-Sounds' classes and splits: OGM-GE's lists, BML's json, ARL's 33 classes, Kinetics' own parts. Counts [V]."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from datasets_prep import kinetics, lists
from datasets_prep.dataset import Expected, Found, Sources, Split
from datasets_prep.kinetics import Id
from mmbench.errors import UserError

# OGM-GE's ids 0 to 30 are the alphabetical order [V].
OGM = (
    "blowing nose", "blowing out candles", "bowling", "chopping wood", "dribbling basketball", "laughing", "mowing lawn",
    "playing accordion", "playing bagpipes", "playing bass guitar", "playing clarinet", "playing drums", "playing guitar",
    "playing harmonica", "playing keyboard", "playing organ", "playing piano", "playing saxophone", "playing trombone",
    "playing trumpet", "playing violin", "playing xylophone", "ripping paper", "shoveling snow", "shuffling cards", "singing",
    "stomping grapes", "tap dancing", "tapping guitar", "tapping pen", "tickling",
)  # fmt: skip
# The order of ARL's class.txt: the same and two more. Its paper says 34, its author that one was lost [V, D].
ARL = (
    "blowing nose", "bowling", "chopping wood", "ripping paper", "shuffling cards", "singing", "tapping pen", "tying tie",
    "blowing out candles", "dribbling basketball", "laughing", "mowing lawn", "shoveling snow", "stomping grapes", "tap dancing",
    "tapping guitar", "tickling", "finger snapping", "playing accordion", "playing bagpipes", "playing bass guitar", "playing clarinet",
    "playing drums", "playing guitar", "playing harmonica", "playing keyboard", "playing organ", "playing piano", "playing saxophone",
    "playing trombone", "playing trumpet", "playing violin", "playing xylophone",
)  # fmt: skip
CLASSES = {"ogm": OGM, "arl": ARL}

_TRAIN = (
    268, 690, 607, 512, 497, 445, 635, 478, 457, 605, 563, 486, 604, 592, 366, 339, 333, 489, 653, 538, 654, 386, 281, 493, 395, 672, 197,
    523, 433, 354, 254,
)  # fmt: skip
_TEST = (
    81, 92, 87, 87, 87, 68, 90, 90, 86, 79, 91, 88, 73, 85, 86, 91, 82, 84, 90, 90, 83, 91, 80, 92, 79, 66, 85, 84, 91, 76, 63,
)  # fmt: skip
_COUNTS = {"train": dict(zip(OGM, _TRAIN, strict=True)), "test": dict(zip(OGM, _TEST, strict=True))}
EXPECTED = Expected(
    rows=0,  # depends on the lists at hand
    counts={"ogm": _COUNTS, "bml": _COUNTS},
    evidence="counted in the lists of OGM-GE @343dc1d and BML @3b4aa4f [V]",
)

# md5 after newline normalisation [V]
KNOWN = {
    "my_train.txt": ("8c02b3b16031d9012d81b3e57ddd2f29",),
    "my_test.txt": ("b411ef45146ce14a62d702b44a24c971",),
    "KS_train_val.json": ("fd8bd2e9988a551299833a62761e581a",),
}
WHERE_OGM = "my_train.txt and my_test.txt from data/KineticSound of github.com/GeWu-Lab/OGM-GE_CVPR2022"
WHERE_BML = "KS_train_val.json from github.com/GeWu-Lab/BML_TPAMI2024"
WHERE_CSV = "annotations/train.csv and val.csv of Kinetics-400 (s3.amazonaws.com/kinetics/400/annotations)"
Listed = dict[str, list[tuple[Id, str]]]


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`ogm`, `bml`, `arl` and `kinetics-31`, each where its lists are there. Items are found by video and start."""
    made, lacking = [], {}
    every, files = listed(sources), paths(sources)
    for name, where in (("ogm", WHERE_OGM), ("bml", WHERE_BML), ("arl", WHERE_CSV), ("kinetics-31", WHERE_CSV)):
        if name not in every:
            lacking[name] = f"needs {where}: name their folder with --lists"
            continue
        parts = {part: ([id.key for id, _ in items], [label for _, label in items]) for part, items in every[name].items()}
        for part, (keys, _) in parts.items():
            lists.twice(keys, f"split {name}, part {part}")
        used = {
            n: p for n, p in files.items() if n in {"ogm": KNOWN.keys() - {"KS_train_val.json"}, "bml": {"KS_train_val.json"}}.get(name, ())
        }
        md5, known = lists.checked(used, KNOWN)
        rule = {
            "arl": "33 classes of ARL's code; train and val of Kinetics-400 as train and test",
            "kinetics-31": "OGM-GE's 31 classes, Kinetics-400's own parts",
        }
        made.append(Split(name, parts, "arl" if name == "arl" else "ogm", lists=md5, known=known, rule=rule.get(name, "")))
    return made, lacking


def paths(sources: Sources) -> dict[str, Path]:
    places = [sources.lists, *sources.folders.values()]
    return {name: path for name in KNOWN if (path := lists.find(name, places))}


def listed(sources: Sources) -> dict[str, Listed]:
    """Split -> part -> (clip, class), of the lists that are there."""
    files, found = paths(sources), {}
    if "my_train.txt" in files and "my_test.txt" in files:
        found["ogm"] = {part: _ogm(files[f"my_{part}.txt"], _stamp(files[f"my_{part}.txt"])) for part in ("train", "test")}
    if "KS_train_val.json" in files:
        found["bml"] = _bml(files["KS_train_val.json"], _stamp(files["KS_train_val.json"]))
    own = kinetics.own_lists([sources.lists, *sources.folders.values()])
    if "train" in own and "val" in own:
        arl = {part: [(id, label) for id, label in own[part] if label in ARL] for part in ("train", "val")}
        found["arl"] = {"train": arl["train"], "test": arl["val"]}
        kept = {part: [(id, label) for id, label in own[part] if label in OGM] for part in own}
        found["kinetics-31"] = kept if "test" in kept else {"train": kept["train"], "test": kept["val"]}
    return found


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns


@cache
def _ogm(path: Path, stamp: int) -> list[tuple[Id, str]]:
    """Rows `id,10,label`, no header; train ids end in _000058_000068, test ids in _2 [V]."""
    found = []
    for number, row in enumerate(lists.rows(path), 1):
        id = kinetics.parse(row[0])
        if len(row) != 3 or id is None or not row[2].strip().isdigit():
            raise UserError(
                f"{path}, line {number}: '{','.join(row)[:60]}' is not 'id,10,label' with an id like ytid_000058_000068 or ytid_58"
            )
        if int(row[2]) >= len(OGM):
            raise UserError(f"{path}, line {number}: label {row[2]}, but the 31 classes have the labels 0 to 30")
        found.append((id, OGM[int(row[2])]))
    return found


@cache
def _bml(path: Path, stamp: int) -> Listed:
    """{"labels": [31 names], "database": {id: {"subset", "label"}}}."""
    parts = {"training": "train", "validation": "val", "testing": "test"}
    found: Listed = {part: [] for part in parts.values()}
    try:
        content: dict[str, Any] = json.loads(lists.text(path))
        for name, entry in content["database"].items():
            id, label = kinetics.parse(name), str(entry["label"]).replace("_", " ")
            if id is None or label not in OGM:
                raise UserError(f"{path}: '{name}' with class '{label}' is none of the 31 classes' clips")
            found[parts[entry["subset"]]].append((id, label))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: is not BML's list ({type(error).__name__}: {error})") from None
    return {part: items for part, items in found.items() if items}
