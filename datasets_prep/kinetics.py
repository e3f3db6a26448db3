"""Clips of Kinetics-400 as its mirrors and crawlers name them, found by YouTube id and start. Facts: [D] documented.

    k400/train/_dbcJuKJQNs_000040_000050.mp4                       CVDF's mirror, flat
    k400/replacement/replacement_for_corrupted_k400/...mp4         wins over the original
    <class>/<id>_000040_000050.mp4, <id>_40.mp4, <id>.mp4          older crawlers
    annotations/{train,val,test}.csv                               label,youtube_id,time_start,time_end,split,is_cc

Ids are eleven characters and may hold or begin with "-" and "_": names are taken apart from the right, never at the first "_".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets_prep import lists, media, spectrogram
from datasets_prep.dataset import Made
from datasets_prep.folders import walk
from datasets_prep.media import Unreadable
from mmbench.errors import UserError

RATE = 16_000  # Hz, to which sound is brought before any recipe
SUFFIXES = (".mp4", ".mkv", ".webm", ".avi")
FULL = re.compile(r"(.{11})_(\d{6})_(\d{6})")
SHORT = re.compile(r"(.{11})_(\d{1,6})")


@dataclass(frozen=True, order=True)
class Id:
    """A clip: its video and the second at which it starts there."""

    video: str
    start: int

    @property
    def key(self) -> str:
        return f"{self.video}_{self.start:06}"


def parse(name: str) -> Id | None:
    """`ytid_000058_000068` or `ytid_58`; None for what is neither."""
    match = FULL.fullmatch(name) or SHORT.fullmatch(name)
    return Id(match.group(1), int(match.group(2))) if match else None


@dataclass(frozen=True)
class Clips:
    """by_id: clips named with their start; by_video: those named by the video alone; strange: names that are neither."""

    by_id: dict[Id, Path]
    by_video: dict[str, Path]
    strange: list[str]

    def find(self, id: Id) -> Path | None:
        return self.by_id.get(id) or self.by_video.get(id.video)


def clips(root: Path, wanted: Iterable[str]) -> Clips:
    """The clips of the wanted videos anywhere below root. UserError where two files are one clip; a replacement wins."""
    videos, found = set(wanted), Clips({}, {}, [])
    twice = []
    for path in walk(root, deep=True):
        if path.suffix.lower() not in SUFFIXES:
            continue
        id = parse(path.stem)
        if id is None and len(path.stem) != 11:
            found.strange.append(path.name)
            continue
        place, key = (found.by_video, path.stem) if id is None else (found.by_id, id)
        if (path.stem if id is None else id.video) not in videos:
            continue
        before = place.get(key)  # pyright: ignore[reportArgumentType, reportCallIssue]
        replaced = [p for p in (before, path) if p is not None and "replacement" in str(p.relative_to(root)).lower()]
        if before is not None and len(replaced) != 1:
            twice.append(f"{before.relative_to(root)} and {path.relative_to(root)}")
        place[key] = replaced[0] if before is not None and replaced else path  # pyright: ignore[reportArgumentType]
    if twice:
        raise UserError(f"{root}: two clips have one key: {lists.few(twice)}: remove one of each")
    return found


def own_lists(places: Iterable[Path | None]) -> dict[str, list[tuple[Id, str]]]:
    """Part -> (clip, label) of Kinetics' own csv files, as far as they are there; the validation file has two names."""
    places, found = list(places), {}
    for part, names in (("train", ["train.csv"]), ("val", ["val.csv", "validate.csv"]), ("test", ["test.csv"])):
        path = next((p for name in names if (p := lists.find(name, places))), None)
        if path is None:
            continue
        rows = lists.table(path, ["label", "youtube_id", "time_start"])
        try:
            found[part] = [(Id(row["youtube_id"], int(row["time_start"])), row["label"]) for row in rows]
        except ValueError as error:
            raise UserError(f"{path}: a start is no whole number ({error})") from None
    return found


def made(path: Path, wanted: Sequence[str], recipe: Callable[[str, np.ndarray], np.ndarray]) -> Made:
    """`frames`, and recipe(name, mono float32 at 16 kHz) of the others, from one pass over the clip; without a sound track the
    pictures stay."""
    found = Made()
    heard = [name for name in wanted if name != "frames"]
    try:
        if not path.exists():
            raise Unreadable("is not there")
        clip = media.clip(path, media.per_second_of if "frames" in wanted else None, sound=bool(heard))
    except Unreadable as error:
        found.skipped = dict.fromkeys(wanted, f"{path.name}: {error}")
        return found
    if "frames" in wanted:
        pictures = np.stack([media.fitted(frame) for _, frame in sorted(clip.frames.items())])
        found.arrays["frames"], found.sizes["frames"] = media.on_canvas(pictures), pictures.shape[1:3]
    if clip.sound is None or not clip.sound.size:
        found.skipped |= dict.fromkeys(heard, f"{path.name}: has no sound track")
        return found
    sound = spectrogram.resample(clip.sound.mean(0), clip.sound_rate, RATE)
    found.arrays |= {name: recipe(name, sound) for name in heard}
    return found
