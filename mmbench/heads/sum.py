"""Summation (late fusion): z = sum over m of (W_m f_m + b_m). A modality left out takes its bias with it, so F = A + V."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor, nn

from mmbench.head import Head


@final
class Sum(Head):
    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        self.classifiers = nn.ModuleDict({m: nn.Linear(d, classes) for m, d in dims.items()})

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        own = self.unimodal(features)
        return sum((own[m] for m in self.modalities[1:]), own[self.modalities[0]])

    def coalition(self, features: Mapping[str, Tensor], keep: Tensor) -> Tensor:
        own = self.unimodal(features)
        kept = [own[m] * keep[..., i : i + 1].to(own[m].dtype) for i, m in enumerate(self.modalities)]
        return sum(kept[1:], kept[0])

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {m: self.classifiers[m](features[m]) for m in self.modalities}

    def parts(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(features)

    def weights(self) -> dict[str, Tensor]:
        return {m: self.classifiers[m].weight for m in self.modalities}  # pyright: ignore[reportReturnType]
