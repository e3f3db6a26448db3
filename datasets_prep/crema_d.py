"""CREMA-D: 7,442 clips of 91 actors, twelve sentences in six emotions. Facts: [V] opened and counted, [D] documented.

    CREMA-D/AudioWAV/1001_DFA_ANG_XX.wav     16 kHz mono [D]
    CREMA-D/VideoFlash/1001_DFA_ANG_XX.flv   480x360, about 30 fps, sound 44.1 kHz stereo [D]

AudioMP3 is never read: eleven groups of its files are byte-identical, silent most likely [V]. The split of OGM-GE, MMCosine and ARL
(`ogm`), and CM-VQVAE's, belong to others: they are read from the user's copy of the lists. Rule-based ones are always there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datasets_prep import crema_d_imitation, crema_d_splits, folders, lists, media, spectrogram
from datasets_prep.crema_d_splits import CLASSES, EXPECTED
from datasets_prep.dataset import Array, Dataset, Found, Item, Made, Sources
from datasets_prep.media import Unreadable

NAME = r"(\d{4}_[A-Z]{3}_(?:ANG|DIS|FEA|HAP|NEU|SAD)_(?:XX|LO|MD|HI))"
WIDTH, HEIGHT = 480, 360
FACE = 280  # pixels: rows from the top, columns about the middle (CM-VQVAE)
AROUND = 15  # frames either side of the middle that CM-VQVAE draws from

ARRAYS = {
    "stft-257x188": Array(
        (257, 188), "float32", "spectrogram", "OGM-GE, ARL's code: 22,050 Hz, three times, 3 s, log |STFT| 512/353, not normalised",
        "AudioWAV",
        settings={"rate": 22_050, "samples": 66_150, "n_fft": 512, "hop": 353},
    ),
    "psd-257x299": Array(
        (257, 299), "float32", "spectrogram", "MMCosine: 16 kHz, three times, 3 s, log PSD 512 overlap 353, standardised", "AudioWAV",
        settings={"rate": 16_000, "samples": 48_000, "n_fft": 512, "overlap": 353},
    ),
    "psd-257x1004": Array(
        (257, 1004), "float32", "spectrogram", "PMR: 22,050 Hz, ten times, 160,000 samples, log PSD 512 overlap 353, standardised",
        "AudioWAV",
        settings={"rate": 22_050, "samples": 160_000, "n_fft": 512, "overlap": 353},
    ),
    "mel-256x256": Array(
        (256, 256), "float32", "spectrogram", "CM-VQVAE: the clip's own sound, 44.1 kHz, mono, mel in dB 2048/512/353", "VideoFlash",
        settings={"rate": 44_100, "n_fft": 2048, "window": 512, "hop": 353, "mels": 256},
    ),
    "middle": Array((HEIGHT, WIDTH, 3), "uint8", "frames", "the middle frame", "VideoFlash", settings={"content": "rgb"}),
    "frames": Array(
        (HEIGHT, WIDTH, 3), "uint8", "frames", "one frame a second, the first among them", "VideoFlash", ragged=True, typical=3,
        settings={"content": "rgb"},
    ),
    "faces": Array(
        (128, 128, 3), "uint8", "frames", "CM-VQVAE: the 31 middle frames, 280x280 from the top, resized", "VideoFlash", ragged=True,
        typical=2 * AROUND + 1, settings={"content": "rgb"},
    ),
}  # fmt: skip
_PICTURES = {"middle": "middle", "*": "frames"}
PREPARATIONS = {
    name: {"audio": name, "visual": {"*": "faces"} if name == "mel-256x256" else _PICTURES}
    for name in ("stft-257x188", "psd-257x299", "psd-257x1004", "mel-256x256")
}
SUFFIX = {"AudioWAV": "wav", "VideoFlash": "flv"}


def find(sources: Sources, wanted: Sequence[str]) -> Found:
    """The clips of both folders, and those that the dataset's own tables name, by clip name."""
    root, problems = sources.folders[""], []
    there: dict[str, dict[str, Path]] = {}
    for name in sorted({ARRAYS[array].source for array in wanted} or SUFFIX):
        folder = folders.needed(root, name, DATASET.layout, tuple(SUFFIX))
        found, strange = folders.files(folder, rf"{NAME}\.{SUFFIX[name]}")
        there[name] = {stem.upper(): path for stem, path in found.items()}
        if strange:
            problems.append(f"{name}: {len(strange)} files have no clip's name and are left out: {lists.few(strange)}")
    keys = sorted({*_named(root), *(key for found in there.values() for key in found)})
    for name, found in there.items():
        lacking = [key for key in keys if key not in found]
        if lacking:
            problems.append(f"{name}: {len(lacking):,} of {len(keys):,} clips are not there: {lists.few(lacking)}")
    absent = {name: next(iter(found.values())).parent if found else root / name for name, found in there.items()}
    items = [
        Item(key, key[:4], {name: str(found.get(key, absent[name] / f"{key}.{SUFFIX[name]}")) for name, found in there.items()})
        for key in keys
    ]
    return Found(items, problems)


def _named(root: Path) -> list[str]:
    """The clips that the tables in the archive name; none where the tables are not there."""
    path = lists.find("SentenceFilenames.csv", [root])
    return [] if path is None else [row["Filename"].upper() for row in lists.table(path, ["Filename"])]


def make(item: Item, wanted: Sequence[str]) -> Made:
    """Sound recipes from the wav, pictures and CM-VQVAE's sound from the flv; a failure of one file leaves the other's arrays."""
    made = Made()
    for source, read in (("AudioWAV", _heard), ("VideoFlash", _seen)):
        arrays = [name for name in wanted if ARRAYS[name].source == source]
        if not arrays:
            continue
        where = f"{source}/{Path(item.files[source]).name}"
        try:
            if not Path(item.files[source]).exists():
                raise Unreadable("is not there")
            read(item.files[source], arrays, made)
        except Unreadable as error:
            made.skipped |= {name: f"{where}: {error}" for name in arrays if name not in made.arrays}
    return made


def _heard(path: str, wanted: Sequence[str], made: Made) -> None:
    sound, rate = media.wave(path)
    if not np.abs(sound).max() > 0:
        made.notes.append("the sound is silence")
    by_rate: dict[int, np.ndarray] = {}
    for name in wanted:
        settings = ARRAYS[name].settings
        if settings["rate"] not in by_rate:
            by_rate[settings["rate"]] = spectrogram.resample(sound, rate, settings["rate"])
        cut = spectrogram.tiled(by_rate[settings["rate"]], 10 if name == "psd-257x1004" else 3, settings["samples"])
        made.arrays[name] = (
            spectrogram.log_stft(cut, settings["n_fft"], settings["hop"])
            if "hop" in settings
            else spectrogram.log_psd(cut, settings["rate"])
        )


def _seen(path: str, wanted: Sequence[str], made: Made) -> None:
    def pick(count: int, rate: float) -> set[int]:
        chosen: set[int] = {count // 2}
        chosen |= set(media.per_second(count, rate)) if "frames" in wanted else set()
        return chosen | (set(middle(count)) if "faces" in wanted else set())

    pictures = any(name in wanted for name in ("middle", "frames", "faces"))
    clip = media.clip(path, pick if pictures else None, sound="mel-256x256" in wanted)
    for frame in clip.frames.values():
        if (frame.width, frame.height) != (WIDTH, HEIGHT):
            raise Unreadable(f"its pictures are {frame.width}x{frame.height}, expected {WIDTH}x{HEIGHT}")
    if "middle" in wanted:
        made.arrays["middle"] = media.rgb(clip.frames[clip.count // 2])
    if "frames" in wanted:
        made.arrays["frames"] = np.stack([media.rgb(clip.frames[i]) for i in media.per_second(clip.count, clip.rate)])
    if "faces" in wanted:
        made.arrays["faces"] = np.stack([face(media.rgb(clip.frames[i])) for i in middle(clip.count)])
    if "mel-256x256" in wanted:
        if clip.sound is None:
            raise Unreadable("has no sound track")
        made.arrays["mel-256x256"] = _mel(clip.sound.mean(0), clip.sound_rate)


def middle(count: int) -> list[int]:
    """Frames n/2 - 15 to n/2 + 15, as far as they exist."""
    return list(range(max(0, count // 2 - AROUND), min(count, count // 2 + AROUND + 1)))


def face(picture: np.ndarray) -> np.ndarray:
    """The square in which the face is, by CM-VQVAE's fixed rule, at 128x128 (bilinear with antialias)."""
    left = (WIDTH - FACE) // 2
    return np.asarray(Image.fromarray(picture[:FACE, left : left + FACE]).resize((128, 128), Image.Resampling.BILINEAR))


@cache
def _settings() -> dict[str, Any]:
    return {name: value for name, value in ARRAYS["mel-256x256"].settings.items() if name != "rate"}


def _mel(sound: np.ndarray, rate: int) -> np.ndarray:
    return spectrogram.mel_decibels(spectrogram.resample(sound, rate, 44_100), 44_100, columns=256, **_settings())


DATASET = Dataset(
    id="crema-d",
    module=__name__,
    arrays=ARRAYS,
    preparations=PREPARATIONS,
    classes=CLASSES,
    groups="actor",
    find=find,
    make=make,
    splits=crema_d_splits.splits,
    imitate=crema_d_imitation.imitate,
    defects=crema_d_imitation.DEFECTS,
    expected=EXPECTED,
    layout="CREMA-D/AudioWAV/1001_DFA_ANG_XX.wav and CREMA-D/VideoFlash/1001_DFA_ANG_XX.flv",
    speed=13.0,  # measured, see README.md
)
