"""MM-Debiased: ten classes that sound and picture tell equally well, of clips of VGGSound and of Kinetics-400 (two raw folders).

    vggsound/.../<ytid>_000017.mp4     kinetics-400/{train,val,test}/<ytid>_000017_000027.mp4     MM-Debiased.json beside them

The list is read by `mm_debiased_splits`. Paper: one frame a second, three of them; a spectrogram of 257x1003, window 512, overlap 353,
which 159,830 samples give at 16 kHz: shorter sounds are repeated, longer ones cut (ours; how theirs lost a column is not published).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from datasets_prep import kinetics, lists, mm_debiased_imitation, mm_debiased_splits, spectrogram, vggsound
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.kinetics import Clips
from datasets_prep.media import BOX
from datasets_prep.mm_debiased_splits import CLASSES, EXPECTED, KINETICS, VGGSOUND, VGGSOUND_NAMES, Listed
from mmbench.errors import UserError

SAMPLES = 512 + 1002 * (512 - 353)  # 1,003 columns

ARRAYS = {
    "psd-257x1003": Array(
        (257, 1003), "float32", "spectrogram", "repeated to or cut at 159,830 samples, log PSD 512 overlap 353, standardised", "clips",
        settings={"samples": SAMPLES, "n_fft": 512, "overlap": 353},
    ),
    "frames": Array(
        (BOX[1], BOX[0], 3), "uint8", "frames", "one frame a second, fitted into 340x256", "clips", ragged=True, typical=10, canvas=True,
        settings={"content": "rgb"},
    ),
}  # fmt: skip


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """Every listed clip, whether or not it is there."""
    listed = mm_debiased_splits.listed(sources)
    videos = {item.video for item in listed}
    roots = {root: kinetics.clips(root, videos) for root in set(sources.folders.values())}
    clips = {name: roots[root] for name, root in sources.folders.items()}
    items: list[Item] = []
    lacking: dict[str, list[str]] = {VGGSOUND: [], KINETICS: []}
    for item in listed:
        path, why = locate(item, clips)
        if path is None:
            lacking[item.source].append(item.name)
        items.append(Item(item.name, item.video, {"clips": str(path or f"{item.name}.mp4")}, {"why": why}))
    problems = [f"{source} is not given: name its folder with --raw {source}=DIR" for source in DATASET.folders if source not in clips]
    for source, names in lacking.items():
        if names:
            of = sum(item.source == source for item in listed)
            problems.append(f"{source}: {len(names):,} of {of:,} listed clips are not there: {lists.few(names)}")
    if sum(map(len, lacking.values())) == len(listed):
        raise UserError(f"none of the {len(listed):,} listed clips is there ({'; '.join(problems)}); expected {DATASET.layout}")
    problems += _agree(listed, sources)
    files = [str(mm_debiased_splits.path(sources))]
    return Found(sorted(items, key=lambda item: item.key), problems, files=files)


def locate(item: Listed, clips: Mapping[str, Clips]) -> tuple[Path | None, str]:
    """The clip in its own source, else under its own name in the other (the README of the list swaps the two); or why not."""
    own, id = clips.get(item.source), item.id
    others = [found for source, found in clips.items() if source != item.source]
    if id is not None:
        path = (own.find(id) if own else None) or next((found.by_id[id] for found in others if id in found.by_id), None)
        return path, "" if path else "is not there"
    if own is None:
        return None, "is not there"
    if item.video in own.by_video:
        return own.by_video[item.video], ""
    several = sorted(id for id in own.by_id if id.video == item.video)
    if len(several) > 1:
        return None, f"the list names the video alone, and there are {len(several)} clips of it: {lists.few([id.key for id in several])}"
    return (own.by_id[several[0]], "") if several else (None, "is not there")


def _agree(listed: Sequence[Listed], sources: Sources) -> list[str]:
    """What VGGSound's own csv, where it is there, says of the listed clips: other classes, and how many belong to its test part."""
    rows = vggsound.read([sources.lists, sources.folders.get(VGGSOUND)])
    if rows is None:
        return []
    said: list[str] = []
    tests: dict[str, int] = {"train": 0, "val": 0, "test": 0}
    mine = [(item, rows[id]) for item in listed if item.source == VGGSOUND and (id := item.id) in rows]
    for item, row in mine:
        tests[item.part] += row.part == "test"
        name = VGGSOUND_NAMES.get(row.label, row.label)
        if name != item.label:
            said.append(f"{item.name} ({row.label} there, {item.label} in the list)")
    problems = [f"{vggsound.CSV} has another class for {len(said):,} clips: {lists.few(said)}"] if said else []
    if any(tests.values()):
        counts = ", ".join(f"{count:,} in {part}" for part, count in tests.items())
        problems.append(f"of VGGSound's own test clips, {counts}: an encoder that has learned on VGGSound knows the others")
    return problems


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound and pictures of one clip."""
    if item.facts["why"]:
        return Made(skipped=dict.fromkeys(wanted, f"{item.key}: {item.facts['why']}"))
    return kinetics.made(Path(item.files["clips"]), wanted, recipe)


def recipe(name: str, sound: np.ndarray) -> np.ndarray:
    """The spectrogram of mono float32 at 16 kHz."""
    return spectrogram.log_psd(spectrogram.tiled(sound, 1, SAMPLES), kinetics.RATE)


DATASET = Dataset(
    id="mm-debiased",
    module=__name__,
    arrays=ARRAYS,
    preparations={"psd-257x1003": {"audio": "psd-257x1003", "visual": "frames"}},
    classes=CLASSES,
    groups="video",
    find=find,
    make=make,
    splits=mm_debiased_splits.splits,
    imitate=mm_debiased_imitation.imitate,
    defects=mm_debiased_imitation.DEFECTS,
    expected=EXPECTED,
    layout="vggsound/<youtube id>_000017.mp4 and kinetics-400/{train,val,test}/<youtube id>_000017_000027.mp4",
    folders=(VGGSOUND, KINETICS),
    speed=3.0,
)
