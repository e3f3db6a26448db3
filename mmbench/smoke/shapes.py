"""What a run reads, modality by modality, before anything is downloaded: the kind, shape and type of the stored arrays.

Where a dataset can be prepared, its own file in `datasets_prep` says so, and is asked. For the others stands here what the facts and
the recipes say, each with its source; an entry goes when the preparation comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmbench.errors import UserError, unknown


@dataclass(frozen=True)
class Stored:
    """One array. shape: of a row, or of an entry of a ragged row, of which there are `entries`. kind, settings: see `mmbench.rows`."""

    kind: str
    shape: tuple[int, ...]
    dtype: str
    entries: int = 0  # 0: fixed rows
    settings: Mapping[str, Any] = field(default_factory=dict)


def _pictures(height: int, width: int, channels: int = 3, entries: int = 10, content: str = "rgb") -> Stored:
    return Stored("frames", (height, width, channels), "uint8", entries, {"content": content})


_MELS = {"rate": 16_000, "n_fft": 512, "frame": 400, "hop": 160, "mels": 40, "emphasis": 0.97}  # facts/mmcosine 1.9
_VOICE = Stored("wave", (), "int16", 64_240, {"window": 32_240, "test_window": 64_240, "short": "wrap", **_MELS})

BY_HAND: dict[tuple[str, str], dict[str, Stored]] = {
    # Waves of 400 frames and aligned faces of 224x224 at 2 fps (facts/datasets 10, facts/mmcosine 1.9).
    ("voxceleb2", "wave-16k"): {"audio": _VOICE, "visual": _pictures(224, 224, entries=8)},
}  # fmt: skip
TRIALS = {"voxceleb2": ("vox1-o-cleaned", "mmcosine-trials")}


def arrays(run: Mapping[str, Any]) -> dict[str, Stored]:
    """Modality -> the array that this run reads for it."""
    dataset, preparation = run["dataset"], run["preparation"]
    prepared = _prepared(dataset)
    if prepared is None:
        if (dataset, preparation) not in BY_HAND:
            raise UserError(f"{dataset}: smoke knows no shapes of its preparation '{preparation}': add them to mmbench/smoke/shapes.py")
        return {m: BY_HAND[dataset, preparation][m] for m in run["modalities"]}
    if preparation not in prepared.preparations:
        raise unknown(f"preparation of {dataset}", preparation, prepared.preparations)
    named = {m: prepared.preparations[preparation][m] for m in run["modalities"]}
    names = {m: n if isinstance(n, str) else n.get(run.get("frame_rule", "middle"), n["*"]) for m, n in named.items()}
    return {m: _stored(prepared.arrays[name]) for m, name in names.items()}


def extras(run: Mapping[str, Any]) -> dict[str, Stored]:
    """What the task alone reads: labels of another shape than one per item, and the like."""
    prepared = _prepared(run["dataset"])
    if prepared is None:
        return {}
    named = {name: array if isinstance(array, str) else array[run["preparation"]] for name, array in prepared.extras.items()}
    return {name: _stored(prepared.arrays[array]) for name, array in named.items()}


def _prepared(dataset: str) -> Any:
    from datasets_prep import catalogue

    return catalogue.load(dataset) if dataset in catalogue.MODULES else None


def _stored(array: Any) -> Stored:
    return Stored(array.kind, tuple(array.shape), array.dtype, int(array.typical) if array.ragged else 0, array.settings)
