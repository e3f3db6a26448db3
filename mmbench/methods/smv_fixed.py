"""SMV's comparison with a fixed rate: the same number of copies wherever a contribution is below 1. The rates are ours (facts 2.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from mmbench.errors import UserError
from mmbench.method import Draw, Method, Run
from mmbench.valuation import checked, extended, value


@final
@dataclass(frozen=True)
class SMVFixed(Method):
    copies: int
    warmup: int
    zero: str
    transforms: str

    def __post_init__(self) -> None:
        checked("smv-fixed", self.warmup)
        if self.copies < 1:
            raise UserError(f"method smv-fixed: copies is {self.copies}, expected 1 or more")

    def draws(self, run: Run) -> Draw:
        if run.epoch < self.warmup:
            return super().draws(run)
        phi, index = value(run, self.zero, self.transforms)
        return extended(run, (phi < 1 - 1e-6).long() * self.copies, index)
