"""One label of C per item: cross-entropy; accuracy and macro-F1 of the fused output, of each modality's own, of other decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, final

import numpy as np
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmbench import scoring
from mmbench.datasets.data import Batch, Data
from mmbench.head import Out
from mmbench.shapley import contributions
from mmbench.spec import View


@final
class Classification:
    primary = "accuracy"
    better = "higher"

    def __init__(self, classes: int):
        self.classes = classes

    @classmethod
    def of(cls, data: Data) -> Self:
        return cls(len(data.classes))

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy. logits B x C, labels B."""
        return cross_entropy(logits, batch.labels)

    def collect(self, out: Out, batch: Batch) -> dict[str, Tensor]:
        """What evaluation keeps of a batch: log-probabilities (B x C) and the choices (B) of every output and decision."""
        kept = {"fused": out.fused.log_softmax(1), "labels": batch.labels, **out.scores}
        kept |= {name: extra for name, extra in batch.extras.items() if name.startswith(scoring.SUBSET)}
        kept["contribution"] = contributions(out.head, out.features, batch.labels)
        kept |= {f"choice.{m}": logits.argmax(1) for m, logits in out.unimodal.items()}
        return kept | {f"choice/{name}": logits.argmax(1) for name, logits in out.decisions.items()}

    def scores(self, kept: Mapping[str, Tensor], modalities: Sequence[str], views: Sequence[View]) -> dict[str, float]:
        """Metric name -> score, for the fused and unimodal accuracy and every view. kept: N x ... tensors of a whole part."""
        return scoring.scores(kept, self.classes, modalities, views)

    def predictions(self, kept: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return scoring.predictions(kept)
