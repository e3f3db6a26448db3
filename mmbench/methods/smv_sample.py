"""SMV at the level of samples: a modality whose contribution to a sample is low is trained again on it, alone. Facts 2.2.

After `warmup` epochs, before each epoch anew: copies of modality i in sample x, max(1, round half up(factor (1 - phi_i)^power)) where
phi_i < 1, else none. power 1 and factor 2 is the released map; the other powers are ours (the paper's functions stand in a figure).
A copy keeps modality i alone: for two modalities as released, beyond two ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from mmbench.errors import UserError
from mmbench.method import Draw, Method, Run
from mmbench.valuation import checked, extended, value


@final
@dataclass(frozen=True)
class SMVSample(Method):
    power: float
    factor: float
    warmup: int
    zero: str
    transforms: str

    def __post_init__(self) -> None:
        checked("smv-sample", self.warmup)
        if self.power <= 0 or self.factor <= 0:
            raise UserError(f"method smv-sample: power {self.power:g} and factor {self.factor:g}, expected numbers above 0")

    def draws(self, run: Run) -> Draw:
        if run.epoch < self.warmup:
            return super().draws(run)
        phi, index = value(run, self.zero, self.transforms)
        return extended(run, copies(phi, self.power, self.factor), index)


def copies(phi: Tensor, power: float, factor: float) -> Tensor:
    """n x M contributions -> n x M copies (int64). The half is rounded up, with room for the error of a third or a sixth."""
    lack = (1 - phi).clamp(min=0)
    wanted = torch.floor(factor * lack.double() ** power + 0.5 + 1e-6).long().clamp(min=1)
    return torch.where(lack > 1e-6, wanted, 0)
