"""RML: 720 clips of eight people, six emotions, six languages. Facts: [V] read in MCN's and CM-VQVAE's code, [D] documented.

    rml-1/s1/an1.avi      rml-2/s6/English/ha12.avi      some speakers have a folder per language [V]; 30 fps, 22,050 Hz mono [D]

The exact numbering was found nowhere: two letters for the emotion, then a number, with or without a blank, `_` or `-`. CM-VQVAE's
loader [V] cuts a square of 190 pixels from the middle where pictures are 240 high, else of 380, and takes sound at twice the rate
that the stream states: its "2.5 seconds" are 5 of a clip, read as if they were half as long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from datasets_prep import folders, lists, media, rml_imitation, rml_splits, spectrogram
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.media import Unreadable
from datasets_prep.rml_splits import CLASSES, CODES, EXPECTED
from mmbench.errors import UserError

NAME = re.compile(rf"({'|'.join(CODES)})[ _-]?(\d+)\.avi", re.IGNORECASE)
SPEAKER = re.compile(r"s[1-8]", re.IGNORECASE)
AROUND, SIDE = 22, 128  # frames either side of the middle; pixels
RATE, SECONDS = 32_000, 2.5

ARRAYS = {
    "mel-256x256": Array(
        (256, 256), "float32", "spectrogram", "first channel, 2.5 s in the middle at twice its rate, 32 kHz, mel in dB 2048/512/353",
        settings={"rate": RATE, "n_fft": 2048, "window": 512, "hop": 353, "mels": 256, "rate_taken": 2},
    ),
    "faces": Array(
        (SIDE, SIDE, 3), "uint8", "frames", "the 45 middle frames, a square of 190 or 380 from the middle, resized", ragged=True,
        typical=2 * AROUND + 1, settings={"content": "rgb"},
    ),
    "shared-labels": Array((1,), "bool", "values", "whether CREMA-D has its emotion too: all but surprise"),
}  # fmt: skip


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """Every clip below a speaker's folder, by speaker, language and name."""
    root, items, strange = sources.folders[""], [], []
    seen: dict[str, Path] = {}
    for path in folders.walk(root, deep=True):
        match, above = NAME.fullmatch(path.name), path.relative_to(root).parts[:-1]
        speaker = next((part.lower() for part in above if SPEAKER.fullmatch(part)), None)
        if not match or not speaker:
            strange += [str(path.relative_to(root))] if path.suffix.lower() == ".avi" else []
            continue
        code, number = match[1].lower(), int(match[2])
        language = [part.lower() for part in above[[p.lower() for p in above].index(speaker) + 1 :]]
        key = "-".join([speaker, *language, f"{code}{number:02}"])
        if key in seen:
            raise UserError(
                f"{root}: two clips have one key: {seen[key].relative_to(root)} and {path.relative_to(root)}: remove one of each"
            )
        seen[key] = path
        items.append(Item(key, speaker, {"clips": str(path)}, {"emotion": CODES[code]}))
    if not items:
        raise UserError(
            f"{root}: no clip below a speaker's folder s1 to s8; expected {DATASET.layout}; there is: {lists.few(strange) or 'no avi'}"
        )
    problems = [f"{len(strange)} clips have no emotion's name or no speaker and are left out: {lists.few(strange)}"] if strange else []
    return Found(sorted(items, key=lambda item: item.key), problems)


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound and pictures of one clip; either stays where the other cannot be made."""
    made, path = Made(), Path(item.files["clips"])
    if "shared-labels" in wanted:
        made.arrays["shared-labels"] = np.array([item.facts["emotion"] != "surprise"])
    try:
        pick = (lambda count, rate: middle(count)) if "faces" in wanted else None
        clip = media.clip(path, pick, sound="mel-256x256" in wanted)
    except Unreadable as error:
        raise Unreadable(f"{path.name}: {error}") from None
    for name, read in (("faces", _faces), ("mel-256x256", _mel)):
        if name in wanted:
            try:
                made.arrays[name] = read(clip)
            except Unreadable as error:
                made.skipped[name] = f"{path.name}: {error}"
    return made


def middle(count: int) -> list[int]:
    """Frames n/2 - 22 to n/2 + 22, as far as they exist."""
    return list(range(max(0, count // 2 - AROUND), min(count, count // 2 + AROUND + 1)))


def _faces(clip: media.Clip) -> np.ndarray:
    return np.stack([face(media.rgb(clip.frames[i])) for i in middle(clip.count)])


def face(picture: np.ndarray) -> np.ndarray:
    """The square in the middle, 128 x 128 (bilinear with antialias)."""
    height, width = picture.shape[:2]
    side = 190 if height == 240 else 380
    if min(height, width) < side:
        raise Unreadable(f"its pictures are {width}x{height}, expected 240 pixels of height, or at least {side}x{side}")
    top, left = (height - side) // 2, (width - side) // 2
    cut = picture[top : top + side, left : left + side]
    return np.asarray(Image.fromarray(cut).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def _mel(clip: media.Clip) -> np.ndarray:
    if clip.sound is None:
        raise Unreadable("has no sound track")
    rate = 2 * clip.sound_rate  # as the released loader takes it
    sound, length = clip.sound[0], int(SECONDS * rate)
    start = max(0, (len(sound) - length) // 2)
    heard = spectrogram.resample(sound[start : start + length], rate, RATE)
    return spectrogram.mel_decibels(heard, RATE, n_fft=2048, window=512, hop=353, mels=256, columns=256)


DATASET = Dataset(
    id="rml",
    module=__name__,
    arrays=ARRAYS,
    preparations={"mel-256x256": {"audio": "mel-256x256", "visual": "faces"}},
    extras={"subset.shared-labels": "shared-labels"},  # CM-VQVAE scores these clips alone
    classes=CLASSES,
    groups="speaker",
    find=find,
    make=make,
    splits=rml_splits.splits,
    imitate=rml_imitation.imitate,
    defects=rml_imitation.DEFECTS,
    expected=EXPECTED,
    layout="rml-1/s1/an1.avi to rml-2/s8/su9.avi, with or without a folder per language",
    speed=5.0,
)
