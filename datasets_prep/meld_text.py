"""Vectors of MELD's sentences from a file, for copies that have no text model: MELD's own GloVe means, or BERT's made elsewhere.

    text_glove_average_emotion.pkl     of MELD.Features.Models.tar.gz: 300 numbers a sentence
    text_bert.pkl                      ours, of the same form: 768 numbers a sentence

Three dictionaries for train, dev and test, each `<Dialogue_ID>_<Utterance_ID>` -> vector. This form is remembered, not read ([R]): a
file of another form is refused by name. Pickles are read by an unpickler that can run nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep import pickles
from mmbench.errors import UserError

FILES = {"bert": "text_bert.pkl", "glove": "text_glove_average_emotion.pkl"}
PARTS = ("train", "val", "test")


def sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read(path: Path, size: int) -> Mapping[str, Mapping[str, np.ndarray]]:
    """Part -> `0_3` -> float32 vector of `size` numbers. UserError for a file of another form."""
    return _read(path, size, path.stat().st_mtime_ns)


@lru_cache(2)
def _read(path: Path, size: int, stamp: int) -> dict[str, dict[str, np.ndarray]]:
    given = pickles.load(path)
    if not isinstance(given, (list, tuple)) or len(given) != 3 or not all(isinstance(part, dict) for part in given):
        raise UserError(f"{path}: is no list of three dictionaries (train, dev, test) of 'dialogue_utterance' -> vector")
    return {
        part: {str(id): _vector(path, part, id, pickles.plain(value), size) for id, value in of.items()}
        for part, of in zip(PARTS, given, strict=True)
    }


def _vector(path: Path, part: str, id: Any, value: Any, size: int) -> np.ndarray:
    found = np.asarray(value).reshape(-1) if isinstance(value, (np.ndarray, list)) else np.array([])
    if found.dtype.kind != "f" or found.shape != (size,) or not np.isfinite(found).all():
        raise UserError(f"{path}: {part} {id} is {found.dtype} {found.shape}, expected {size} finite floats")
    return found.astype(np.float32)
