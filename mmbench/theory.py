"""What the papers derive rather than measure, as formulas: no training stands behind these numbers."""

from __future__ import annotations

from collections.abc import Callable
from math import log


def scale_bound(classes: int, p: float) -> float:
    """MMCosine, Eq. 4 (supplement Eq. 8): the least scale at which class centres may reach posterior p. p in (0, 1), classes >= 2."""
    return (classes - 1) / (2 * (classes + 1)) * log((classes - 1) * p / (1 - p))


def sharp_scale_bound(classes: int, p: float) -> float:
    """The same with the constant that the proof's own premise gives: the squared norms of C centres sum to 2C, not 4C
    (facts 1.1, derived). Reached by a simplex of class centres."""
    return (classes - 1) / (2 * classes) * log((classes - 1) * p / (1 - p))


FORMULAS: dict[str, Callable[[int, float], float]] = {"scale-bound": scale_bound, "sharp-scale-bound": sharp_scale_bound}
