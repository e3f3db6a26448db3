"""A tiny CMU-MOSI: a few items of five videos in MMSA's and MultiBench's pickles, shapes and dtypes as in the real ones."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep import imitation
from datasets_prep.cmu_mosi_files import FORMS, NAMES

COUNTS = {"train": ("va", "vb", "vc"), "valid": ("vd",), "test": ("ve",)}  # videos of three items each
SCORES = (-1.8, 0.0, 2.4)

DEFECTS = {
    "lfs-pointer": imitation.GENERAL["lfs-pointer"],
    "error-page": imitation.GENERAL["error-page"],
    "zero-bytes": imitation.GENERAL["zero-bytes"],
    "dot-underscore": imitation.GENERAL["dot-underscore"],
    "cut-short": "unaligned_50.pkl ends in its middle",
    "malicious": "unaligned_50.pkl is a program that would write a file",
    "no-unaligned": "without unaligned_50.pkl",
    "no-aligned": "without aligned_50.pkl",
    "multibench-alone": "mosi_raw.pkl alone",
    "old-protocol": "pickles of protocol 2, as Python 2 wrote them",
    "new-protocol": "pickles of protocol 5",
    "swapped": "audio and vision in each other's place",
    "double": "features as float64",
    "whole-numbers": "audio as whole numbers",
    "no-valid": "without a validation part",
    "no-text": "without text",
    "scores": "a score of 7",
    "annotations": "annotations that say another sign than the score",
    "id-twice": "an id that stands in two parts",
    "fewer-aligned": "aligned_50.pkl lacks an item",
    "silent": "an item of mosi_raw.pkl whose text is all zeros",
}


class Program:
    """What a malicious pickle asks for: to write a file beside itself when it is read."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"open({str(self.path)!r}, 'w').write('run')",)


def imitate(folder: Path, defects: Sequence[str]) -> None:
    """`folder`/MOSI/Processed with MMSA's files and `folder`/MultiBench/mosi_raw.pkl, with the named defects."""
    imitation.start(folder, defects, DEFECTS)
    protocol = 2 if "old-protocol" in defects else 5 if "new-protocol" in defects else 4
    gone = {"no-unaligned": ["unaligned"], "no-aligned": ["aligned"], "multibench-alone": ["unaligned", "aligned"]}
    for form, given in FORMS.items():
        if any(form in gone.get(defect, ()) for defect in defects):
            continue
        path = folder / ("MultiBench" if form == "multibench" else "MOSI/Processed") / given.file
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {part: _part(form, part, defects) for part in COUNTS if not (part == "valid" and "no-valid" in defects)}
        path.write_bytes(pickle.dumps(content, protocol))
    _break(folder / "MOSI/Processed" / FORMS["unaligned"].file, defects)


def ids(form: str, part: str) -> list[str]:
    return [f"{name}[{i}]" if form == "multibench" else f"{name}$_${i + 1}" for name in COUNTS[part] for i in range(3)]


def _part(form: str, part: str, defects: Sequence[str]) -> dict[str, Any]:
    names, scores = ids(form, part), np.array(SCORES * len(COUNTS[part]))
    if "fewer-aligned" in defects and form == "aligned" and part == "train":
        names, scores = names[:-1], scores[:-1]
    if "id-twice" in defects and part == "test":
        names[0] = ids(form, "train")[0]
    if "scores" in defects and part == "train":
        scores[1] = 7
    found: dict[str, Any] = {NAMES[m]: array(form, part, m)[: len(names)] for m in NAMES}
    if "swapped" in defects:
        found["audio"], found["vision"] = found["vision"], found["audio"]
    if "double" in defects:
        found = {name: value.astype(np.float64) for name, value in found.items()}
    if "whole-numbers" in defects:
        found["audio"] = np.nan_to_num(found["audio"], neginf=0).astype(np.int64)
    if "no-text" in defects:
        found.pop("text")
    if form == "multibench":
        if "silent" in defects and part == "test":
            found["text"][1] = 0
        return found | {"labels": scores[:, None, None].astype(np.float32), "id": np.array(names)}
    words = ["Negative" if s < 0 else "Neutral" if s == 0 else "Positive" for s in scores]
    if "annotations" in defects and part == "train":
        words[0] = "Positive"
    return found | {
        "id": names, "raw_text": np.array(["IT WAS GREAT"] * len(names)), "text_bert": np.zeros((len(names), 3, 50), np.float32),
        "annotations": words, "classification_labels": np.sign(scores) + 1, "regression_labels": scores.astype(np.float32),
        **({"audio_lengths": [375] * len(names), "vision_lengths": [500] * len(names)} if form == "unaligned" else {}),
    }  # fmt: skip


def array(form: str, part: str, modality: str) -> np.ndarray:
    """n x steps x numbers float32: the score can be told from the first number, and one value of the audio is -inf."""
    count = 3 * len(COUNTS[part])
    rng = imitation.stream(form, part, modality)
    found = rng.standard_normal((count, *FORMS[form].shapes[modality]), np.float32)
    found[:, :, 0] += np.tile(np.array(SCORES, np.float32), len(COUNTS[part]))[:, None]
    if modality == "audio":
        found[0, 3, 1] = -np.inf
    return found


def _break(path: Path, defects: Sequence[str]) -> None:
    for defect in defects:
        if defect == "malicious":
            path.write_bytes(pickle.dumps({"train": Program(path.with_name("written")), "valid": {}, "test": {}}))
        elif defect == "cut-short":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        elif defect in imitation.BREAK:
            imitation.damage(path, defect)
