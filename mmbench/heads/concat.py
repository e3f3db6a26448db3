"""Concatenation: z = W [f_1; ...; f_M] + b. A modality's own logits are W_m f_m + b (the full bias; OGM's half stays in `ogm`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn

from mmbench.head import Head


@final
class Concat(Head):
    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        self.widths = [dims[m] for m in self.modalities]
        self.classifier = nn.Linear(sum(self.widths), classes)

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        return self.classifier(torch.cat([f for _, f in self.ordered(features)], dim=1))

    def parts(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The vectors that the last layer multiplies, per modality: what `cosine` normalises."""
        return dict(features)

    def weights(self) -> dict[str, Tensor]:
        """The last layer's columns per modality, C x d_m."""
        return dict(zip(self.modalities, self.classifier.weight.split(self.widths, dim=1), strict=True))
