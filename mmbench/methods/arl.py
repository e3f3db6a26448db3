"""ARL (ICCV 2025): lean on each modality in inverse proportion to its variance. Facts A2, A3, G1.

Loss: CE(fused) + gamma * sum over m of CE(own logits of m). After backward, encoder m's gradients are multiplied by 1 + k_m
(the 1 is the gradient residual; without it, by k_m). The coefficients come from two detached batch statistics:
H_m, the mean entropy of m's prediction, and how far the fused output depends on m.

rule "paper" (Eq. 17-18), two modalities: k = softmax(T * [H_2 / H_1, D_1 / D_2]), D_m the mean probability of the true class.
    The paper defines D per sample and not over a batch: the batch mean is ours (facts G1).
rule "code" (the released script as intended): c_m = sum over classes of the batch mean of |logit|, d = c / sum c;
    h = max(H / sum H, 0.3), q = (1/h) / sum(1/h); k_m = softmax over m of T * q_m * product over n != m of d_n.
    For more than two modalities both rules use this product, which is ours; for two it is the code's.
rule "constant": k = 1/2 for all, what the released file would do if it ran (facts A3.1, defect 2).
In the first `warmup` epochs gamma is 1 and nothing is scaled (released; 0 in the paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import final

import torch
from torch import Tensor

from mmbench.datasets.data import Batch
from mmbench.errors import UserError, unknown
from mmbench.head import Out
from mmbench.method import Method, Run, Turn

RULES = ("paper", "code", "constant")


@final
@dataclass(frozen=True)
class ARL(Method):
    rule: str
    temperature: float
    gamma: float
    warmup: int
    regularisation: bool
    asymmetric: bool
    residual: bool

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise unknown("rule of arl", self.rule, RULES)
        if not self.temperature > 0 or not self.gamma >= 0:
            given = f"temperature {self.temperature:g} and gamma {self.gamma:g}"
            raise UserError(f"method arl: {given}, expected a temperature above 0 and a gamma of 0 or more")
        if self.warmup < 0:
            raise UserError(f"method arl: warmup is {self.warmup}, expected 0 or more epochs")

    def loss(self, run: Run, out: Out, batch: Batch, turn: Turn) -> Tensor:
        fused = super().loss(run, out, batch, turn)
        if not self.regularisation:
            return fused
        gamma = 1.0 if run.epoch < self.warmup else self.gamma
        return fused + gamma * sum(run.task.loss(own, batch) for own in out.unimodal.values())

    @torch.no_grad()
    def gradients(self, run: Run, out: Out, batch: Batch) -> None:
        if run.epoch < self.warmup or not self.asymmetric:
            return
        entropies, reliances = statistics(out.unimodal, batch.labels, self.rule)
        for modality, k in coefficients(self.rule, self.temperature, entropies, reliances).items():
            run.log(f"k.{modality}", k)
            scale = k + 1 if self.residual else k
            for parameter in run.model.encoders[modality].parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(scale)
        first, second = run.modalities[:2]
        run.log("variance_ratio", entropies[second] / entropies[first])
        run.log("dependency_ratio", reliances[first] / reliances[second])


def statistics(unimodal: dict[str, Tensor], labels: Tensor, rule: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Batch-mean entropy of each modality's prediction (nats), and its reliance: the mean probability of the true class
    (rule paper), or the sum over classes of the mean absolute logit (code). Scalars. Logits are B x C, labels B."""
    entropies, reliances = {}, {}
    for modality, logits in unimodal.items():
        p = logits.softmax(1)
        entropies[modality] = -(p * (p + 1e-16).log()).sum(1).mean()
        true = p.gather(1, labels[:, None])
        reliances[modality] = true.mean() if rule == "paper" else logits.abs().mean(0).sum()
    return entropies, reliances


def coefficients(rule: str, temperature: float, entropies: dict[str, Tensor], reliances: dict[str, Tensor]) -> dict[str, Tensor]:
    """k per modality, summing to 1 (but for rule constant beyond two modalities)."""
    names = list(entropies)
    h, d = torch.stack([entropies[m] for m in names]), torch.stack([reliances[m] for m in names])
    if rule == "constant":
        k = torch.full_like(h, 0.5)
    elif rule == "paper" and len(names) == 2:
        k = (temperature * torch.stack([h[1] / h[0], d[0] / d[1]])).softmax(0)
    else:
        d = d / d.sum()
        q = 1 / (h / h.sum()).clamp(min=0.3)
        q = q / q.sum()
        others = torch.stack([prod((d[n] for n in range(len(names)) if n != m), start=d.new_ones(())) for m in range(len(names))])
        k = (temperature * q * others).softmax(0)
    return dict(zip(names, k, strict=True))
