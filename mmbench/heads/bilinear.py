"""Outer-product fusion: z = U(W vec(a v^T) + w) + u, no non-linearity. ARL's code calls it FiLM (facts A5).

unimodal "coalition": the other feature is zero, which leaves a constant. "self" (released): vec(a a^T) in its place.
Beyond two modalities the hidden vector meets the next feature in the same way (ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.head import Head


@final
class Bilinear(Head):
    def __init__(self, dims: Mapping[str, int], classes: int, unimodal: str):
        super().__init__(dims)
        widths, hidden = list(dims.values()), next(iter(dims.values()))
        if unimodal == "self" and len(set(widths)) > 1:
            raise UserError(f"head bilinear: unimodal = 'self' needs features of one width, these are {widths}")
        self.own, firsts = unimodal, [widths[0], *[hidden] * (len(widths) - 2)]
        self.products = nn.ModuleList(nn.Linear(first * second, hidden) for first, second in zip(firsts, widths[1:], strict=True))
        self.classifier = nn.Linear(hidden, classes)

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        found, *others = (f for _, f in self.ordered(features))
        for product, other in zip(self.products, others, strict=True):
            found = product((found[:, :, None] * other[:, None]).flatten(1))
        return self.classifier(found)

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self.own == "coalition":
            return super().unimodal(features)
        return {m: self.fuse(dict.fromkeys(self.modalities, f)) for m, f in self.ordered(features)}
