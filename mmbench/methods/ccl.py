"""CE with the class-aware contrastive loss of CCL (CVPR 2021), in its own form and in MMCosine's. Facts 1.6 and 4.6.

p_ij = softmax over j of cos(a_i, v_j) / T over the batch; with P_i the items of i's class (i among them) and N_i the others,
L_i = mean over P_i of -ln(p_ij + 1e-10) + mean over N_i of -ln(1 - p_ij + 1e-10), the second 0 where a row has no negatives.
symmetric: both directions added (CCL), else first -> second modality alone (MMCosine). divergence: weight of the symmetric
Kullback-Leibler divergence of the two modalities' posteriors (CCL 0.5, MMCosine 0). Beyond two modalities all pairs count: ours.
The vectors are those before the last layer where the head has them (after FiLM or gating), else the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, final

import torch
from torch import Tensor
from torch.nn.functional import kl_div, normalize

from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.head import Out
from mmbench.method import Method, Run, Turn

EPSILON = 1e-10


@final
@dataclass(frozen=True)
class CCL(Method):
    weight: float
    temperature: float
    symmetric: bool
    divergence: float

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise UserError(f"method ccl: temperature is {self.temperature:g}, expected a number above 0")
        if self.weight < 0 or self.divergence < 0:
            raise UserError(f"method ccl: weight {self.weight:g} and divergence {self.divergence:g}, expected 0 or more")

    def start(self, run: Run) -> None:
        features = {m: torch.zeros(1, run.model.encoders[m].out, device=run.device) for m in run.modalities}
        widths = {m: vectors.shape[1] for m, vectors in before_last(run.model.head, features).items()}
        if len(set(widths.values())) > 1:
            raise UserError(f"method ccl: a cosine between modalities needs vectors of one width, these have {widths}")

    def loss(self, run: Run, out: Out, batch: Batch, turn: Turn) -> Tensor:
        total = super().loss(run, out, batch, turn)
        parts = before_last(out.head, out.features)
        for first, second in combinations(run.modalities, 2):
            contrast = contrastive(parts[first], parts[second], batch.labels, self.temperature)
            if self.symmetric:
                contrast = contrast + contrastive(parts[second], parts[first], batch.labels, self.temperature)
            run.log("contrastive", contrast)
            total = total + self.weight * contrast
            if self.divergence:
                total = total + self.divergence * divergence(out.unimodal[first], out.unimodal[second])
        return total


def before_last(head: Any, features: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """What the head's last layer multiplies, per modality, where it has such; else the features. For `cosine`, of the head below."""
    head = getattr(head, "inner", head)
    return head.parts(features) if hasattr(head, "parts") else features


def contrastive(anchor: Tensor, other: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """The class-aware loss from one modality to another. Vectors B x d (of one width), labels B; a scalar."""
    p = (normalize(anchor, dim=1) @ normalize(other, dim=1).T / temperature).softmax(1)
    same = (labels[:, None] == labels[None]).to(p.dtype)
    positive = (-(p + EPSILON).log() * same).sum(1) / same.sum(1)
    negatives = 1 - same
    negative = (-(1 - p + EPSILON).log() * negatives).sum(1) / negatives.sum(1).clamp(min=1)
    return (positive + negative).mean()


def divergence(first: Tensor, second: Tensor) -> Tensor:
    """KL(p || q) + KL(q || p) of two sets of posteriors, mean over the batch. Logits B x C; nats."""
    p, q = first.log_softmax(1), second.log_softmax(1)
    return kl_div(q, p, reduction="batchmean", log_target=True) + kl_div(p, q, reduction="batchmean", log_target=True)
