"""The feature files of CMU-MOSI in circulation, checked once per process: parts, ids, scores, and arrays in known shapes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets_prep import lists, pickles
from mmbench.errors import UserError

PARTS = {"train": "train", "valid": "val", "test": "test"}  # as the files name them
NAMES = {"audio": "audio", "visual": "vision", "text": "text"}  # modality -> name in the files
SIGNS = {-1: "negative", 0: "neutral", 1: "positive"}


@dataclass(frozen=True)
class Form:
    """One kind of file. shapes: modality -> of an item; score: the variable that holds it; sha256: of the published file."""

    file: str
    shapes: Mapping[str, tuple[int, int]]
    score: str
    sha256: str = ""


FORMS = {
    "unaligned": Form(
        "unaligned_50.pkl", {"audio": (375, 5), "visual": (500, 20), "text": (50, 768)}, "regression_labels",
        "78e0f8b5ef8ff71558e7307848fc1fa929ecb078203f565ab22b9daab2e02524",
    ),
    "aligned": Form(
        "aligned_50.pkl", {"audio": (50, 5), "visual": (50, 20), "text": (50, 768)}, "regression_labels",
        "d3994fd25681f9c7ad6e9c6596a6fe9b4beb85ff7d478ba978b124139002e5f9",
    ),
    "multibench": Form("mosi_raw.pkl", {"audio": (50, 74), "visual": (50, 35), "text": (50, 300)}, "labels"),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """ids: in the order of the file; scores: -3 to 3; silent: is the text all zeros; arrays: modality -> n x steps x numbers."""

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    silent: tuple[bool, ...]
    arrays: Mapping[str, np.ndarray]


def sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def names(form: str, path: Path) -> dict[str, Part]:
    """Ids and scores of each part, without the arrays: what the preparing process keeps."""
    return _names(form, path, path.stat().st_mtime_ns)


@lru_cache(8)
def _names(form: str, path: Path, stamp: int) -> dict[str, Part]:
    found = _read(form, path)
    lists.twice([id for part in found.values() for id in part.ids], str(path))
    return {name: Part(part.ids, part.scores, part.silent, {}) for name, part in found.items()}


def row(form: str, path: Path, id: str) -> dict[str, np.ndarray]:
    """Modality -> array of one item; the file is read at the first call in a process."""
    content, index = _whole(form, path, path.stat().st_mtime_ns)
    part, i = index[id]
    return {modality: values[i] for modality, values in content[part].arrays.items()}


@lru_cache(2)
def _whole(form: str, path: Path, stamp: int) -> tuple[dict[str, Part], dict[str, tuple[str, int]]]:
    content = _read(form, path)
    return content, {id: (name, i) for name, part in content.items() for i, id in enumerate(part.ids)}


def _read(form: str, path: Path) -> dict[str, Part]:
    given = pickles.load(path)
    if not isinstance(given, dict) or not set(PARTS) <= set(given) or not all(isinstance(given[part], dict) for part in PARTS):
        raise UserError(f"{path}: is no dictionary of {', '.join(PARTS)}, as the published file is")
    return {ours: _part(FORMS[form], f"{path}: {theirs}", given.pop(theirs)) for theirs, ours in PARTS.items()}


def _part(form: Form, where: str, given: dict[Any, Any]) -> Part:
    lacking = [name for name in ("id", form.score, *NAMES.values()) if name not in given]
    if lacking:
        raise UserError(f"{where}.{lacking[0]} is missing; there is: {lists.few([str(name) for name in given], 9)}")
    ids = pickles.texts(given["id"])
    if ids is None:
        raise UserError(f"{where}.id is no list of texts")
    arrays = {m: _array(f"{where}.{name}", pickles.plain(given[name]), (len(ids), *form.shapes[m])) for m, name in NAMES.items()}
    scores = _numbers(given[form.score])
    if scores.size != len(ids) or scores.dtype.kind not in "iuf" or not (np.abs(scores) <= 3).all():
        raise UserError(f"{where}.{form.score} is {scores.dtype} {scores.shape}, expected {len(ids):,} numbers from -3 to 3")
    _agree(where, ids, scores.ravel(), given.get("annotations"))
    silent = tuple(not text.any() for text in arrays["text"])
    return Part(tuple(ids), tuple(scores.ravel().tolist()), silent, arrays)


def _array(where: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype.kind != "f":
        said = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise UserError(f"{where} is {said}, expected floats {shape}")
    return value


def _numbers(value: Any) -> np.ndarray:
    """An array of numbers, or a list of them; empty for anything else."""
    found = pickles.plain(value)
    if isinstance(found, list) and all(isinstance(v, (int, float, np.number)) for v in found):
        return np.array([float(v) for v in found])
    return found if isinstance(found, np.ndarray) else np.array([])


def _agree(where: str, ids: Any, scores: np.ndarray, annotations: Any) -> None:
    """Where the file says the sign in words too, both must say the same."""
    words = None if annotations is None else pickles.texts(annotations)
    if words is None:
        return
    signs = [SIGNS[int(s)] for s in np.sign(scores)]
    off = [id for id, word, sign in zip(ids, words, signs, strict=False) if word.lower() != sign]
    if off or len(words) != len(signs):
        raise UserError(f"{where}: annotations and scores do not belong together ({lists.few(off) or len(words)})")
