"""AVE for classification: one class per video, sound and pictures of the annotated event.

    AVE_Dataset/AVE/<VideoID>.mp4        4,097 clips of ten seconds
    AVE_Dataset/{Annotations,trainSet,valSet,testSet}.txt

The recipe is DI-MML's script, which ARL's folders come from: of the sound the seconds [start, end), repeated to 10 s; of the
pictures those at each whole second from start to end, both included. (The script adds random pictures until there are ten; ours
are those of the event alone.)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import ave_imitation, ave_splits, lists, media, spectrogram
from datasets_prep.ave_splits import CLASSES, EXPECTED, WHERE
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.folders import walk
from datasets_prep.media import BOX, Unreadable
from mmbench.errors import UserError

RATE, TEN_SECONDS = 16_000, 160_000

ARRAYS = {
    "psd-257x1004": Array(
        (257, 1004), "float32", "spectrogram", "16 kHz, the event repeated to 10 s, log PSD 512 overlap 353, standardised", "clips",
        settings={"rate": RATE, "samples": TEN_SECONDS, "n_fft": 512, "overlap": 353},
    ),
    "frames": Array(
        (BOX[1], BOX[0], 3), "uint8", "frames", "one frame a second of the event, fitted into 340x256", "clips", ragged=True, typical=9,
        canvas=True, settings={"content": "rgb"},
    ),
}  # fmt: skip
PREPARATIONS = {"psd-257x1004": {"audio": "psd-257x1004", "visual": "frames"}}


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """The annotated segments, and the clip of each where it is there."""
    root, files = sources.folders[""], ave_splits.paths(sources)
    events = {row.key: row for path in files.values() for row in ave_splits.rows(path)}
    if not events:
        raise UserError(f"{root}: no list says what happens when: needs {WHERE}, or Annotations.txt")
    clips: dict[str, Path] = {}
    twice = []
    for path in walk(root, deep=True):
        if path.suffix.lower() == ".mp4":
            twice += [f"{clips[path.stem].relative_to(root)} and {path.relative_to(root)}"] if path.stem in clips else []
            clips[path.stem] = path
    if twice:
        raise UserError(f"{root}: two clips have one key: {lists.few(twice)}: remove one of each")
    if not any(row.video in clips for row in events.values()):
        raise UserError(f"{root}: none of the {len(events):,} annotated clips is there; expected {DATASET.layout}")
    items, lacking = [], []
    for key, row in sorted(events.items()):
        if row.video not in clips:
            lacking.append(row.video)
        files_of = {"clips": str(clips.get(row.video, root / f"{row.video}.mp4"))}
        items.append(Item(key, row.video, files_of, {"start": row.start, "end": row.end}))
    problems = [f"{len(lacking):,} of {len(items):,} clips are not there: {lists.few(lacking)}"] if lacking else []
    return Found(items, problems)


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound and pictures of one event."""
    made, path = Made(), Path(item.files["clips"])
    start, end = item.facts["start"], item.facts["end"]
    try:
        if not path.exists():
            raise Unreadable("is not there")
        if end <= start:
            raise Unreadable("its event has no length")
        clip = media.clip(path, lambda count, rate: set(seconds(count, rate, start, end)) if "frames" in wanted else set(), sound=True)
    except Unreadable as error:
        made.skipped = dict.fromkeys(wanted, f"{path.name}: {error}")
        return made
    if "frames" in wanted:
        if clip.frames:
            pictures = np.stack([media.fitted(frame) for _, frame in sorted(clip.frames.items())])
            made.arrays["frames"], made.sizes["frames"] = media.on_canvas(pictures), pictures.shape[1:3]
        else:
            made.skipped["frames"] = f"{path.name}: has no picture between second {start} and {end}"
    if "psd-257x1004" in wanted:
        _heard(clip, path.name, start, end, made)
    return made


def _heard(clip: media.Clip, name: str, start: int, end: int, made: Made) -> None:
    if clip.sound is None:
        made.skipped["psd-257x1004"] = f"{name}: has no sound track"
        return
    sound = spectrogram.resample(clip.sound.mean(0), clip.sound_rate, RATE)[start * RATE : end * RATE]
    if not len(sound):
        made.skipped["psd-257x1004"] = f"{name}: its sound ends before second {start}"
        return
    made.arrays["psd-257x1004"] = spectrogram.log_psd(spectrogram.tiled(sound, 1, TEN_SECONDS), RATE)


def seconds(count: int, rate: float, start: int, end: int) -> list[int]:
    """The frames at each whole second from start to end, both included, as far as the clip goes."""
    return media.per_second(count, rate)[start : end + 1]


DATASET = Dataset(
    id="ave",
    module=__name__,
    arrays=ARRAYS,
    preparations=PREPARATIONS,
    classes={"annotations": CLASSES},
    groups="video",
    find=find,
    make=make,
    splits=ave_splits.splits,
    imitate=ave_imitation.imitate,
    defects=ave_imitation.DEFECTS,
    expected=EXPECTED,
    layout="AVE_Dataset/AVE/<VideoID>.mp4 beside trainSet.txt, valSet.txt and testSet.txt",
    speed=3.0,
)
