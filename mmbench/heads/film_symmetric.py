"""Symmetric FiLM of MMCosine (facts 1.5): each modality scales and shifts the other, z = W [a'; v'] + b.

[gamma_m; beta_m] = A_m m + c_m; a' = gamma_v * a + beta_v, v' = gamma_a * v + beta_a. Two modalities of one width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.head import Head


@final
class FiLMSymmetric(Head):
    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        first, second = dims.values()
        if first != second:
            raise UserError(f"head film-symmetric: features of {first} and {second}, expected one width")
        self.conditions = nn.ModuleDict({m: nn.Linear(first, 2 * first) for m in dims})
        self.classifier = nn.Linear(2 * first, classes)

    def parts(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = {}
        for own, other in (self.modalities, self.modalities[::-1]):
            scale, shift = self.conditions[other](features[other]).chunk(2, dim=1)
            found[own] = scale * features[own] + shift
        return found

    def weights(self) -> dict[str, Tensor]:
        """The last layer's columns per modality, C x d."""
        return dict(zip(self.modalities, self.classifier.weight.chunk(2, dim=1), strict=True))

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        parts = self.parts(features)
        return self.classifier(torch.cat([parts[m] for m in self.modalities], dim=1))
