"""Gradient blending (CVPR 2020): a weighted sum of the modalities' own losses and the fused one. Facts 4.5.

Weights, one per modality and one for the fused loss, are given, or estimated once before training: copies of the network are trained
on all but a carve of the training part, each modality alone and all together, over `estimate` epochs; w_k is proportional to G_k / O_k^2,
G the fall of the loss on the carve, O the growth of its gap to the training loss, with sum 1. Where a copy did not generalise
(G <= 0) its weight is 0; if none did, all are equal (ours). The carve: `holdout` of each class, by hash of the item's key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import isfinite
from typing import final

import torch
from torch import Tensor

from mmbench.datasets.data import Batch, Part
from mmbench.errors import UserError
from mmbench.head import Out
from mmbench.method import Method, Run, Turn, evaluating


@final
@dataclass(frozen=True)
class GBlending(Method):
    weights: tuple[float, ...]
    holdout: float
    estimate: int

    def __post_init__(self) -> None:
        if any(w < 0 for w in self.weights) or (self.weights and not sum(self.weights)):
            raise UserError(f"method g-blending: weights are {list(self.weights)}, expected numbers of 0 or more, not all 0")
        if not self.weights and (not 0 < self.holdout < 1 or self.estimate < 1):
            raise UserError(
                f"method g-blending: holdout {self.holdout:g} and estimate {self.estimate}, expected a share and 1 epoch or more"
            )

    def start(self, run: Run) -> None:
        if self.weights and len(self.weights) != len(run.modalities) + 1:
            raise UserError(
                f"method g-blending: {len(self.weights)} weights, expected {len(run.modalities) + 1}: the modalities' and the fused"
            )
        given = torch.tensor(self.weights, dtype=torch.float64) if self.weights else estimated(run, self.holdout, self.estimate)
        run.state["weights"] = (given / given.sum()).float()

    def epoch(self, run: Run) -> None:
        for name, weight in zip((*run.modalities, "fused"), run.state["weights"], strict=True):
            run.log(f"weight.{name}", weight)
        run.log("extra_epochs", 0 if self.weights else self.estimate * (len(run.modalities) + 1))

    def loss(self, run: Run, out: Out, batch: Batch, turn: Turn) -> Tensor:
        losses = [run.task.loss(own, batch) for own in out.unimodal.values()]
        weights = run.state["weights"].to(out.fused.device)
        return (torch.stack([*losses, run.task.loss(out.fused, batch)]) * weights).sum()


def estimated(run: Run, holdout: float, epochs: int) -> Tensor:
    """G / O^2 per modality and for all together, M + 1 (float64), not yet of sum 1."""
    training, held = carve(run.data.parts["train"], holdout)
    if not len(held):
        raise UserError("method g-blending: no class has two training samples, so there is nothing to estimate weights on; give them")
    assert run.fit is not None
    found = []
    for given in (*((m,) for m in run.modalities), run.modalities):
        model = run.fit(given, epochs, training)
        before, after = ([loss(run, net, index, given) for index in (training, held)] for net in (run.model, model))
        found.append(worth(before[0], before[1], after[0], after[1]))
    weights = torch.tensor(found, dtype=torch.float64)
    return weights if weights.sum() > 0 else torch.ones_like(weights)


def worth(training_before: float, held_before: float, training_after: float, held_after: float) -> float:
    """G / O^2 of one copy; 0 where it did not generalise or diverged. O is kept off 0, which would outweigh everything."""
    if not isfinite(training_after + held_after):
        return 0.0
    gain = held_before - held_after
    overfitting = (held_after - training_after) - (held_before - training_before)
    return max(0.0, gain) / max(overfitting**2, 1e-4)


def carve(part: Part, share: float) -> tuple[Tensor, Tensor]:
    """Positions without, and only of, `share` of each class (at least one item of a class of two), by sha256 of the keys."""
    labels, inside = torch.as_tensor(part.labels), torch.zeros(len(part), dtype=torch.bool)
    for label in labels.unique().tolist():
        members = torch.nonzero(labels == label).flatten().tolist()
        members.sort(key=lambda i: hashlib.sha256(str(part.keys[i]).encode()).hexdigest())
        if len(members) > 1:
            inside[members[: max(1, int(share * len(members)))]] = True
    return torch.nonzero(~inside).flatten(), torch.nonzero(inside).flatten()


@torch.no_grad()
def loss(run: Run, model: torch.nn.Module, index: Tensor, given: tuple[str, ...]) -> float:
    """Mean loss of a network on these training samples from these modalities alone, batch-norm frozen, test transforms."""
    total = 0.0
    with evaluating(model):
        for batch in run.batches(run.data.parts["train"], index, run.spec["batch"]):
            total += float(run.task.loss(model(batch.inputs, None, given, None).fused, batch)) * len(batch)
    return total / len(index)
