"""A tiny RML: four speakers, six emotions, two sizes of pictures, one speaker with folders per language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets_prep import imitation
from datasets_prep.rml_splits import CODES

RATE, FRAMES, SOUND = 30, 12, 22_050
CODECS = ("mpeg4", "pcm_s16le")
LONG = "rml-1/s1/an1.avi"  # 60 frames and 6 s of sound: longer than what is kept

DEFECTS = {
    **imitation.GENERAL,
    "no-sound": "a clip without a sound track",
    "one-frame": "a clip of one frame",
    "small-picture": "a clip of 320x200",
    "same-key": "a clip twice, in names that mean the same",
    "other-name": "a clip whose name begins with no emotion",
    "no-speaker": "a clip outside of the speakers' folders",
    "capitals": "names in capital letters",
}


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/rml-1 and `folder`/rml-2, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    for path in paths():
        _clip(folder, path)
    for defect in defects:
        _break(folder, defect)


def paths() -> list[str]:
    """Every way of numbering that is accepted; s2 has the same names in two languages."""
    first = [f"rml-1/s1/{code}1.avi" for code in CODES]
    second = [f"rml-1/s2/{language}/{code}_01.avi" for language in ("English", "Urdu") for code in list(CODES)[:3]]
    third = [f"rml-2/s6/{code} {i}.avi" for i, code in enumerate(CODES, 1)]
    return [*first, *second, *third, *(f"rml-2/s7/{code}-10.avi" for code in CODES)]


def size(path: str) -> tuple[int, int]:
    """Width and height: rml-2 has the larger pictures."""
    return (400, 384) if path.startswith("rml-2") else (320, 240)


def sound(path: str) -> np.ndarray:
    label = list(CODES).index(path.rpartition("/")[2][:2])
    return imitation.tone(path, label, SOUND, 6.0 if path == LONG else FRAMES / RATE)


def _clip(folder: Path, path: str) -> None:
    label = list(CODES).index(path.rpartition("/")[2][:2])
    frames = imitation.pictures(path, label, 60 if path == LONG else FRAMES, *size(path))
    imitation.clip(folder / path, frames, RATE, sound(path), SOUND, CODECS, 1)


def _break(folder: Path, defect: str) -> None:
    path = folder / "rml-1/s1/di1.avi"
    frames, heard = imitation.pictures("broken", 1, FRAMES, 320, 240), np.zeros(8000, np.float32)
    if defect in imitation.BREAK:
        imitation.damage(path, defect)
    elif defect == "lfs-pointers":
        for clip in sorted(folder.rglob("*.avi")):
            imitation.pointer(clip)
    elif defect == "all-missing":
        for clip in sorted((folder / "rml-2").rglob("*.avi")):
            clip.unlink()
    elif defect == "no-sound":
        imitation.clip(path, frames, RATE, codecs=CODECS)
    elif defect == "one-frame":
        imitation.clip(path, frames[:1], RATE, heard, SOUND, CODECS, 1)
    elif defect == "small-picture":
        imitation.clip(path, np.ascontiguousarray(frames[:, :200]), RATE, heard, SOUND, CODECS, 1)
    elif defect == "same-key":
        path.with_name("di_001.avi").write_bytes(path.read_bytes())
    elif defect == "capitals":
        for clip in sorted(folder.rglob("*.avi")):
            clip.rename(clip.with_name(clip.name.upper()))
    elif defect == "other-name":
        path.rename(path.with_name("neutral1.avi"))
    elif defect == "no-speaker":
        path.rename(folder / "rml-1" / path.name)
