"""The splits of CREMA-D: others' lists from the user's copy, and rules under their own names. All counts [V]."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets_prep import lists, pickles, rules
from datasets_prep.dataset import Expected, Found, Sources, Split
from mmbench.errors import UserError

OGM_ORDER = ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")  # OGM-GE, ARL
ALPHABETICAL = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")  # MMCosine, CM-VQVAE
CLASSES = {"ogm": OGM_ORDER, "alphabetical": ALPHABETICAL}

# md5 after newline normalisation: OGM-GE's repository (there with CRLF) and the copies in ARL's and MMCosine's [V]
KNOWN = {"train.csv": "fed7456459338dd201f334a53096d016", "test.csv": "e0fee7940422a75428d461b730a6e4a9"}
WHERE_OGM = "train.csv and test.csv from data/CREMAD of github.com/GeWu-Lab/OGM-GE_CVPR2022"
WHERE_CMVQVAE = "data_cremad/{train,val,test}_{videos,labels}.pkl from github.com/CyberAgentAILab/CM-VQVAE"


def _counts(*numbers: int) -> dict[str, int]:
    return dict(zip(ALPHABETICAL, numbers, strict=True))


EXPECTED = Expected(
    rows=7442,
    counts={
        "ogm": {"train": _counts(1166, 1142, 1138, 1148, 973, 1131), "test": _counts(105, 129, 133, 123, 114, 140)},
        "cmvqvae": {
            "train": _counts(1029, 1019, 1012, 1037, 847, 1010),
            "val": _counts(127, 122, 120, 117, 121, 137),
            "test": _counts(115, 130, 139, 117, 119, 124),
        },
    },
    known_bad={
        "1076_MTI_NEU_XX": "very short flv without sound [D]",
        "1076_MTI_SAD_XX": "flv with an error picture, silent wav [D]",
        "1064_TIE_SAD_XX": "flv without duration [D]",
        "1064_IEO_DIS_MD": "flv of a minute with all emotions [D]",
    },
    evidence="counted in the lists of OGM-GE @343dc1d and CM-VQVAE @1f0b535 [V]; bad clips by the README of CREMA-D @1658cd3 [D]",
)
PARTS = ("train", "val", "test")


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`ogm` and `cmvqvae` where their lists are there, `ogm-val` carved from the first; `speaker-independent` and `hash-90-10`."""
    made, lacking = [], {}
    places = [sources.lists, *sources.folders.values()]
    ogm = {name: lists.find(name, places) for name in KNOWN}
    if all(ogm.values()):
        split = _ogm({name: path for name, path in ogm.items() if path})
        made += [split, rules.carved(split, "ogm-val", "train", 0.1)]
    else:
        lacking["ogm"] = lacking["ogm-val"] = f"needs {WHERE_OGM}: put them into a folder and name it with --lists"
    files = [f"{part}_{what}.pkl" for part in PARTS for what in ("videos", "labels")]
    cmvqvae = {name: lists.find(name, places) for name in files}
    if all(cmvqvae.values()):
        made.append(_cmvqvae({name: path for name, path in cmvqvae.items() if path}))
    else:
        lacking["cmvqvae"] = f"needs {WHERE_CMVQVAE}: put them into a folder and name it with --lists"
    names = [item.key for item in found.items]
    labels = [emotion(name) for name in names]
    made.append(rules.by_group("speaker-independent", names, labels, [i.group for i in found.items], "actor", "alphabetical"))
    made.append(rules.stratified("hash-90-10", names, labels, {"train": 0.9, "test": 0.1}, "alphabetical"))
    return made, lacking


def emotion(name: str) -> str:
    return name.split("_")[2]


def _ogm(paths: dict[str, Path]) -> Split:
    """Rows `1088_IOM_NEU_XX,NEU`, no header."""
    parts = {}
    for name, path in paths.items():
        rows = lists.rows(path)
        for number, row in enumerate(rows, 1):
            if len(row) != 2 or row[1] not in OGM_ORDER:
                raise UserError(f"{path}, line {number}: '{','.join(row)[:60]}' is not 'clip,EMOTION' with one of {', '.join(OGM_ORDER)}")
            if row[0].count("_") != 3 or emotion(row[0]) != row[1]:
                raise UserError(f"{path}, line {number}: clip {row[0]} is listed as {row[1]}")
        lists.twice([row[0] for row in rows], str(path))
        parts[name.removesuffix(".csv")] = ([row[0] for row in rows], [row[1] for row in rows])
    md5, known = lists.checked(paths, KNOWN)
    return Split("ogm", parts, "ogm", lists=md5, known=known)


def _cmvqvae(paths: dict[str, Path]) -> Split:
    """Pickled lists: paths of flv files, and eight lists of labels of which the third is the emotion, in alphabetical order."""
    parts = {}
    for part in PARTS:
        videos, labels = (pickles.load(paths[f"{part}_{what}.pkl"]) for what in ("videos", "labels"))
        given_paths = pickles.texts(videos)
        if given_paths is None:
            raise UserError(f"{paths[f'{part}_videos.pkl']}: is no list of paths")
        names = [Path(video).stem for video in given_paths]
        given = _emotions(labels, len(names), paths[f"{part}_labels.pkl"])
        for name, label in zip(names, given, strict=True):
            if name.count("_") != 3 or emotion(name) != label:
                raise UserError(
                    f"{paths[f'{part}_labels.pkl']}: clip {name} is listed as {label}: videos and labels do not belong together"
                )
        lists.twice(names, str(paths[f"{part}_videos.pkl"]))
        parts[part] = (names, given)
    md5, known = lists.checked(paths, {})
    return Split("cmvqvae", parts, "alphabetical", lists=md5, known=known)


def _emotions(labels: Sequence[Sequence[int]], count: int, path: Path) -> list[str]:
    try:
        given = [ALPHABETICAL[int(label)] for label in labels[2]]
    except (TypeError, ValueError, LookupError):
        given = []
    if len(given) != count:
        raise UserError(f"{path}: is not eight lists of {count} labels each, the third of them 0 to 5")
    return given
