"""Scores of choices among classes, item by item, and what is stored of them: what the tasks that choose a class have in common.

kept, of a whole part: "fused" (N x C log-probabilities), "labels" (N), "choice.<modality>" and "choice/<decision>" (N, what the other
outputs choose), "contribution" (of each sample and modality), "score.<name>" (N, what the model itself measured). Metrics: `SCORES`;
views of what is logged or diagnosed read the curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mmbench.errors import UserError, unknown
from mmbench.metrics import accuracy, macro_f1
from mmbench.spec import View

SCORES = ("accuracy", "macro-f1")
SUBSET = "subset."  # before the name of a part's extra, N or N x 1 bool: items that a view scores alone, as RML's labels of CREMA-D


def scores(kept: Mapping[str, Tensor], classes: int, modalities: Sequence[str], views: Sequence[View]) -> dict[str, float]:
    """Metric name -> score, for the fused and unimodal accuracy and every view; and the mean contributions."""
    arrays = {name: value.cpu().numpy() for name, value in kept.items()}
    wanted = {View("accuracy"), *(View("accuracy", output=m) for m in modalities), *views}
    found = {view.name: score(arrays, classes, view) for view in sorted(wanted, key=lambda v: v.name) if view.metric in SCORES}
    if any(view.select == "least-val-loss" for view in views):
        found["cross-entropy"] = cross_entropy(arrays["fused"], arrays["labels"])
    return found | contributed(arrays, modalities) | measured(arrays)


def contributed(arrays: Mapping[str, np.ndarray], modalities: Sequence[str]) -> dict[str, float]:
    """Each modality's mean contribution, and how far they lie apart."""
    shares = arrays["contribution"].mean(0)
    found = {f"contribution.{m}": float(share) for m, share in zip(modalities, shares, strict=True)}
    return found | {"contribution-gap": float(shares.max() - shares.min())}


def cross_entropy(fused: np.ndarray, labels: np.ndarray) -> float:
    """The mean over N items of minus the log-probability (N x C) of the label."""
    return -float(np.take_along_axis(fused, labels[:, None], 1).mean(dtype=np.float64))


def measured(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The means of what the model measured, by name: NaN where one is undefined."""
    return {name.removeprefix("score."): float(a.mean(dtype=np.float64)) for name, a in arrays.items() if name.startswith("score.")}


def score(arrays: Mapping[str, np.ndarray], classes: int, view: View) -> float:
    labels, predicted = arrays["labels"], _choice(arrays, view)
    if view.subset != "all":
        chosen = arrays[name].ravel() if (name := f"{SUBSET}{view.subset}") in arrays else slice(_first(view.subset))
        labels, predicted = labels[chosen], predicted[chosen]
    if view.metric == "accuracy":
        return accuracy(predicted, labels)
    if view.metric == "macro-f1":
        return macro_f1(predicted, labels, classes)
    raise unknown("metric of a classification", view.metric, SCORES)


def _choice(arrays: Mapping[str, np.ndarray], view: View) -> np.ndarray:
    if view.output != "fused":
        return arrays[f"choice.{view.output}"]
    if view.decision != "head":
        if f"choice/{view.decision}" not in arrays:
            raise UserError(f"view {view.name}: this head has no decision '{view.decision}'")
        return arrays[f"choice/{view.decision}"]
    return arrays["fused"].argmax(1)


def _first(subset: str) -> int:
    """`first-704` -> 704, the subsets that released loaders score by dropping the last incomplete batch."""
    head, _, count = subset.partition("-")
    if head != "first" or not count.isdigit():
        raise UserError(f"unknown scored subset '{subset}'; expected 'all', 'first-<count>' or one that the prepared dataset names")
    return int(count)


def predictions(kept: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """What is stored beside the record: float16 log-probabilities, int16 unimodal choices and labels."""
    stored = {"log_probabilities": kept["fused"].half().cpu().numpy()}
    stored["labels"] = kept["labels"].to(torch.int16).cpu().numpy()
    return stored | {n: v.to(torch.int16).cpu().numpy() for n, v in kept.items() if n.startswith("choice")}
