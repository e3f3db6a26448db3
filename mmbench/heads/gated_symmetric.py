"""Symmetric gating of MMCosine (facts 1.5): each modality gates the other, z = W [a'; v'] + b.

u = A_a a + c_a, w = A_v v + c_v; a' = sigmoid(w) * u, v' = sigmoid(u) * w. Two modalities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn

from mmbench.head import Head


@final
class GatedSymmetric(Head):
    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        hidden = next(iter(dims.values()))
        self.projections = nn.ModuleDict({m: nn.Linear(d, hidden) for m, d in dims.items()})
        self.classifier = nn.Linear(2 * hidden, classes)

    def parts(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        first, second = self.modalities
        u, w = self.projections[first](features[first]), self.projections[second](features[second])
        return {first: w.sigmoid() * u, second: u.sigmoid() * w}

    def weights(self) -> dict[str, Tensor]:
        """The last layer's columns per modality, C x hidden."""
        return dict(zip(self.modalities, self.classifier.weight.chunk(2, dim=1), strict=True))

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        parts = self.parts(features)
        return self.classifier(torch.cat([parts[m] for m in self.modalities], dim=1))
