"""What the methods of SMV (CVPR 2024) share: who contributes how much to which training sample, and copies of one modality.

Facts 2.1 to 2.3. A contribution below 1 is low: the modality gives less than an equal share.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.method import Draw, Run, evaluating
from mmbench.shapley import benefits, contributions, shapley, share

CHUNK = 4096  # samples per head call


@torch.no_grad()
def value(run: Run, zero: str, transforms: str, fraction: float = 1.0) -> tuple[Tensor, Tensor]:
    """Contributions (n x M, CPU) of a random fraction of the training samples, and their positions (n).

    zero: "feature" zeroes the feature of an absent modality (released); "input" its input (paper): with separate encoders and frozen
    batch-norm an encoder's answer to zeros is one constant vector, so one more sample per modality is all it costs (decisions G4).
    Where a feature depends on the other modalities' inputs (`model.crossed`) it takes a pass for each coalition.
    transforms: "test", or "train" as released.
    """
    if zero == "input" and getattr(run.model, "crossed", False):
        return _by_passes(run, transforms, fraction)
    features, labels, index = run.features("train", fraction, transforms)
    absent = silence(run) if zero == "input" else None
    found = []
    for start in range(0, len(labels), CHUNK):
        piece = slice(start, start + CHUNK)
        found.append(contributions(run.model.head, {m: f[piece] for m, f in features.items()}, labels[piece], absent).cpu())
    run.log("valued", len(index))
    return torch.cat(found), index


def _by_passes(run: Run, transforms: str, fraction: float) -> tuple[Tensor, Tensor]:
    """Contributions by whole passes with zeroed inputs, and positions."""
    index, found = run.fraction("train", fraction), []
    with evaluating(run.model):
        for batch in run.batches(run.data.parts["train"], index, run.spec["batch"], transforms):

            def right(given: Tensor, batch: Batch = batch) -> Tensor:
                shown = {m: batch.inputs[m] * float(given[i]) for i, m in enumerate(run.modalities)}
                return share(run.model(shown).fused, batch.labels)

            found.append(shapley(benefits(right, len(run.modalities))).cpu())
    run.log("valued", len(index))
    return torch.cat(found), index


def silence(run: Run) -> dict[str, Tensor]:
    """Each encoder's feature of a zero input, d."""
    part = run.data.parts["train"]
    sample = run.transform(part, torch.zeros(1, dtype=torch.int64), None, False, None)
    with evaluating(run.model):
        return {m: run.model.encoders[m](torch.zeros_like(sample.inputs[m]))[0] for m in run.modalities}


def extended(run: Run, copies: Tensor, index: Tensor) -> Draw:
    """Every training sample once, and of sample index[i] copies[i, m] more in which modality m alone is given. copies: n x M.
    Logs `drawn`, the length of this epoch, and `resampled`, the copies per epoch so far."""
    total, modalities = len(run.data.parts["train"]), copies.shape[1]
    chosen, kept = [torch.arange(total)], [torch.ones(total, modalities, dtype=torch.bool)]
    for m in range(modalities):
        again = index.repeat_interleave(copies[:, m])
        alone = torch.zeros(len(again), modalities, dtype=torch.bool)
        alone[:, m] = True
        chosen.append(again)
        kept.append(alone)
    count = run.state.setdefault("resampled", [0, 0])
    count[0] += int(copies.sum())
    count[1] += 1
    run.log("resampled", count[0] / count[1])
    run.log("drawn", total + int(copies.sum()))
    return Draw(torch.cat(chosen), torch.cat(kept))


def dominant(phi: Tensor, probability: float, stream: torch.Generator) -> Tensor:
    """n x M contributions -> n x M bool: the highest contributor of each sample with a low one, where the draw says so."""
    low = (phi < 1 - 1e-6).any(1) & (torch.rand(len(phi), generator=stream) < probability)
    return low[:, None] & torch.nn.functional.one_hot(phi.argmax(1), phi.shape[1]).bool()


def checked(name: str, warmup: int) -> None:
    if warmup < 0:
        raise UserError(f"method {name}: warmup is {warmup}, expected 0 or more epochs")
