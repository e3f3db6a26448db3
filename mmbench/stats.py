"""Intervals, spreads and shapes (decisions E). Numbers in, numbers out: nothing here knows of tables or records.

A layout is an array R x n: R cells on n common seeds, one column per seed. `sd` and `df` are a spread and its degrees of freedom.
Quantiles come from scipy.special, which scipy.stats calls too, a hundred times slower for single numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from math import ceil, sqrt
from typing import TypeVar

import numpy as np
from scipy import special, stats

DRAWS = 20_000  # of a shape's probability: its standard error is at most 0.4 %
Name = TypeVar("Name", bound=Hashable)


def quantile(level: float, df: float) -> float:
    """Of Student's t."""
    return float(special.stdtrit(df, level))


def half_unit(printed: str) -> float:
    """Half a unit of the last printed digit: 0.005 for "71.90", 0.5 for "72"."""
    match = re.search(r"\d*\.(\d+)|\d+", printed)
    return 0.5 * 10.0 ** -len(match.group(1) or "") if match else 0.0


def pooled(layout: np.ndarray) -> tuple[float, float]:
    """Spread and degrees of freedom over cells that share their seeds (E1): with S the covariance of the cells and m = n - 1,
    s^2 = tr S / R, df = m (tr S)^2 / T, T = m^2 / ((m+2)(m-1)) (tr S^2 - (tr S)^2 / m), clipped to [m, m R].
    With two seeds T does not exist, and nothing is known of the correlation: df = m."""
    cells, seeds = layout.shape
    m = seeds - 1
    covariance = np.atleast_2d(np.cov(layout))
    trace = float(np.trace(covariance))
    if m < 2 or trace == 0:
        return sqrt(trace / cells), float(m)
    unbiased = m**2 / ((m + 2) * (m - 1)) * (float(np.sum(covariance**2)) - trace**2 / m)
    df = m * cells if unbiased <= 0 else m * trace**2 / unbiased
    return sqrt(trace / cells), float(np.clip(df, m, m * cells))


def granularity(items: int) -> float:
    """The least spread of a percentage over N items that can be believed: 100/N/sqrt(12)."""
    return 100 / items / sqrt(12) if items else 0.0


def consistency(mean: float, published: float, half: float, sd: float, df: float, k: int, n: int) -> tuple[float, float]:
    """Half the width of the band |p - mean| <= t(.975, df) s sqrt(1/k + 1/n) + half a printed unit, and the test's two-sided p.
    p > .05 inside the band."""
    error = sd * sqrt(1 / k + 1 / n)
    gap = max(0.0, abs(published - mean) - half)
    p = 1.0 if gap == 0 else 0.0 if error == 0 else 2 * float(special.stdtr(df, -gap / error))
    return quantile(0.975, df) * error + half, p


def best_of(
    mean: float, published: float, half: float, sd: float, df: float, k: int, n: int, better: str
) -> tuple[float, float, float, float]:
    """The best of k runs, against G(y)^k with G the t-predictive distribution of one run: the ends of the 95 % band, widened by
    half a printed unit, its median, and the two-sided p."""
    error, sign = sd * sqrt(1 + 1 / n), 1 if better == "higher" else -1
    ends = sorted(mean + sign * error * quantile(level ** (1 / k), df) for level in (0.025, 0.975))
    middle = mean + sign * error * quantile(0.5 ** (1 / k), df)
    if error == 0:
        return mean - half, mean + half, middle, float(abs(published - mean) <= half)
    low, high = ((sign * (published - mean) + shift) / error for shift in (-half, half))
    p = min(1.0, 2 * min(float(special.stdtr(df, high)) ** k, 1 - float(special.stdtr(df, low)) ** k))
    return ends[0] - half, ends[1] + half, middle, p


def equivalent(difference: float, margin: float, sd: float, df: float, n: int, level: float = 0.05) -> bool:
    """The t-interval of (mean - published), the published value taken as a constant, lies within +- margin: at level .05 that of
    90 %, two one-sided tests."""
    return abs(difference) + quantile(1 - level, df) * sd / sqrt(n) <= margin


def too_fine(margin: float, sd: float, n: int) -> bool:
    """Below 2 s / sqrt(n) a margin is finer than the noise: no mean of n runs shall show equivalence in it."""
    return margin < 2 * sd / sqrt(n)


def seeds_needed(difference: float, margin: float, sd: float, df: float) -> int | None:
    """The least n, about, at which the equivalence interval fits the margin at today's difference, spread and df; None: at no n."""
    room = margin - abs(difference)
    if room <= 0:
        return None
    return max(2, ceil((quantile(0.95, df) * sd / room) ** 2), ceil((2 * sd / margin) ** 2))


def two_way(layout: np.ndarray) -> tuple[float, float]:
    """Residual variance of the layout cell x seed and its df = (R - 1)(n - 1): what paired differences vary by (E3)."""
    cells, seeds = layout.shape
    rest = layout - layout.mean(1, keepdims=True) - layout.mean(0, keepdims=True) + layout.mean()
    df = (cells - 1) * (seeds - 1)
    return float(np.sum(rest**2)) / df, float(df)


def contrast(layout: np.ndarray, weights: np.ndarray, floor: float = 0.0) -> tuple[float, float, float]:
    """A weighted sum of cell means: estimate, its standard error, df. floor: the least residual spread that is believed."""
    variance, df = two_way(layout)
    error = sqrt(max(variance, floor**2) * float(np.sum(weights**2)) / layout.shape[1])
    return float(weights @ layout.mean(1)), error, df


def paired(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> tuple[float, float, float, float]:
    """Two cells on the same seeds: mean difference first - second, the ends of its two-sided t-interval, p of "no difference"."""
    estimate, error, df = contrast(np.stack([first, second]), np.array([1.0, -1.0]))
    half = quantile((1 + level) / 2, df) * error
    p = 2 * float(special.stdtr(df, -abs(estimate) / error)) if error else float(estimate == 0)
    return estimate, estimate - half, estimate + half, p


def shape(layout: np.ndarray, holds: Callable[[np.ndarray], np.ndarray], floor: float = 0.0, draws: int = DRAWS) -> float:
    """The probability of a shape of the cell means under the fitted layout, by simulation with a fixed stream.
    holds: draws x R -> draws, bool."""
    variance, df = two_way(layout)
    source = np.random.default_rng(20261121)
    scale = np.sqrt(max(variance, floor**2) * df / source.chisquare(df, draws) / layout.shape[1])
    means = layout.mean(1) + scale[:, None] * source.standard_normal((draws, len(layout)))
    return float(np.mean(holds(means)))


def rises_then_falls(means: np.ndarray) -> np.ndarray:
    """draws x R -> draws: strictly up to one inner maximum, strictly down after it."""
    steps = np.diff(means, axis=1) > 0
    return steps[:, 0] & ~steps[:, -1] & np.all(steps[:, :-1] >= steps[:, 1:], axis=1)


def rises(means: np.ndarray) -> np.ndarray:
    """draws x R -> draws: every step is up."""
    return np.all(np.diff(means, axis=1) > 0, axis=1)


def holm(p: Mapping[Name, float], level: float = 0.05) -> dict[Name, bool]:
    """Which hypotheses stay rejected after Holm's step-down over all of them."""
    rejected, still = {}, True
    for rank, (name, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        still = still and value <= level / (len(p) - rank)
        rejected[name] = still
    return rejected


def kendall(first: np.ndarray, second: np.ndarray) -> float | None:
    """Kendall's tau-b between published and reproduced order; None below three values, or where all of one side are equal."""
    if len(first) < 3:
        return None
    value = float(stats.kendalltau(first, second)[0])  # pyright: ignore[reportArgumentType]
    return None if np.isnan(value) else value


def mcnemar(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """Two methods on the same items of one seed pair (bool: right or wrong; never pooled over seeds): items that only the first
    gets right, that only the second does, and the exact two-sided p."""
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    total = only_first + only_second
    return only_first, only_second, 1.0 if total == 0 else float(stats.binomtest(only_first, total).pvalue)
