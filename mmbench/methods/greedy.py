"""Greedy (ICML 2022): balanced conditional learning speed, on the network `greedy-mmtm`. Facts 4.4 and 0b. Two modalities only.

How fast modality m learns from itself is R_main = sum of squared gradients over sum of squared weights, of its encoder; how fast it
learns from the other is R_bypass, the same of its excitation layers and the squeeze layers, which count for both. Both are summed over
all steps outside curation, after backward. d = log10(bypass_1 / main_1) - log10(bypass_2 / main_2).
From epoch `first` on, a step that leaves |d| above `epsilon` is followed by `window` steps of curation: the first modality is cared
for if d > 0, else the second, which means that it hears nothing of the other (`GreedyMMTM`). Then comes a step as usual, and d is
looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import final

import torch
from torch import Tensor, nn

from mmbench.datasets.data import Batch
from mmbench.errors import Inapplicable, UserError
from mmbench.head import Out
from mmbench.method import Method, Run, Turn


@final
@dataclass(frozen=True)
class Greedy(Method):
    epsilon: float
    window: int
    first: int

    def __post_init__(self) -> None:
        if self.epsilon < 0 or self.window < 1 or self.first < 0:
            given = f"epsilon {self.epsilon:g}, window {self.window}, first {self.first}"
            raise UserError(f"method greedy: {given}, expected epsilon and first of 0 or more, a window of 1 step or more")

    def start(self, run: Run) -> None:
        if not hasattr(run.model, "cared"):
            raise Inapplicable(f"method greedy needs the model greedy-mmtm, this run has {run.spec['model']}")
        run.state |= {"main": dict.fromkeys(run.modalities, 0.0), "bypass": dict.fromkeys(run.modalities, 0.0), "cared": "", "left": 0}

    def turns(self, run: Run, batch: Batch) -> Sequence[Turn]:
        run.model.cared = run.state["cared"] if run.state["left"] else ""
        for m in run.modalities:
            run.log(f"curated.{m}", float(run.model.cared == m))
        return (Turn(),)

    @torch.no_grad()
    def gradients(self, run: Run, out: Out, batch: Batch) -> None:
        state = run.state
        if state["left"]:
            state["left"] -= 1
            return
        for m in run.modalities:
            state["main"][m] += speed(run.model.encoders[m].parameters())
            state["bypass"][m] += speed(bypass(run.model.blocks, m))
        difference = imbalance(state["main"], state["bypass"])
        run.log("speed_difference", difference)
        if run.epoch >= self.first and abs(difference) > self.epsilon:
            state["left"], state["cared"] = self.window, run.modalities[0 if difference > 0 else 1]


def bypass(blocks: nn.ModuleList, modality: str) -> list[Tensor]:
    """The parameters through which a modality learns from the other."""
    return [p for name, p in blocks.named_parameters() if ".squeeze." in name or f".excite.{modality}." in name]


def speed(parameters: Iterable[Tensor]) -> float:
    """Sum of squared gradients over sum of squared weights."""
    weights = list(parameters)
    gradients = [p.grad for p in weights if p.grad is not None]
    return float(sum(g.square().sum() for g in gradients) / sum(w.detach().square().sum() for w in weights))


def imbalance(main: Mapping[str, float], bypass: Mapping[str, float]) -> float:
    """log10(bypass_1 / main_1) - log10(bypass_2 / main_2); 0, which asks for no control, as long as one of the sums is."""
    sums = (*main.values(), *bypass.values())
    if not all(sums):
        return 0.0
    first, second = (log10(bypass[m] / main[m]) for m in main)
    return first - second
