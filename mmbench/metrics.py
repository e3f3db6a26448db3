"""What the metrics' names say, in numpy: used by the training half when it evaluates, and by the reporting half when it re-scores.

A metric of `METRICS` says which direction is better; scores are in the unit that papers print (per cent for shares).
"""

from __future__ import annotations

import numpy as np

METRICS: dict[str, str] = {"accuracy": "higher", "macro-f1": "higher"}


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
