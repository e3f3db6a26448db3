"""MMCosine (ICASSP 2023): z_j = s * sum over m of cos(f_m, W_m,j). Normalised per modality, one scale, no bias, no margin.

It sits over a head that offers `parts` (the vectors before the last layer) and `weights` (that layer's columns per modality).
The decision `raw` is that head's own logits: the released evaluation scores them although training used the cosines
(facts 1.3); the bias in it is never trained, as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmbench import registry
from mmbench.errors import Inapplicable, UserError
from mmbench.head import Head


@final
class Cosine(Head):
    def __init__(self, dims: Mapping[str, int], classes: int, scale: float, over: str):
        super().__init__(dims)
        if scale <= 0:
            raise UserError(f"head cosine: scale is {scale:g}, expected a number above 0")
        self.scale = scale
        self.inner = registry.load("head", over)(dims, classes)
        if not hasattr(self.inner, "parts"):
            raise Inapplicable(f"head cosine cannot sit over '{over}': that head has no vector per modality before its last layer")

    def cosines(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """cos(f_m, W_m,j), B x C per modality, each in [-1, 1]; a zero vector has cosine 0."""
        weights = self.inner.weights()
        return {m: normalize(f, dim=1) @ normalize(weights[m], dim=1).T for m, f in self.inner.parts(features).items()}

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        own = self.cosines(features)
        return self.scale * sum((own[m] for m in self.modalities[1:]), own[self.modalities[0]])

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {m: self.scale * cosine for m, cosine in self.cosines(features).items()}

    def embedding(self, features: Mapping[str, Tensor]) -> Tensor:
        """The vectors that meet the weights, each of length 1, one after the other."""
        return torch.cat([normalize(f, dim=1) for f in self.inner.parts(features).values()], dim=1)

    def decisions(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"raw": self.inner.fuse(features)}
