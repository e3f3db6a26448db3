"""PMR (CVPR 2023), the hard switch of its code; the paper's continuous coefficient and entropy term are not in it. Facts 4.2.

Before each epoch P_m[c] becomes (1 - momentum) times the mean feature of class c over a `fraction` of the training part (training
transforms, batch-norm frozen; at least one batch) plus momentum times the old one. l_m = -||f_m - P_m[c]||; S_m = sum over the batch of
softmax(l_m)[y]. From epoch `first` to `last`, both included, the loss is CE + alpha * CE(l_m, y) for every modality but the
strongest by S (two: the weaker one; beyond two ours), none at a tie. A class that no sample of the fraction had keeps its old
prototype; one never seen takes no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.head import Out
from mmbench.method import Method, Run, Turn

FAR = -1e4  # the logit of a class without a prototype


@final
@dataclass(frozen=True)
class PMR(Method):
    alpha: float
    momentum: float
    fraction: float
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.alpha < 0 or not 0 <= self.momentum < 1 or not 0 < self.fraction <= 1:
            given = f"alpha {self.alpha:g}, momentum {self.momentum:g}, fraction {self.fraction:g}"
            raise UserError(f"method pmr: {given}, expected alpha of 0 or more, momentum in [0, 1), fraction in (0, 1]")
        if self.first < 0 or self.last < 0:
            raise UserError(f"method pmr: first {self.first} and last {self.last}, expected 0-based epochs")

    def epoch(self, run: Run) -> None:
        total = len(run.data.parts["train"])
        features, labels, _ = run.features("train", max(self.fraction, min(1.0, run.spec["batch"] / total)), "train")
        for modality, vectors in features.items():
            means, seen = prototypes(vectors, labels, run.classes)
            if (old := run.state.get(f"prototypes.{modality}")) is not None:
                old, known = old.to(means.device), run.state["seen"].to(means.device)  # a checkpoint comes back on the CPU
                blended = torch.where(known[:, None], (1 - self.momentum) * means + self.momentum * old, means)
                means = torch.where(seen[:, None], blended, old)
            run.state[f"prototypes.{modality}"] = means
        run.state["seen"] = seen | run.state.get("seen", torch.zeros_like(seen)).to(seen.device)

    def loss(self, run: Run, out: Out, batch: Batch, turn: Turn) -> Tensor:
        total = super().loss(run, out, batch, turn)
        if not self.first <= run.epoch <= self.last:
            return total
        seen = run.state["seen"].to(batch.labels.device)
        valid = seen[batch.labels]
        if not bool(valid.any()):
            return total
        near = {m: distances(out.features[m], run.state[f"prototypes.{m}"].to(seen.device), seen) for m in run.modalities}
        labels = batch.labels[valid]
        sums = {m: float(logits[valid].detach().softmax(1).gather(1, labels[:, None]).sum()) for m, logits in near.items()}
        strongest = max(sums.values())
        for modality, logits in near.items():
            run.log(f"confidence.{modality}", sums[modality] / len(labels))
            if sums[modality] < strongest:
                total = total + self.alpha * cross_entropy(logits[valid], labels)
        return total


def prototypes(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Mean feature per class, C x d (0 where a class is absent), and which classes are there, C bool. features n x d, labels n."""
    members = one_hot(labels, classes).to(features.dtype)
    count = members.sum(0)
    return members.T @ features / count.clamp(min=1)[:, None], count > 0


def distances(features: Tensor, centres: Tensor, seen: Tensor) -> Tensor:
    """-||f - P_c||, B x C; far below all where a class has no prototype. The root is kept off 0, where its slope is infinite."""
    squares = (features[:, None] - centres[None]).square().sum(2)
    return torch.where(seen[None], -(squares + 1e-12).sqrt(), torch.full_like(squares, FAR))
