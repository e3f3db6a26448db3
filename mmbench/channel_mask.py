"""CM-VQVAE's mask: one number per channel of the joined maps, and what it says of the modalities (facts B2, B3).

    binary   1 where the channel's weight is above the threshold, else 0; gradients pass as if it were the weight itself, so a closed
             channel still learns, and may open again, but passes nothing on to its encoder
    gated    the weight itself, without a threshold
    dropout  a fresh draw of 0 or 1, each half the time, in every forward pass, one for the whole batch, at test too (released)
    none     1

compl_m = 100 (open channels of m) / (M D), contr_m = 100 / M - compl_m; zeta = min compl / max compl of two modalities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from mmbench.errors import unknown

KINDS = ("binary", "gated", "dropout", "none")


@final
class ChannelMask(nn.Module):
    """modalities: M names in the order of the channels; dimension: D, of each."""

    def __init__(self, kind: str, modalities: Sequence[str], dimension: int, initial: float, threshold: float):
        super().__init__()
        if kind not in KINDS:
            raise unknown("mask", kind, KINDS)
        self.kind, self.modalities, self.dimension, self.threshold = kind, tuple(modalities), dimension, threshold
        count = len(self.modalities) * dimension
        self.weights = nn.Parameter(torch.full((count,), float(initial))) if kind in ("binary", "gated") else None

    def gates(self) -> Tensor | None:
        """M D numbers that multiply the channels; None where nothing does."""
        if self.weights is None:
            # On the CPU, whose stream a checkpoint holds.
            return torch.randint(2, (len(self.modalities) * self.dimension,)).float() if self.kind == "dropout" else None
        return Binarise.apply(self.weights, self.threshold) if self.kind == "binary" else self.weights  # pyright: ignore[reportReturnType]

    def forward(self, maps: Tensor) -> Tensor:
        """maps: B x (M D) x h x w."""
        gates = self.gates()
        return maps if gates is None else maps * gates.to(maps)[:, None, None]

    def penalty(self) -> Tensor | None:
        """The sum of the weights, as the paper's stand-in for how many are open; None where there is none."""
        return None if self.weights is None else self.weights.sum()

    def open(self) -> Tensor | None:
        """M x D bool; None where channels are neither open nor closed."""
        if self.kind == "none":
            return torch.ones(len(self.modalities), self.dimension, dtype=torch.bool)
        if self.kind != "binary" or self.weights is None:
            return None
        return (self.weights.detach() > self.threshold).view(len(self.modalities), self.dimension)

    def sizes(self) -> dict[str, float]:
        """`compl.<m>` and `contr.<m>` in per cent, and `zeta`; nothing where channels are neither open nor closed."""
        found = self.open()
        if found is None:
            return {}
        share = 100 / found.numel()
        compl = {m: share * int(count) for m, count in zip(self.modalities, found.sum(1), strict=True)}
        contr = {f"contr.{m}": 100 / len(compl) - value for m, value in compl.items()}
        return {f"compl.{m}": value for m, value in compl.items()} | contr | complementarity(compl)


def complementarity(compl: dict[str, float]) -> dict[str, float]:
    """Of two modalities `zeta`, 0 where one is closed. Of more, of each `zeta.<m>` = compl_m / (sum of the others'): an idea of the
    paper (appendix, 8) that it never ran. NaN, undefined, where the denominator is 0: two closed masks have no ratio."""
    if len(compl) == 2:
        low, high = sorted(compl.values())
        return {"zeta": low / high if high else float("nan")}
    total = sum(compl.values())
    return {f"zeta.{m}": value / (total - value) if total - value > 0 else float("nan") for m, value in compl.items()}


@final
class Binarise(torch.autograd.Function):
    """w > t as 0 or 1 (at w == t: closed); the gradient passes unchanged."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, threshold: float) -> Tensor:
        return (weights > threshold).to(weights.dtype)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        return upstream[0], None
