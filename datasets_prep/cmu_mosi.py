"""CMU-MOSI: 2,199 spoken opinions in text, voice and face, each with a score from -3 to 3. Facts: [D] MMSA's README, MultiBench's loader.

    unaligned_50.pkl aligned_50.pkl     MMSA: split -> id `video$_$clip`, text (BERT), audio, vision, regression_labels, annotations
    mosi_raw.pkl                        MultiBench: split -> id `video[segment]`, text (GloVe), audio, vision, labels

Two numberings: a store holds MMSA's items or MultiBench's. Which sign a score of 0 has is part of the split: `mmsa` takes 0 and more
against less, on all 686 test items; `mmsa-nonzero` leaves zeros out; `multibench` takes more than 0 against the rest. What is not
finite (audio holds -inf) becomes 0. The files are pickles: they are read by an unpickler that can run nothing (`pickles.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets_prep import cmu_mosi_files, cmu_mosi_imitation, lists
from datasets_prep.cmu_mosi_files import FORMS, Part
from datasets_prep.dataset import Array, Dataset, Expected, Found, Item, Made, Sources, Split
from datasets_prep.media import Unreadable
from mmbench.errors import UserError

MMSA = ("unaligned", "aligned")
SAYS = {"unaligned": "MMSA, each modality at its own pace", "aligned": "MMSA, at the pace of the words", "multibench": "MultiBench"}

ARRAYS = {
    f"{form}-{modality}": Array(shape, "float32", "values", f"{SAYS[form]}: {FORMS[form].file}", form)
    for form in FORMS for modality, shape in FORMS[form].shapes.items()
}  # fmt: skip
PREPARATIONS = {
    name: {modality: f"{form}-{modality}" for modality in FORMS[form].shapes}
    for name, form in (("mmsa-unaligned-nonnegative", "unaligned"), ("mmsa-aligned-nonnegative", "aligned"), ("multibench", "multibench"))
}
CLASSES = {
    "nonnegative": ("negative", "nonnegative"),
    "nonzero": ("negative", "positive"),
    "positive": ("nonpositive", "positive"),
}
EXPECTED = Expected(
    rows=2199,
    totals={"mmsa": {"train": 1284, "val": 229, "test": 686}, "multibench": {"train": 1283, "val": 214, "test": 686}},
    evidence="MMSA's README; an issue of MultiBench for its own build [D]",
)


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """The items of MMSA's files, or of MultiBench's where it is asked for alone, or is alone."""
    root = sources.folders[""]
    paths = {form: path for form in FORMS if (path := lists.find(FORMS[form].file, [root, sources.lists]))}
    if not paths:
        there = sorted(entry.name for entry in root.iterdir() if not entry.name.startswith("."))
        raise UserError(f"{root}: no {' and no '.join(f.file for f in FORMS.values())} in it; there is: {lists.few(there, 6) or 'nothing'}")
    other = {ARRAYS[name].source for name in wanted} == {"multibench"} or set(paths) == {"multibench"}
    mine = {form: path for form, path in paths.items() if (form == "multibench") == other}
    ids = {form: [id for part in cmu_mosi_files.names(form, path).values() for id in part.ids] for form, path in mine.items()}
    files = {form: str(path) for form, path in mine.items()}
    items = [Item(id, video(id), files, {"shared": True}) for id in sorted({id for of in ids.values() for id in of})]
    problems = []
    for form in mine:
        if lacking := sorted({item.key for item in items} - set(ids[form])):
            problems.append(f"{FORMS[form].file}: {len(lacking):,} of {len(items):,} items are not in it: {lists.few(lacking)}")
    absent = {name: _why(array.source, paths) for name, array in ARRAYS.items() if array.source not in mine}
    return Found(items, problems, absent=absent)


def _why(form: str, paths: dict[str, Path]) -> str:
    if form not in paths:
        return f"{FORMS[form].file} is not there"
    return "MMSA's and MultiBench's items are numbered differently: prepare the other with --only and another MMBENCH_DATA"


def video(id: str) -> str:
    """`03bSnISJMiM$_$1` and `03bSnISJMiM[1]` -> `03bSnISJMiM`."""
    return id.partition("$_$")[0] if "$_$" in id else id.rpartition("[")[0] or id


def make(item: Item, wanted: Sequence[str]) -> Made:
    """One item of each file."""
    made = Made()
    for form in dict.fromkeys(ARRAYS[name].source for name in wanted):
        arrays = {name: name.removeprefix(f"{form}-") for name in wanted if ARRAYS[name].source == form}
        try:
            values = cmu_mosi_files.row(form, Path(item.files[form]), item.key)
        except KeyError:
            made.skipped |= dict.fromkeys(arrays, f"{FORMS[form].file}: has no item {item.key}")
            continue
        except UserError as error:
            raise Unreadable(str(error)) from None
        for name, modality in arrays.items():
            odd = ~np.isfinite(values[modality])
            if odd.any():
                made.notes.append(f"{name}: {odd.sum():,} values are not finite: set to 0")
            made.arrays[name] = np.where(odd, 0, values[modality]).astype(np.float32)
    return made


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """`mmsa` and `mmsa-nonzero`, or `multibench`: parts as in the file, labels by the sign of the score."""
    files = found.items[0].files
    form = next(form for form in FORMS if form in files)
    parts = cmu_mosi_files.names(form, Path(files[form]))
    if form == "multibench":
        spoken = {name: [i for i, silent in enumerate(part.silent) if not silent] for name, part in parts.items()}
        made = [_split("multibench", "positive", parts, spoken, lambda score: score > 0)]
    else:
        every = {name: list(range(len(part.ids))) for name, part in parts.items()}
        signed = {name: [i for i, score in enumerate(part.scores) if score != 0] for name, part in parts.items()}
        made = [
            _split("mmsa", "nonnegative", parts, every, lambda s: s >= 0),
            _split("mmsa-nonzero", "nonzero", parts, signed, lambda s: s > 0),
        ]
    sums = {Path(path).name: cmu_mosi_files.sha256(Path(path)) for path in files.values()}
    known = {f.file: (sums[f.file] == f.sha256 if f.sha256 else None) for f in FORMS.values() if f.file in sums}
    others = {"multibench": "mmsa", "unaligned": "multibench", "aligned": "multibench"}[form]
    lacking = {others: "the store holds the items of " + ("MultiBench" if form == "multibench" else "MMSA")}
    return [Split(s.name, s.parts, s.order, lists=sums, known=known) for s in made], lacking


def _split(name: str, order: str, parts: dict[str, Part], chosen: dict[str, list[int]], upper: Callable[[float], bool]) -> Split:
    listed = {}
    for name_of, part in parts.items():
        labels = [CLASSES[order][int(upper(part.scores[i]))] for i in chosen[name_of]]
        listed[name_of] = ([part.ids[i] for i in chosen[name_of]], labels)
    return Split(name, listed, order)


DATASET = Dataset(
    id="cmu-mosi",
    module=__name__,
    arrays=ARRAYS,
    preparations=PREPARATIONS,
    classes=CLASSES,
    groups="video",
    find=find,
    make=make,
    splits=splits,
    imitate=cmu_mosi_imitation.imitate,
    defects=cmu_mosi_imitation.DEFECTS,
    expected=EXPECTED,
    layout="MOSI/Processed/unaligned_50.pkl and aligned_50.pkl (MMSA), or mosi_raw.pkl (MultiBench)",
    speed=150.0,
    processes=1,
    memory=1300,
)
