"""Gated fusion: z = U(sigmoid(G_a a + g_a) * (G_v v + g_v)) + u, the first modality gates the second (facts A5).

unimodal "coalition": the other feature is zero. "self" (released): the modality gates itself, sigmoid(G_m m + g_m) * (G_m m + g_m).
Beyond two modalities what the first two make gates the third through its sigmoid (ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor, nn

from mmbench.head import Head


@final
class Gated(Head):
    def __init__(self, dims: Mapping[str, int], classes: int, unimodal: str):
        super().__init__(dims)
        hidden = next(iter(dims.values()))
        self.own = unimodal
        self.projections = nn.ModuleDict({m: nn.Linear(d, hidden) for m, d in dims.items()})
        self.classifier = nn.Linear(hidden, classes)

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        found, *others = (self.projections[m](f) for m, f in self.ordered(features))
        for other in others:
            found = found.sigmoid() * other
        return self.classifier(found)

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self.own == "coalition":
            return super().unimodal(features)
        projected = {m: self.projections[m](f) for m, f in self.ordered(features)}
        return {m: self.classifier(p.sigmoid() * p) for m, p in projected.items()}
