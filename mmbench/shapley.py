"""Shapley values of modalities, exact for any number of them: the valuation of SMV (facts 2.1), and a diagnostic of every run.

The game, per sample: v(S) = |S| if the prediction from the modalities in S alone is right, else 0; v(empty) = 0. A sample with an
answer for each second or pixel: |S| times the share of them that are right (ours).
A coalition is an integer whose bit i says whether modality i is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import factorial

import torch
from torch import Tensor

from mmbench.head import Head


def members(coalition: int, modalities: int) -> Tensor:
    """Bit mask -> bool M."""
    return torch.tensor([bool(coalition >> i & 1) for i in range(modalities)])


def benefits(right: Callable[[Tensor], Tensor], modalities: int) -> Tensor:
    """v of every coalition, 2^M x N. right: bool M (who is given) -> N (is the prediction right: bool, or the share that is)."""
    values = []
    for coalition in range(1, 2**modalities):
        given = members(coalition, modalities)
        values.append(right(given).float() * int(given.sum()))
    return torch.stack([torch.zeros_like(values[0]), *values])


def shapley(values: Tensor) -> Tensor:
    """v, 2^M x N, -> contributions, N x M: sum over S without i of |S|! (M - |S| - 1)! / M! * (v(S + i) - v(S))."""
    modalities = (len(values) - 1).bit_length()
    shares = torch.zeros(values.shape[1], modalities, device=values.device)
    for coalition in range(len(values)):
        size = coalition.bit_count()
        for i in range(modalities):
            if not coalition >> i & 1:
                weight = factorial(size) * factorial(modalities - size - 1) / factorial(modalities)
                shares[:, i] += weight * (values[coalition | 1 << i] - values[coalition])
    return shares


@torch.no_grad()
def contributions(head: Head, features: Mapping[str, Tensor], labels: Tensor, absent: Mapping[str, Tensor] | None = None) -> Tensor:
    """N x M contributions. features: modality -> N x d; labels N. absent: modality -> d, what stands in the place of a feature
    that is not given (the encoder's answer to a zero input); without it the feature is zeroed, as the head does it."""

    def right(given: Tensor) -> Tensor:
        if absent is None:
            return share(head.coalition(features, given.to(labels.device)), labels)
        mixed = {m: features[m] if given[i] else absent[m].expand_as(features[m]) for i, m in enumerate(head.modalities)}
        return share(head.fuse(mixed), labels)

    return shapley(benefits(right, len(head.modalities)))


def share(logits: Tensor, labels: Tensor) -> Tensor:
    """N: of each sample the share of its labels (N, or N x ... where it has many) that the logits (N x C, or N x C x ...) choose."""
    right = logits.argmax(1) == labels
    return right.float() if right.dim() == 1 else right.float().flatten(1).mean(1)
