"""What a dataset hands to the training half: named parts with arrays per modality, joined by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass(frozen=True)
class Batch:
    """inputs: modality -> B x ... (float32 after transforms), the batch's own: a method may change them in `turns`;
    labels: B (int64), or what the task needs;
    index: B, positions in the part; keep: B x M bool, which modality of which sample is given (None: all)."""

    inputs: dict[str, torch.Tensor]
    labels: torch.Tensor
    index: torch.Tensor
    keep: torch.Tensor | None = None
    extras: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Part:
    """One part ("train", "test", "val") of a named split.

    arrays: modality -> array or tensor of N items, indexable by an int64 array (memory-mapped, or in memory).
    keys: N item names; groups: N names (actor, video, ...) or empty. extras: what only the task reads (masks, trial lists).
    """

    arrays: Mapping[str, Any]
    labels: Any
    keys: Sequence[str]
    groups: Sequence[str] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class Data:
    """A dataset as one run reads it. fingerprint: sha256 over what was read; stand_in: never yields a verdict."""

    name: str
    version: str
    split: str
    classes: tuple[str, ...]
    parts: Mapping[str, Part]
    fingerprint: str
    stand_in: bool = False
    imitation: bool = False  # written by `mmbench data imitate`: can never feed a verdict at `full`

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(next(iter(self.parts.values())).arrays)
