"""SMV's valuation with modality drop in place of re-sampling. Ours throughout (decisions G6; facts 2.8: nothing was published).

In a sample where any contribution is below 1, the feature of the highest contributor is dropped with `probability`, so that the rest
must be learned from the others. Drawn anew before each epoch; of equal contributors the first is the highest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from mmbench.errors import UserError
from mmbench.method import Draw, Method, Run
from mmbench.valuation import checked, dominant, value


@final
@dataclass(frozen=True)
class SMVDrop(Method):
    probability: float
    warmup: int
    zero: str
    transforms: str

    def __post_init__(self) -> None:
        checked("smv-drop", self.warmup)
        if not 0 <= self.probability <= 1:
            raise UserError(f"method smv-drop: probability is {self.probability:g}, expected 0 to 1")

    def draws(self, run: Run) -> Draw:
        if run.epoch < self.warmup:
            return super().draws(run)
        phi, index = value(run, self.zero, self.transforms)
        lost = dominant(phi, self.probability, run.random("drop"))
        run.log("dropped", float(lost.any(1).float().mean()))
        return Draw(index, ~lost)
