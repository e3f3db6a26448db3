"""SMV's valuation with a data mask in place of re-sampling. Ours throughout (decisions G6; facts 2.8: nothing was published).

The same choice as with modality drop, but of the highest contributor's input only `share` of the patches (patch x patch pixels of an
image or spectrogram, the last ones smaller) is zeroed, per sample, in all frames alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from mmbench.datasets.data import Batch
from mmbench.errors import UserError
from mmbench.method import Draw, Method, Run, Turn
from mmbench.randomness import generator
from mmbench.valuation import checked, dominant, value


@final
@dataclass(frozen=True)
class SMVMask(Method):
    probability: float
    share: float
    patch: int
    warmup: int
    zero: str
    transforms: str

    def __post_init__(self) -> None:
        checked("smv-mask", self.warmup)
        if not 0 <= self.probability <= 1 or not 0 <= self.share <= 1:
            raise UserError(f"method smv-mask: probability {self.probability:g} and share {self.share:g}, expected 0 to 1")
        if self.patch < 1:
            raise UserError(f"method smv-mask: patch is {self.patch}, expected 1 pixel or more")

    def start(self, run: Run) -> None:
        """Refuses inputs without patches, and those so small that no patch would ever be masked."""
        first = run.transform(run.data.parts["train"], torch.zeros(1, dtype=torch.int64), None, False, None)
        for modality in run.modalities:
            shown = first.inputs[modality]
            if self.share and bool(patches(shown, self.share, self.patch, torch.Generator()).all()):
                size = " x ".join(map(str, shown.shape[-2:]))
                raise UserError(f"method smv-mask: patches of {self.patch} pixels leave nothing to mask of {modality}, {size}")

    def draws(self, run: Run) -> Draw:
        """Every sample once; whom to mask in which sample stays in the state until the epoch is over."""
        if run.epoch < self.warmup:
            return super().draws(run)
        phi, index = value(run, self.zero, self.transforms)
        masked = dominant(phi, self.probability, run.random("mask"))
        run.state["masked"] = torch.zeros_like(masked).index_copy(0, index, masked)
        run.log("masked", float(masked.any(1).float().mean()))
        return Draw(index)

    def turns(self, run: Run, batch: Batch) -> Sequence[Turn]:
        """Masks the batch's inputs before its only turn."""
        if run.epoch >= self.warmup:
            stream = generator(run.seed, run.spec["dataset"], "patches", run.step)
            for m, modality in enumerate(run.modalities):
                shown = batch.inputs[modality]
                lost = run.state["masked"][batch.index, m].to(shown.device).view(-1, *[1] * (shown.dim() - 1))
                batch.inputs[modality] = torch.where(lost, shown * patches(shown, self.share, self.patch, stream), shown)
        return super().turns(run, batch)


def patches(inputs: Tensor, share: float, patch: int, stream: torch.Generator) -> Tensor:
    """B x ... x H x W -> B x 1 ... x H x W of ones, and zeros in round(share) of each sample's patches."""
    if inputs.dim() < 4:
        raise UserError(f"method smv-mask: an input of shape {tuple(inputs.shape)} has no patches; it takes pictures and spectrograms")
    height, width = inputs.shape[-2:]
    rows, columns = -(-height // patch), -(-width // patch)
    order = torch.rand(len(inputs), rows * columns, generator=stream).argsort(1).argsort(1)
    kept = (order >= round(share * rows * columns)).float().view(len(inputs), 1, rows, columns)
    whole = kept.repeat_interleave(patch, 2).repeat_interleave(patch, 3)[:, :, :height, :width]
    return whole.view(len(inputs), *[1] * (inputs.dim() - 3), height, width).to(inputs.device)
