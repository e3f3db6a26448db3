"""AGM (ICCV 2023): gradient modulation by each modality's Shapley share of the output. Facts 4.3 and 0b, decisions G4.

F(S) is the network with the inputs of modalities outside S zeroed, batch-norm frozen; F(all) the ordinary training pass; F(none) is
left out, as in the code. m_i = sum over S without i of |S|! (M-|S|-1)! / M! (F(S + i) - F(S)), so that sum m_i = F(all).
The loss is CE(F(all)); with g its gradient by the output, what flows back into F(S) is g times the sum over i of kappa_i times the
weight of F(S) in m_i. s_i = batch mean of -ln softmax(m_i)[y] (probability at least 1e-8), S_i its running mean over all steps before;
r_i = exp(mean of the others' s - s_i), tau_i likewise of S, kappa_i = exp(alpha min(tau_i - r_i, cap)).
For two modalities r_i = exp(s_j - s_i), for three exp(1.5 (mean - s_i)), both as in the code; more are ours.
guard: where an entry of the last layer's weight gradient exceeds it in absolute value, all gradients are clipped to that norm (1, for
three modalities 5, as in the code; 0: never). A head with a last layer per modality is guarded by any of them.
Decision fusion is not for AGM: its loss is not one of F(all).

Zero inputs are nearly free: with separate encoders an encoder's answer to zeros is one vector, so the frozen features of the batch and
one zero sample per modality give every F(S) by a call of the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import final

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.head import Head, Out
from mmbench.method import Method, Run, evaluating
from mmbench.transfer import placed


@final
@dataclass(frozen=True)
class AGM(Method):
    alpha: float
    cap: float
    guard: float

    def __post_init__(self) -> None:
        if self.alpha < 0 or self.cap <= 0 or self.guard < 0:
            raise UserError(
                f"method agm: alpha {self.alpha:g}, cap {self.cap:g}, guard {self.guard:g}, expected numbers of 0 or more, cap above"
            )

    def start(self, run: Run) -> None:
        run.state["scores"] = torch.zeros(len(run.modalities))
        run.state["steps"] = 0

    def backward(self, run: Run, out: Out, batch: Batch, loss: Tensor) -> None:
        outputs = coalitions(run, out, batch)
        shares = placed(weights(len(run.modalities)), out.fused.device)  # M x coalitions
        (upstream,) = torch.autograd.grad(loss, out.fused, retain_graph=True)
        with torch.no_grad():
            parts = torch.einsum("ms,sbc->mbc", shares, torch.stack(outputs))
            scores = torch.stack([surprise(part, batch.labels) for part in parts])
            running = run.state["scores"].to(scores.device)  # a checkpoint comes back on the CPU
            kappa = coefficients(scores, running, self.alpha, self.cap)
            flows = (kappa @ shares)[:, None, None] * upstream
            steps = run.state["steps"] = run.state["steps"] + 1
            run.state["scores"] = running * ((steps - 1) / steps) + scores / steps
        for modality, k in zip(run.modalities, kappa, strict=True):
            run.log(f"kappa.{modality}", k)
        torch.autograd.backward(outputs, list(flows))

    def gradients(self, run: Run, out: Out, batch: Batch) -> None:
        last = [weight.grad for weight in last_weights(run.model.head) if weight.grad is not None]
        if self.guard and any(bool((gradient.abs() > self.guard).any()) for gradient in last):
            clip_grad_norm_(run.model.parameters(), self.guard)


def coalitions(run: Run, out: Out, batch: Batch) -> list[Tensor]:
    """F(S) for S = 1 .. 2^M - 1 as bit masks, B x C each, with gradients; the last is the training pass itself."""
    encoders, names = run.model.encoders, run.modalities
    with evaluating(run.model):
        given = {m: encoders[m](batch.inputs[m]) for m in names}
        absent = {m: encoders[m](torch.zeros_like(batch.inputs[m][:1])).expand_as(given[m]) for m in names}
        found = [
            run.model.head.fuse({m: given[m] if mask >> i & 1 else absent[m] for i, m in enumerate(names)})
            for mask in range(1, 2 ** len(names) - 1)
        ]
    return [*found, out.fused]


def last_weights(head: Head) -> list[Tensor]:
    """The weights that make the logits, C x d each: one layer, or one per modality."""
    return [p for name, p in head.named_parameters() if "classifier" in name and name.endswith("weight")]


def weights(modalities: int) -> Tensor:
    """M x (2^M - 1): the weight of F(S) in m_i, F(none) left out."""
    found = torch.zeros(modalities, 2**modalities)
    for i in range(modalities):
        for mask in range(2**modalities):
            if not mask >> i & 1:
                size = mask.bit_count()
                share = factorial(size) * factorial(modalities - size - 1) / factorial(modalities)
                found[i, mask | 1 << i] += share
                found[i, mask] -= share
    return found[:, 1:]


def surprise(logits: Tensor, labels: Tensor) -> Tensor:
    """Batch mean of -ln of the true class's probability, at least 1e-8. A scalar."""
    return -logits.softmax(1).gather(1, labels[:, None]).clamp(min=1e-8).log().mean()


def coefficients(scores: Tensor, running: Tensor, alpha: float, cap: float) -> Tensor:
    """kappa, M: exp(alpha min(tau - r, cap))."""

    def ratios(values: Tensor) -> Tensor:
        others = (values.sum() - values) / (len(values) - 1)
        return (others - values).exp()

    return (alpha * (ratios(running) - ratios(scores)).clamp(max=cap)).exp()
