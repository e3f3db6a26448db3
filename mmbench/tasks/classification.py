"""One label of C per item: cross-entropy; accuracy and macro-F1 of the fused output, of each modality's own, of other decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmbench.datasets.data import Batch, Data
from mmbench.errors import UserError, unknown
from mmbench.head import Out
from mmbench.metrics import accuracy, macro_f1
from mmbench.shapley import contributions
from mmbench.spec import View

SCORES = ("accuracy", "macro-f1")  # of choices; views of what is logged or diagnosed read the curve


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
        kept = {"fused": out.fused.log_softmax(1), "labels": batch.labels}
        kept["contribution"] = contributions(out.head, out.features, batch.labels)
        kept |= {f"choice.{m}": logits.argmax(1) for m, logits in out.unimodal.items()}
        return kept | {f"choice/{name}": logits.argmax(1) for name, logits in out.decisions.items()}

    def scores(self, kept: Mapping[str, Tensor], modalities: Sequence[str], views: Sequence[View]) -> dict[str, float]:
        """Metric name -> score, for the fused and unimodal accuracy and every view. kept: N x ... tensors of a whole part."""
        arrays = {name: value.cpu().numpy() for name, value in kept.items()}
        wanted = {View("accuracy"), *(View("accuracy", output=m) for m in modalities), *views}
        scores = {view.name: self.score(arrays, view) for view in sorted(wanted, key=lambda v: v.name) if view.metric in SCORES}
        shares = arrays["contribution"].mean(0)
        scores |= {f"contribution.{m}": float(share) for m, share in zip(modalities, shares, strict=True)}
        return scores | {"contribution-gap": float(shares.max() - shares.min())}

    def score(self, arrays: Mapping[str, np.ndarray], view: View) -> float:
        labels, predicted = arrays["labels"], self._choice(arrays, view)
        if view.subset != "all":
            first = _first(view.subset)
            labels, predicted = labels[:first], predicted[:first]
        if view.metric == "accuracy":
            return accuracy(predicted, labels)
        if view.metric == "macro-f1":
            return macro_f1(predicted, labels, self.classes)
        raise unknown("metric of a classification", view.metric, SCORES)

    def _choice(self, arrays: Mapping[str, np.ndarray], view: View) -> np.ndarray:
        if view.output != "fused":
            return arrays[f"choice.{view.output}"]
        if view.decision != "head":
            if f"choice/{view.decision}" not in arrays:
                raise UserError(f"view {view.name}: this head has no decision '{view.decision}'")
            return arrays[f"choice/{view.decision}"]
        return arrays["fused"].argmax(1)

    def predictions(self, kept: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """What is stored beside the record: float16 log-probabilities, int16 unimodal choices and labels."""
        stored = {"log_probabilities": kept["fused"].half().cpu().numpy()}
        stored["labels"] = kept["labels"].to(torch.int16).cpu().numpy()
        return stored | {n: v.to(torch.int16).cpu().numpy() for n, v in kept.items() if n.startswith("choice")}


def _first(subset: str) -> int:
    """`first-704` -> 704, the subsets that released loaders score by dropping the last incomplete batch."""
    head, _, count = subset.partition("-")
    if head != "first" or not count.isdigit():
        raise UserError(f"unknown scored subset '{subset}'; expected 'all' or 'first-<count>'")
    return int(count)
