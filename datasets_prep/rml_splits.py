"""RML's classes and splits. CM-VQVAE's own lists are not released: a random tenth is ours, by speakers is MCN's. Counts [D] MCN."""

from __future__ import annotations

from collections.abc import Mapping

from datasets_prep import rules
from datasets_prep.dataset import Expected, Found, Sources, Split

CODES = {"an": "angry", "di": "disgust", "fe": "fear", "ha": "happy", "sa": "sad", "su": "surprise"}  # how a clip's name begins
CLASSES = {"alphabetical": tuple(CODES.values())}
FIRST, SECOND = ("s1", "s2", "s3", "s4", "s5"), ("s6", "s7", "s8")  # the speakers of rml-1 and of rml-2


def _counts(*numbers: int) -> Mapping[str, int]:
    return dict(zip(CODES.values(), numbers, strict=True))


EXPECTED = Expected(
    rows=720,
    counts={"speakers": {"train": _counts(66, 67, 67, 73, 66, 68), "test": _counts(54, 53, 53, 47, 54, 52)}},
    evidence="the README of albanie/mcnDatasets [D]",
)


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`random`: a tenth of each class by hash, speakers in both parts; `speakers`: rml-1 against rml-2, none in both."""
    keys, labels = [item.key for item in found.items], [item.facts["emotion"] for item in found.items]
    made, lacking = [rules.stratified("random", keys, labels, {"train": 0.9, "test": 0.1}, "alphabetical")], {}
    parts = {}
    for part, speakers in (("train", FIRST), ("test", SECOND)):
        mine = [item for item in found.items if item.group in speakers]
        parts[part] = ([item.key for item in mine], [item.facts["emotion"] for item in mine])
    if all(keys for keys, _ in parts.values()):
        made.append(Split("speakers", parts, "alphabetical"))
    else:
        lacking["speakers"] = "needs rml-1 (speakers s1 to s5) and rml-2 (s6 to s8): only one of them is here"
    return made, lacking
