"""VoxCeleb2's speakers, VoxCeleb1's trials, the split of both. Counts and checksums: [D] of the dataset and VOXT, [V] of MMCosine's list.

vox2_meta.csv     VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set     blanks and tabs trail names and values; Set is dev or test
veri_test2.txt    1 id10270/x6uYqmx31kE/00001.wav id10270/8jEAjG6SegY/00008.wav     1: one speaker; Vox1-O as cleaned
veri_test.csv     the same with commas, MMCosine's: the trials of which both have a usable face
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from datasets_prep import lists
from datasets_prep.dataset import Expected, Found, Sources, Split
from datasets_prep.voxceleb2_files import SPEAKER, Utterances
from mmbench.errors import UserError

SPLIT, ORDER = "vox1-o", "sorted"
META = "vox2_meta.csv"
LISTS = {"vox1-o-cleaned": "veri_test2.txt", "mmcosine-trials": "veri_test.csv"}  # the first is a task's own
KNOWN = {"veri_test2.txt": "b73110731c9223c1461fe49cb48dddfc", "veri_test.csv": "da693a747104cb6ab3ddb6d473489787"}
WHERE = {
    META: f"{META} from the page of VoxCeleb2 (robots.ox.ac.uk/~vgg/data/voxceleb)",
    "veri_test2.txt": "veri_test2.txt, the cleaned trials, from the page of VoxCeleb1 (robots.ox.ac.uk/~vgg/data/voxceleb)",
    "veri_test.csv": "veri_test.csv from data/vox of github.com/GeWu-Lab/MMCosine_ICASSP23",
}
EXPECTED = Expected(
    rows=0,  # of VoxCeleb1 the speakers that the lists name are kept, and nothing is published about their utterances
    totals={SPLIT: {"train": 1_092_009}},
    trials={"vox1-o-cleaned": 37_611, "mmcosine-trials": 27_270},
    evidence="the pages of VoxCeleb and voxceleb_trainer @f51bab8 [D], the list of MMCosine_ICASSP23 [V]",
)
TRAINED, TESTED = ".m4a", ".wav"  # how official names end, whatever lies there
ID = re.compile(r"id\d{5}")
NAME = re.compile(r"/?((id\d{5})/[^/]+/\d{5}\.wav)")


def path(name: str, sources: Sources) -> Path | None:
    """A list's file: with --lists, beside the raw folders, in them, or one folder deeper (a million clips are not searched for it)."""
    if found := lists.find(name, [sources.lists]):
        return found
    around = [root.parent for source, root in sources.folders.items() if root.name == source]
    places = dict.fromkeys([*around, *sources.folders.values()])
    return next((p for place in places for below in (name, f"*/{name}") for p in sorted(place.glob(below)) if p.is_file()), None)


def speakers(sources: Sources) -> tuple[str, ...]:
    """Those of the dev part, sorted: the classes. UserError where the metadata are not there or are something else."""
    found = path(META, sources)
    if found is None:
        raise UserError(f"no {META}: it says who is trained on: name the folder of {WHERE[META]} with --lists")
    header, *body = lists.rows(found) or [[]]
    names = [name.strip() for name in header]
    if lacking := [name for name in ("VoxCeleb2 ID", "Set") if name not in names]:
        raise UserError(f"{found}: has no column '{lacking[0]}'; its first line is: {','.join(header)[:100]}")
    dev = []
    for number, row in enumerate(body, 2):
        of = dict(zip(names, (value.strip() for value in row), strict=False))
        if not ID.fullmatch(of["VoxCeleb2 ID"]) or of.get("Set") not in ("dev", "test"):
            raise UserError(f"{found}, line {number}: '{','.join(row)[:60]}' is not a speaker like id00012 with a Set of dev or test")
        dev += [of["VoxCeleb2 ID"]] if of["Set"] == "dev" else []
    lists.twice(dev, str(found))
    return tuple(sorted(dev))


def trials(sources: Sources) -> dict[str, tuple[str, ...]]:
    """List name -> its lines `label first second`, of the lists that are there. UserError where none is."""
    files = {name: found for name, file in LISTS.items() if (found := path(file, sources))}
    if not files:
        raise UserError(f"no trial list: name the folder of {' or of '.join(WHERE[file] for file in LISTS.values())} with --lists")
    return {name: _trials(file, file.stat().st_mtime_ns) for name, file in files.items()}


@lru_cache(4)
def _trials(path: Path, stamp: int) -> tuple[str, ...]:
    """UserError for a line that is no trial, or that calls two speakers one."""
    found = []
    for number, line in enumerate(lists.text(path).split("\n"), 1):
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        pair = [NAME.fullmatch(name) for name in fields[1:]]
        if len(pair) != 2 or fields[0] not in ("0", "1") or not (pair[0] and pair[1]):
            raise UserError(
                f"{path}, line {number}: '{line.strip()[:80]}' is not 'label id10270/video/00001.wav id10271/video/00002.wav' with a label "
                f"of 0 or 1"
            )
        if (pair[0][2] == pair[1][2]) != (fields[0] == "1"):
            raise UserError(f"{path}, line {number}: label {fields[0]} for {pair[0][2]} and {pair[1][2]}: 1 is for one speaker, 0 for two")
        found.append(f"{fields[0]} {pair[0][1]} {pair[1][1]}")
    if len({line[0] for line in found}) != 2:
        raise UserError(f"{path}: has no pairs of one speaker, or none of two")
    return tuple(found)


def named(listed: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int, str]]:
    """Every utterance of the lists, once: the list's name, the trial's number from 1, the key."""
    seen: set[str] = set()
    for name, lines in listed.items():
        for number, line in enumerate(lines, 1):
            for key in line.split()[1:]:
                if key not in seen:
                    seen.add(key)
                    yield name, number, key


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`vox1-o`: every utterance of VoxCeleb2's dev part, and those of VoxCeleb1 that the trial lists name, which are of no class."""
    assert isinstance(found.items, Utterances)
    listed = trials(sources)
    train, test = [key for key in found.items.keys if key.endswith(TRAINED)], sorted(key for *_, key in named(listed))
    parts = {"train": (train, [key[:SPEAKER] for key in train]), "test": (test, [""] * len(test))}
    used = {LISTS[name]: file for name in listed if (file := path(LISTS[name], sources))}
    md5, known = lists.checked(used, KNOWN)
    absent = {name: file for name, file in LISTS.items() if file not in used}
    lacking = {f"{SPLIT} with {name}": f"needs {WHERE[file]}: name its folder with --lists" for name, file in absent.items()}
    return [Split(SPLIT, parts, ORDER, lists=md5, known=known, trials={"test": listed})], lacking
