"""What the metrics' names say, in numpy: used by the training half when it evaluates, and by the reporting half when it re-scores.

A metric of `METRICS` says which direction is better; scores are in the unit that papers print (per cent for shares).
"""

from __future__ import annotations

import numpy as np

METRICS: dict[str, str] = {
    "accuracy": "higher", "macro-f1": "higher", "miou": "higher", "image-jaccard": "higher", "eer": "lower", "min-dcf": "lower",
}  # fmt: skip
SHARES = ("accuracy", "macro-f1", "miou", "image-jaccard", "eer", "compl", "contr")  # in per cent
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(SHARES, (0.0, 100.0)), "min-dcf": (0.0, 1.0), "mse": (0.0, float("inf")), "zeta": (0.0, float("inf")),
}  # fmt: skip
VOID = 255  # the label of a pixel that nobody labelled; never scored


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of items whose predicted class is the label, in per cent. Both are N integers."""
    return 100.0 * float(np.mean(predicted == labels))


def macro_f1(predicted: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Mean over the classes that occur (in either array) of F1, in per cent."""
    table = confusion(predicted, labels, classes)
    hits, occurs = np.diag(table), table.sum(0) + table.sum(1)
    return 100.0 * float(np.mean(2.0 * hits[occurs > 0] / occurs[occurs > 0]))


def confusion(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """C x C counts, rows the label, columns the prediction."""
    return np.bincount(labels.astype(np.int64) * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def confusions(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """N x C x C counts of pixels, a table per picture: rows the label, columns the prediction. Both are N x H x W; void is left out."""
    found = np.empty((len(labels), classes, classes), np.int64)
    for i, (answer, label) in enumerate(zip(predicted, labels, strict=True)):
        place = label.ravel().astype(np.int64)
        place[place == VOID] = classes  # a row of its own, cut off below
        place *= classes
        place += answer.ravel()
        found[i] = np.bincount(place, minlength=classes * (classes + 1))[: classes * classes].reshape(classes, classes)
    return found


def miou(tables: np.ndarray) -> float:
    """Mean intersection over union of the classes, in per cent, from the one table that all pictures make together (N x C x C). A class
    that occurs neither as a label nor as a prediction has no union and is left out; NaN where no pixel is labelled."""
    table = tables.sum(0)
    hits, union = np.diag(table), table.sum(0) + table.sum(1) - np.diag(table)
    return 100.0 * float(np.mean(hits[union > 0] / union[union > 0])) if union.any() else float("nan")


def image_jaccard(tables: np.ndarray) -> float:
    """MaskSup's "mIoU" (facts B5.3), in per cent: of each picture (N x C x C) the hits of all classes over the unions of all classes,
    averaged over the pictures. It follows from the pixel accuracy a alone: a / (2 - a). Pictures without a label are left out."""
    hits, pixels = np.trace(tables, axis1=1, axis2=2), tables.sum((1, 2))
    some = pixels > 0
    return 100.0 * float(np.mean(hits[some] / (2 * pixels[some] - hits[some]))) if some.any() else float("nan")


def eer(scores: np.ndarray, same: np.ndarray) -> float:
    """Equal error rate of trials, in per cent: where the share of wrongly refused pairs equals that of wrongly accepted ones, on
    straight lines between the thresholds (MMCosine's method, without its epsilon; the trainer's takes the nearest threshold).
    scores: N numbers, higher is more alike; same: N bools. Equal scores are accepted together. NaN where a score is not finite."""
    if not np.isfinite(scores).all():
        return float("nan")
    refused, accepted = errors(scores, same)
    i = int(np.argmax(accepted >= refused))  # the first threshold at or behind the crossing; never 0, where all is refused
    before, behind = refused[i - 1] - accepted[i - 1], accepted[i] - refused[i]
    share = before / (before + behind)
    return 100.0 * float(refused[i - 1] + share * (refused[i] - refused[i - 1]))


def min_dcf(scores: np.ndarray, same: np.ndarray, prior: float = 0.01, miss: float = 1.0, alarm: float = 1.0) -> float:
    """The least detection cost over all thresholds, miss * prior * refused + alarm * (1 - prior) * accepted, as a share of that of the
    better constant answer. MMCosine's costs and prior (the trainer's prior is 0.05). NaN where a score is not finite."""
    if not np.isfinite(scores).all():
        return float("nan")
    refused, accepted = errors(scores, same)
    return float(np.min(miss * prior * refused + alarm * (1 - prior) * accepted) / min(miss * prior, alarm * (1 - prior)))


def errors(scores: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of refused pairs of one speaker and of accepted pairs of two, at every threshold from above all scores downwards.
    Both kinds of pairs must be there."""
    order = np.argsort(-scores, kind="stable")
    hits, last = np.cumsum(same[order]), np.append(np.diff(scores[order]) != 0, True)  # the last of each run of equal scores
    taken = np.arange(1, len(order) + 1)[last]
    hits = hits[last]
    refused = 1.0 - np.append(0, hits) / hits[-1]
    return refused, np.append(0, taken - hits) / (len(order) - hits[-1])
