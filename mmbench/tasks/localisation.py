"""A class for every second of an item, background among them: accuracy over all seconds of a part.

The loss is the official code's (facts 4.7), a multi-label soft margin on the softmax: for each second and class the binary cross-entropy
of sigmoid(softmax(z)) with 1 for the second's events and 0 for the others, averaged over all. At its best, one-hot answers, it is
0.680 with 29 classes. Every second counts as an item in scores and stored predictions, in the order of the clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, final

import numpy as np
from torch import Tensor
from torch.nn.functional import multilabel_soft_margin_loss, one_hot

from mmbench import scoring
from mmbench.datasets.data import Batch, Data
from mmbench.errors import UserError
from mmbench.head import Out
from mmbench.shapley import benefits, shapley, share
from mmbench.spec import View


@final
class Localisation:
    primary = "accuracy"
    better = "higher"

    def __init__(self, classes: int):
        self.classes = classes

    @classmethod
    def of(cls, data: Data) -> Self:
        """UserError where the labels are not a class of the data set for each second."""
        for name, part in data.parts.items():
            labels, classes = np.asarray(part.labels), len(data.classes)
            if labels.ndim != 2:
                expected = "items x seconds: prepare the dataset again"
                raise UserError(f"{data.name}: labels of part '{name}' are an array of {labels.shape}, expected {expected}")
            outside = (labels < 0) | (labels >= classes)
            if outside.any():
                item, second = np.argwhere(outside)[0]
                where = f"second {second} of '{part.keys[item]}', part '{name}'"
                raise UserError(
                    f"{data.name}: label {labels[item, second]} in {where}, expected 0 to {classes - 1}: prepare the dataset again"
                )
        return cls(len(data.classes))

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """logits B x C x T, labels B x T; where the data know several events of a second (extras "events", B x T x C), all count."""
        events = batch.extras.get("events")
        target = one_hot(batch.labels, self.classes) if events is None else events
        chances = logits.softmax(1).transpose(1, 2)
        return multilabel_soft_margin_loss(chances.flatten(0, 1), target.flatten(0, 1).to(chances.dtype))

    def collect(self, out: Out, batch: Batch) -> dict[str, Tensor]:
        """What evaluation keeps of a batch: log-probabilities B x C x T and the choices, B x T, of each modality alone."""
        alone = out.unimodal
        names = list(alone)

        def right(given: Tensor) -> Tensor:
            return share(out.fused if bool(given.all()) else alone[names[int(given.nonzero()[0])]], batch.labels)

        kept = {"fused": out.fused.log_softmax(1), "labels": batch.labels, "contribution": shapley(benefits(right, len(names)))}
        return kept | {f"choice.{m}": logits.argmax(1) for m, logits in alone.items()}

    def scores(self, kept: Mapping[str, Tensor], modalities: Sequence[str], views: Sequence[View]) -> dict[str, float]:
        """As a classification scores, of the seconds."""
        return scoring.scores(_seconds(kept), self.classes, modalities, views)

    def predictions(self, kept: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return scoring.predictions(_seconds(kept))


def _seconds(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """N clips of T seconds -> N * T seconds; contributions stay the clips'."""
    found = {name: value if name == "contribution" else value.flatten() for name, value in kept.items() if name != "fused"}
    return found | {"fused": kept["fused"].transpose(1, 2).flatten(0, 1)}
