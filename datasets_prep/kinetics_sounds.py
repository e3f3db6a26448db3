"""Kinetics-Sounds: the classes of Kinetics-400 that can be seen and heard; the media are Kinetics-400's own (see kinetics.py).

Sound is brought to 16 kHz mono first, as the recipes expect of their wav files. Pictures, one a second, are fitted into 340x256.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import kinetics, kinetics_sounds_imitation, kinetics_sounds_splits, lists, spectrogram
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.kinetics import RATE
from datasets_prep.kinetics_sounds_splits import CLASSES, EXPECTED, WHERE_BML, WHERE_CSV, WHERE_OGM
from datasets_prep.media import BOX
from mmbench.errors import UserError

TEN_SECONDS = 160_000

_FBANK = "Kaldi's log filter banks, 10 ms, {} window, 1,024 frames, normalised as by GeWu-Lab"
ARRAYS = {
    **{
        f"fbank-{window}": Array(
            (1024, 128), "float32", "spectrogram", _FBANK.format(window.title()), "clips", settings={"window": window, "mels": 128}
        )
        for window in ("hanning", "hamming")
    },
    "psd-257x1004": Array(
        (257, 1004), "float32", "spectrogram", "repeated to 10 s, log PSD 512 overlap 353, standardised", "clips",
        settings={"samples": TEN_SECONDS, "n_fft": 512, "overlap": 353},
    ),
    "wave-16k": Array(
        (), "int16", "wave", "doubled until it lasts 10 s; of it a window of 5 s is drawn, log |STFT| 256/128", "clips", ragged=True,
        typical=TEN_SECONDS, settings={"window": 80_000, "n_fft": 256, "hop": 128},
    ),
    "frames": Array(
        (BOX[1], BOX[0], 3), "uint8", "frames", "one frame a second, fitted into 340x256", "clips", ragged=True, typical=10, canvas=True,
        settings={"content": "rgb"},
    ),
}  # fmt: skip
PREPARATIONS = {
    "fbank-hanning": {"audio": "fbank-hanning", "visual": "frames"},
    "fbank-hamming": {"audio": "fbank-hamming", "visual": "frames"},
    "psd-257x1004": {"audio": "psd-257x1004", "visual": "frames"},
    "wave-stft-129x626": {"audio": "wave-16k", "visual": "frames"},
}


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """Every clip that one of the lists names, whether or not it is there."""
    root, problems = sources.folders[""], []
    every = kinetics_sounds_splits.listed(sources)
    ids = sorted({id for parts in every.values() for items in parts.values() for id, _ in items})
    if not ids:
        raise UserError(
            f"{root}: no list says which clips belong to Kinetics-Sounds: name a folder with --lists that has {WHERE_OGM}, or {WHERE_BML}, "
            f"or {WHERE_CSV}"
        )
    clips = kinetics.clips(root, {id.video for id in ids})
    items = []
    for id in ids:
        path = clips.find(id)
        items.append(Item(id.key, id.video, {"clips": str(path or root / f"{id.key}_{id.start + 10:06}.mp4")}))
    lacking = [item.key for item, id in zip(items, ids, strict=True) if clips.find(id) is None]
    if len(lacking) == len(ids):
        raise UserError(f"{root}: none of the {len(ids):,} listed clips is there; expected {DATASET.layout}")
    if lacking:
        problems.append(f"{len(lacking):,} of {len(ids):,} listed clips are not there: {lists.few(lacking)}")
    if clips.strange:
        problems.append(f"{len(clips.strange):,} videos have no clip's name and are left out: {lists.few(clips.strange)}")
    return Found(items, problems)


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound and pictures of one clip."""
    return kinetics.made(Path(item.files["clips"]), wanted, recipe)


def recipe(name: str, sound: np.ndarray) -> np.ndarray:
    """One of the sound arrays from mono float32 at 16 kHz."""
    if name == "psd-257x1004":
        return spectrogram.log_psd(spectrogram.tiled(sound, 1, TEN_SECONDS), RATE)
    if name == "wave-16k":
        while len(sound) < TEN_SECONDS:
            sound = np.concatenate([sound, sound])
        return np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)
    return spectrogram.fbank(sound, RATE, ARRAYS[name].settings["window"])


DATASET = Dataset(
    id="kinetics-sounds",
    module=__name__,
    arrays=ARRAYS,
    preparations=PREPARATIONS,
    classes=CLASSES,
    groups="video",
    find=find,
    make=make,
    splits=kinetics_sounds_splits.splits,
    imitate=kinetics_sounds_imitation.imitate,
    defects=kinetics_sounds_imitation.DEFECTS,
    expected=EXPECTED,
    layout="k400/{train,val,test}/<youtube id>_000040_000050.mp4",
    speed=3.0,
)
