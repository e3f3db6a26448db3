"""An encoder per modality and a head: the network of nearly every table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, final

import torch
from torch import Tensor, nn

from mmbench import registry
from mmbench.datasets.data import Data
from mmbench.head import Head, Out
from mmbench.initialise import encoders, initialise
from mmbench.randomness import seeded
from mmbench.transfer import placed

Features = dict[str, Tensor]


@final
class Fusion(nn.Module):
    def __init__(self, encoders: Mapping[str, nn.Module], head: Head):
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.head = head

    @classmethod
    def of(cls, spec: Mapping[str, Any], seed: int, data: Data, sample: Mapping[str, Tensor], weights: Path | None) -> Self:
        """The network of a resolved run. sample: modality -> 1 x ..., an item as the encoders get it; weights: the folder of
        pretrained files. Each part is initialised under its own random stream."""
        built = encoders(spec, seed, sample, weights)
        dims = {m: int(encoder.out) for m, encoder in built.items()}  # pyright: ignore[reportArgumentType]
        with seeded(seed, spec["dataset"], "head"):
            head = registry.load("head", spec["head"])(dims, len(data.classes), **spec["head_params"])
            initialise(head, spec["init"])
        return cls(built, head)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        keep: Tensor | None = None,
        only: tuple[str, ...] | None = None,
        change: Callable[[Features], Features] | None = None,
    ) -> Out:
        """inputs: modality -> B x .... keep: B x M bool, features of the others are zeroed sample by sample (their encoders run).
        only: modalities of this turn; the encoders of the others do not run, so their batch-norm does not move.
        change: the method's `features` moment."""
        only = only or self.head.modalities
        encoded = {m: self.encoders[m](inputs[m]) for m in only}
        some = next(iter(encoded.values()))
        features = {m: encoded[m] if m in encoded else some.new_zeros(len(some), self.encoders[m].out) for m in self.head.modalities}
        if change is not None:
            features = change(features)
        if len(only) < len(self.head.modalities):
            given = placed(torch.tensor([m in only for m in self.head.modalities]), some.device)
            keep = given if keep is None else keep & given
        return Out(self.head, features, keep)
