"""A class per pixel: cross-entropy; mIoU over one confusion matrix, and per-image micro-Jaccard (`image-jaccard`), which MaskSup calls
mIoU. Which of them CM-VQVAE prints is not known, so both are there.

Pixels labelled 255 are void: nobody's. They count in no loss and in no score. What is stored is a confusion matrix per picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmbench import scoring
from mmbench.datasets.data import Batch, Data, Part
from mmbench.errors import UserError, unknown
from mmbench.head import Out
from mmbench.metrics import VOID, confusions, image_jaccard, miou
from mmbench.shapley import benefits, shapley
from mmbench.spec import View

SCORES = {"miou": miou, "image-jaccard": image_jaccard}


@final
class Segmentation:
    primary = "miou"
    better = "higher"

    def __init__(self, classes: int):
        self.classes = classes

    @classmethod
    def of(cls, data: Data) -> Self:
        """UserError where the labels are not a class of the data set, or void, for each pixel."""
        for name, part in data.parts.items():
            _checked(part, len(data.classes), f"{data.name}: part '{name}'")
        return cls(len(data.classes))

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy over the labelled pixels; 0 where there is none. logits B x C x H x W, labels B x H x W."""
        if logits.shape[2:] != batch.labels.shape[1:]:
            sizes = ["x".join(map(str, shape)) for shape in (batch.labels.shape[1:], logits.shape[2:])]
            raise UserError(
                f"labels of {sizes[0]} pixels and answers of {sizes[1]}, expected the same: set image_size to that of the labels"
            )
        labels = batch.labels.long()
        total = cross_entropy(logits, labels, ignore_index=VOID, reduction="sum")
        return total / (labels != VOID).sum().clamp(min=1)

    def collect(self, out: Out, batch: Batch) -> dict[str, Tensor]:
        """What evaluation keeps of a batch: confusion matrices B x C x C of the fused answer and of each modality's own, and how many
        pixels are labelled (B)."""
        alone = out.unimodal

        def right(given: Tensor) -> Tensor:
            names = [m for m, there in zip(out.head.modalities, given.tolist(), strict=True) if there]
            if len(names) == 1:
                return _share(alone[names[0]], batch.labels)
            whole = len(names) == len(given)
            return _share(out.fused if whole else out.head.coalition(out.features, given.to(batch.labels.device)), batch.labels)

        kept = {"labels": (batch.labels != VOID).flatten(1).sum(1), "confusion": self.table(out.fused, batch.labels), **out.scores}
        kept["contribution"] = shapley(benefits(right, len(out.head.modalities)))
        return kept | {f"confusion.{m}": self.table(logits, batch.labels) for m, logits in alone.items()}

    def table(self, logits: Tensor, labels: Tensor) -> Tensor:
        """B x C x C (int32, CPU)."""
        answers = logits.argmax(1).to(torch.uint8 if self.classes < VOID else torch.int32)
        return torch.from_numpy(confusions(answers.cpu().numpy(), labels.cpu().numpy(), self.classes)).int()

    def scores(self, kept: Mapping[str, Tensor], modalities: Sequence[str], views: Sequence[View]) -> dict[str, float]:
        """Metric name -> score of the fused answer, of each modality's own mIoU, and of every view; contributions and measures."""
        arrays = {name: value.cpu().numpy() for name, value in kept.items()}
        wanted = {*(View(name) for name in SCORES), *(View("miou", output=m) for m in modalities)}
        wanted |= {view for view in views if view.metric in SCORES}
        found = {view.name: self.score(arrays, view) for view in sorted(wanted, key=lambda v: v.name)}
        return found | scoring.contributed(arrays, modalities) | scoring.measured(arrays)

    def score(self, arrays: Mapping[str, np.ndarray], view: View) -> float:
        if view.subset != "all" or view.decision != "head":
            raise unknown("subset or decision of a segmentation", view.subset if view.subset != "all" else view.decision, ("all", "head"))
        return SCORES[view.metric](arrays["confusion" if view.output == "fused" else f"confusion.{view.output}"])

    def predictions(self, kept: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """What is stored beside the record: a confusion matrix per picture, N x C x C."""
        return {"confusion": kept["confusion"].numpy().astype(np.uint32)}


def _share(logits: Tensor, labels: Tensor) -> Tensor:
    """B: of each picture the share of its labelled pixels that are answered rightly."""
    labelled = labels != VOID
    right = (logits.argmax(1) == labels) & labelled
    return right.flatten(1).sum(1) / labelled.flatten(1).sum(1).clamp(min=1)


def _checked(part: Part, classes: int, where: str) -> None:
    labels = np.asarray(part.labels)
    if labels.ndim != 3:
        raise UserError(f"{where}: labels are an array of {labels.shape}, expected items x height x width: prepare the dataset again")
    for key, label in zip(part.keys, labels, strict=True):
        outside = ((label < 0) | (label >= classes)) & (label != VOID)
        if outside.any():
            row, column = np.argwhere(outside)[0]
            says = f"label {label[row, column]} at row {row}, column {column} of '{key}', expected 0 to {classes - 1} or {VOID} for none"
            raise UserError(f"{where}: {says}: prepare the dataset again")
