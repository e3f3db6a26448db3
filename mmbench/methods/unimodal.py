"""Training and test with one modality: the other encoders never run in training, and their features are zero at test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from torch import Tensor

from mmbench.datasets.data import Batch
from mmbench.errors import unknown
from mmbench.method import Method, Run, Turn


@final
@dataclass(frozen=True)
class Unimodal(Method):
    modality: str

    def start(self, run: Run) -> None:
        if self.modality not in run.modalities:
            raise unknown(f"modality of {run.spec['dataset']}", self.modality, run.modalities)

    def turns(self, run: Run, batch: Batch) -> Sequence[Turn]:
        return (Turn((self.modality,)),)

    def features(self, run: Run, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {m: f if m == self.modality else f * 0 for m, f in features.items()}
