"""FiLM: the first modality scales and shifts the second, z = U(gamma * v + beta) + u with [gamma; beta] = W a + b (facts A5).

Beyond two modalities the result meets the next in the same way (ours). Own logits: the others' features zeroed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import final

from torch import Tensor, nn

from mmbench.head import Head


@final
class FiLM(Head):
    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        widths = list(dims.values())
        self.conditions = nn.ModuleList(nn.Linear(first, 2 * second) for first, second in pairwise(widths))
        self.classifier = nn.Linear(widths[-1], classes)

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        found, *others = (f for _, f in self.ordered(features))
        for condition, other in zip(self.conditions, others, strict=True):
            scale, shift = condition(found).chunk(2, dim=1)
            found = scale * other + shift
        return self.classifier(found)
