"""What a run reads, modality by modality, before anything is downloaded: the kind, shape and type of the stored arrays, as the dataset's
own file in `datasets_prep` says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmbench.errors import unknown


@dataclass(frozen=True)
class Stored:
    """One array. shape: of a row, or of an entry of a ragged row, of which there are `entries`. kind, settings: see `mmbench.rows`."""

    kind: str
    shape: tuple[int, ...]
    dtype: str
    entries: int = 0  # 0: fixed rows
    settings: Mapping[str, Any] = field(default_factory=dict)


TRIALS = {"voxceleb2": ("vox1-o-cleaned", "mmcosine-trials")}  # as its `expected.trials`, without loading it


def arrays(run: Mapping[str, Any]) -> dict[str, Stored]:
    """Modality -> the array that this run reads for it."""
    dataset, preparation = run["dataset"], run["preparation"]
    prepared = _prepared(dataset)
    if preparation not in prepared.preparations:
        raise unknown(f"preparation of {dataset}", preparation, prepared.preparations)
    named = {m: prepared.preparations[preparation][m] for m in run["modalities"]}
    names = {m: n if isinstance(n, str) else n.get(run.get("frame_rule", "middle"), n["*"]) for m, n in named.items()}
    return {m: _stored(prepared.arrays[name]) for m, name in names.items()}


def extras(run: Mapping[str, Any]) -> dict[str, Stored]:
    """What the task alone reads: labels of another shape than one per item, and the like."""
    prepared = _prepared(run["dataset"])
    named = {name: array if isinstance(array, str) else array[run["preparation"]] for name, array in prepared.extras.items()}
    return {name: _stored(prepared.arrays[array]) for name, array in named.items()}


def _prepared(dataset: str) -> Any:
    from datasets_prep import catalogue

    return catalogue.load(dataset)


def _stored(array: Any) -> Stored:
    return Stored(array.kind, tuple(array.shape), array.dtype, int(array.typical) if array.ragged else 0, array.settings)
