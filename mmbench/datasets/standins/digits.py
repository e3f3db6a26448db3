"""What the stand-ins are made of: scikit-learn's handwritten digits, the shipped spoken ones, and how parts are normalised."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmbench.datasets.data import Part
from mmbench.errors import UserError

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SOUNDS = Path(__file__).parent / "spoken_digits.npz"
WRITTEN = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"  # sha256 of the written digits and what they are, as bytes


def table() -> Path:
    """What `load_digits` reads. scikit-learn itself is not imported: that takes as long as many a run of a stand-in."""
    found = find_spec("sklearn")
    places = (found.submodule_search_locations if found else None) or ["sklearn"]
    return Path(places[0]) / "datasets" / "data" / "digits.csv.gz"


def images() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's `load_digits`: 1,797 x 8 x 8 (float32, ink 1, paper 0) and the digits. UserError where it gives others."""
    try:
        rows = np.loadtxt(table(), delimiter=",")
    except OSError:
        raise UserError("scikit-learn's digits are missing, of which the stand-ins are made: install it by constraints.txt") from None
    pictures, shown = rows[:, :-1], rows[:, -1].astype(int)
    if hashlib.sha256(pictures.astype(np.uint8).tobytes() + shown.astype(np.uint8).tobytes()).hexdigest() != WRITTEN:
        raise UserError("scikit-learn's load_digits gives other digits than the stand-ins are made of: install it by constraints.txt")
    return (pictures.reshape(-1, 8, 8) / 16).astype(np.float32), shown


def sounds() -> dict[str, np.ndarray]:
    """The shipped archive, checked against the sha256 beside it: of "train" and "test", each with voices of its own, the
    spectrograms (n x 32 x 32, uint8) and `_labels`, `_voices`, `_keys`. UserError where it is missing or damaged."""
    checksum = SOUNDS.with_suffix(".sha256")
    for needed in (SOUNDS, checksum):
        if not needed.exists():
            raise UserError(f"stand-ins: the shipped file {needed.name} is missing: install mmbench again")
    content = SOUNDS.read_bytes()
    if hashlib.sha256(content).hexdigest() != checksum.read_text().split()[0]:
        raise UserError(f"stand-ins: {SOUNDS.name} is damaged (its sha256 is not the one in {checksum.name}): install mmbench again")
    with np.load(io.BytesIO(content)) as archive:
        return dict(archive)


def normalised(parts: Mapping[str, Part]) -> dict[str, Part]:
    """Each modality shifted and scaled to mean 0 and standard deviation 1 over the training part."""
    scale = {m: torch.std_mean(a) for m, a in parts["train"].arrays.items()}

    def normal(modality: str, array: Tensor) -> Tensor:
        spread, mean = scale[modality]
        return (array - mean) / spread

    return {name: replace(part, arrays={m: normal(m, a) for m, a in part.arrays.items()}) for name, part in parts.items()}
