"""SMV at the level of modalities: the modality of the lowest average contribution is trained again, at the rate of its gap. Facts 2.3.

d = mean over j != i of (phi_j - phi_i), averages over a random subset of the training samples; rate = f(alpha * 2/3 * d), cut to [0, 1].
(Two thirds: the released division by 1.5. For more than two modalities we keep it: ours.)
draw "bernoulli" (paper): the subset is valued, and each sample is drawn with that probability.
draw "replacement" (released): all samples are valued, a subset of them averaged, and int(rate N) samples drawn, both with replacement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import tanh
from typing import final

import torch
from torch import Tensor

from mmbench.errors import UserError
from mmbench.method import Draw, Method, Run
from mmbench.valuation import checked, extended, value

FUNCTIONS: dict[str, Callable[[float], float]] = {"linear": lambda x: x, "tanh": tanh, "power-1.5": lambda x: x**1.5}


@final
@dataclass(frozen=True)
class SMVModality(Method):
    function: str
    alpha: float
    subset: float
    draw: str
    warmup: int
    zero: str
    transforms: str

    def __post_init__(self) -> None:
        checked("smv-modality", self.warmup)
        if not 0 < self.subset <= 1:
            raise UserError(f"method smv-modality: subset is {self.subset:g}, expected a share above 0 and at most 1")
        if self.alpha <= 0:
            raise UserError(f"method smv-modality: alpha is {self.alpha:g}, expected a number above 0")

    def draws(self, run: Run) -> Draw:
        if run.epoch < self.warmup:
            return super().draws(run)
        released = self.draw == "replacement"
        phi, _ = value(run, self.zero, self.transforms, 1.0 if released else self.subset)
        stream, total = run.random("subset"), len(run.data.parts["train"])
        if released:
            phi = phi[torch.randint(len(phi), (max(1, int(self.subset * total)),), generator=stream)]
        low, share = rate(phi.double().mean(0), self.function, self.alpha)
        run.log("rate", share)
        if released:
            chosen = torch.randint(total, (int(share * total),), generator=stream)
        else:
            chosen = torch.nonzero(torch.rand(total, generator=stream) < share).flatten()
        copies = torch.zeros(len(chosen), phi.shape[1], dtype=torch.int64)
        copies[:, low] = 1
        return extended(run, copies, chosen)


def rate(average: Tensor, function: str, alpha: float) -> tuple[int, float]:
    """Which modality is re-sampled (the lowest; of equals the last, as released) and at what rate. average: M contributions."""
    gaps = [1 - float(phi) for phi in average]
    low = max(range(len(gaps)), key=lambda m: (gaps[m], m))
    others = [gaps[low] - gap for m, gap in enumerate(gaps) if m != low]
    share = FUNCTIONS[function](2 / 3 * (sum(others) / len(others)) * alpha)
    return low, min(1.0, share)
