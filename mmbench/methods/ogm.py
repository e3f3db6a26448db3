"""OGM and OGM-GE (CVPR 2022), as its code does it. Facts 4.1 and 0b.

S_m = sum over the batch of the true class's probability under m's own logits; rho_m = S_m / S_other (beyond two: over the mean of
the others, ours); k_m = 1 - tanh(alpha rho_m) where rho_m > 1, else 1; at an exact tie the first modality is slowed. From epoch
`first` to `last`, both included, the gradients of 4-D weights (convolutions) of encoder m become k_m g, and with `noise` (GE)
k_m g + N(0, s^2), s the unbiased deviation of g before scaling plus 1e-8: of all modalities, slowed or not. Of an encoder without
convolutions (recurrent, attention, linear) its weight matrices are taken instead: ours, as else nothing would change.
Own logits over `concat` are W_m f_m + b / M, the bias shared out; over other heads the head's own definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.head import Out
from mmbench.heads.concat import Concat
from mmbench.method import Method, Run
from mmbench.randomness import stream


@final
@dataclass(frozen=True)
class OGM(Method):
    alpha: float
    noise: bool
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.alpha < 0:
            raise UserError(f"method ogm: alpha is {self.alpha:g}, expected 0 or more")
        if self.first < 0 or self.last < 0:
            raise UserError(f"method ogm: first {self.first} and last {self.last}, expected 0-based epochs")

    @torch.no_grad()
    def gradients(self, run: Run, out: Out, batch: Batch) -> None:
        scales = coefficients(confidence(own_logits(out), batch.labels), self.alpha)
        for modality, k in scales.items():
            run.log(f"k.{modality}", k)
        if not self.first <= run.epoch <= self.last:
            return
        device = batch.labels.device
        source = torch.Generator(device).manual_seed(stream(run.seed, run.spec["dataset"], "ogm", run.step))
        for modality, k in scales.items():
            for gradient in slowed(run.model.encoders[modality]):
                deviation = gradient.std() + 1e-8
                gradient.mul_(k)
                if self.noise:
                    drawn = torch.randn(gradient.shape, generator=source, device=device, dtype=gradient.dtype)
                    gradient.addcmul_(drawn, deviation)


def slowed(encoder: nn.Module) -> list[Tensor]:
    """The gradients of an encoder that are scaled: of its convolutions, else of its matrices."""
    gradients = [p.grad for p in encoder.parameters() if p.grad is not None]
    return [g for g in gradients if g.dim() == 4] or [g for g in gradients if g.dim() == 2]


def own_logits(out: Out) -> dict[str, Tensor]:
    """Each modality's logits by OGM's definition, B x C."""
    if not isinstance(out.head, Concat):
        return out.unimodal
    bias = out.head.classifier.bias / len(out.head.modalities)
    return {m: out.features[m] @ w.T + bias for m, w in out.head.weights().items()}


def confidence(logits: Mapping[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
    """S_m, scalars."""
    return {m: own.softmax(1).gather(1, labels[:, None]).sum() for m, own in logits.items()}


def coefficients(sums: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """k_m per modality."""
    names = list(sums)
    total = sum(sums.values())
    ratios = {m: sums[m] * (len(names) - 1) / (total - sums[m]) for m in names}
    ahead = {m: ratio > 1 for m, ratio in ratios.items()}  # chosen on the device, which is not asked: the next step can begin
    tie = ~torch.stack(list(ahead.values())).any()
    return {
        m: torch.where(ahead[m] | tie if m == names[0] else ahead[m], 1 - torch.tanh(alpha * ratio), torch.ones_like(ratio))
        for m, ratio in ratios.items()
    }
