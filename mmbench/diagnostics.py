"""The imbalance of the gradients, measured the same way for every method (decisions G5), touching no stream and no statistics.

gradient.<m>: L2 norm of encoder m's gradient of the task's loss on one fixed batch: the first items of the training part, in
order, with test transforms and frozen batch-norm. (The mean Shapley contributions come from the task's evaluation.)
"""

from __future__ import annotations

import torch

from mmbench.method import Run, evaluating


def gradient_norms(run: Run) -> dict[str, float]:
    """Once per epoch. The parameters' own `.grad` is left as it is."""
    items = run.data.parts["train"]
    batch = next(iter(run.batches(items, torch.arange(min(run.spec["batch"], len(items))), run.spec["batch"])))
    parameters = {m: [p for p in encoder.parameters() if p.requires_grad] for m, encoder in run.model.encoders.items()}
    with evaluating(run.model), run.mixed():
        loss = run.task.loss(run.model(batch.inputs, batch.keep, None, run.change).fused, batch)
        flat = [p for group in parameters.values() for p in group]
        gradients = dict(zip(flat, torch.autograd.grad(loss, flat, allow_unused=True), strict=True))
    norms = {}
    for modality, group in parameters.items():
        squares = [g.square().sum() for g in (gradients[p] for p in group) if g is not None]
        norms[f"gradient.{modality}"] = float(torch.stack(squares).sum().sqrt()) if squares else 0.0
    return norms
