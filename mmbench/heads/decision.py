"""Decision fusion (facts 2.5; ours, decisions G6): a linear layer and a loss per modality; the mean of their posteriors decides.

The fused output is the log of that mean. A modality that is left out does not vote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn

from mmbench.head import Head


@final
class Decision(Head):
    def __init__(self, dims: Mapping[str, int], classes: int):
        super().__init__(dims)
        self.classifiers = nn.ModuleDict({m: nn.Linear(d, classes) for m, d in dims.items()})

    def fuse(self, features: Mapping[str, Tensor]) -> Tensor:
        return self.coalition(features, torch.ones(len(self.modalities), dtype=torch.bool, device=next(iter(features.values())).device))

    def coalition(self, features: Mapping[str, Tensor], keep: Tensor) -> Tensor:
        votes = torch.stack([own.softmax(1) for own in self.unimodal(features).values()], 1)  # B x M x C
        kept = keep.expand(len(votes), len(self.modalities)).to(votes.dtype)
        return ((votes * kept[..., None]).sum(1) / kept.sum(1, keepdim=True).clamp(min=1) + 1e-12).log()

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {m: self.classifiers[m](features[m]) for m in self.modalities}

    def terms(self, fused: Tensor, features: Mapping[str, Tensor], keep: Tensor | None = None) -> list[Tensor]:
        """Each modality's own logits: their losses are summed. Where one is left out they are zero: a constant loss, nothing learned."""
        own = self.unimodal(features)
        if keep is None:
            return list(own.values())
        return [own[m] * keep[..., i : i + 1].to(own[m].dtype) for i, m in enumerate(self.modalities)]
