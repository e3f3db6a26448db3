"""GRIM: can a printed percentage be k of N items? What can tell single runs from averages (decisions E6).

One source rounds all its values, or cuts all of them: both rules are tried, and each pays for the other. (Either rule for each value
would let 57 % of all values be k of 3,783, against 38 % for one rule.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RULES = ("rounded", "cut")
REACH = 0.1  # how far from the true size other sizes are tried
SURE = 0.01  # a fit this unlikely by chance means single runs
TRIALS = 100  # random sets, each with its own best size
NEAR = 5.0  # random values are drawn from the printed range and as many points to either side


@dataclass(frozen=True)
class Fit:
    """values printed; hits of them are k/N under the better rule; chance: the share of all values of their precision that are; p: how
    likely so many hits are by chance, under either rule; best: the sizes within REACH that fit the most values, with their rule,
    and how many they fit; luck: of TRIALS random sets, how many fit as well at their own best size and rule (None where every
    value fits every size); follows: what it means."""

    items: int
    values: int
    rule: str
    hits: int
    chance: float
    p: float
    best: tuple[tuple[int, str], ...]
    best_hits: int
    luck: int | None
    follows: str


def places(printed: str) -> int:
    return len(printed.partition(".")[2])


def reachable(printed: str, items: int, rule: str) -> bool:
    """Is the printed percentage some k/N, by this rule?"""
    return bool(_mask(items, places(printed), rule)[_index(printed)])


def chance(items: int, decimals: int, rule: str) -> float:
    """The share of the values 0 to 100 of this precision that are k/N."""
    return float(_mask(items, decimals, rule).mean())


def _index(printed: str) -> int:
    return round(float(printed) * 10 ** places(printed))


@lru_cache(maxsize=256)
def _mask(items: int, decimals: int, rule: str) -> NDArray[np.bool_]:
    """Which of 0, 1 unit, ... 100 % are reachable; shape (100 * 10^decimals + 1,)."""
    top = 100 * 10**decimals
    found = np.zeros(top + 1, bool)
    if items >= 2 * top:
        return ~found
    scaled = np.arange(items + 1, dtype=np.int64) * top
    found[(2 * scaled + items) // (2 * items) if rule == "rounded" else scaled // items] = True
    return found


@lru_cache(maxsize=16)
def _masks(low: int, high: int, decimals: int) -> NDArray[np.bool_]:
    """The masks of the sizes low to high under both rules; shape (2, high - low + 1, 100 * 10^decimals + 1)."""
    return np.stack([[_mask.__wrapped__(size, decimals, rule) for size in range(low, high + 1)] for rule in RULES])


def fit(printed: Sequence[str], items: int) -> Fit:
    """All values of one test set. Values are strings, as printed."""
    hits, rule = max(((sum(reachable(v, items, rule) for v in printed), rule) for rule in RULES), key=lambda found: found[0])
    rates = [chance(items, places(v), rule) for v in printed]
    rate, p = sum(rates) / len(rates), min(1.0, len(RULES) * _tail(rates, hits))
    if rate > 0.99:
        return Fit(items, len(printed), rule, hits, rate, p, ((items, rule),), hits, None, _follows(p, hits, len(printed), False))
    low, high = max(2, round(items * (1 - REACH))), round(items * (1 + REACH))
    counts = np.sum([_masks(low, high, places(v))[:, :, _index(v)] for v in printed], axis=0)
    most = int(counts.max())
    best = tuple((int(low + size), RULES[r]) for r, size in np.argwhere(counts == most))
    luck = _luck(printed, (low, high), most)
    elsewhere = most == len(printed) and luck <= SURE * TRIALS
    return Fit(items, len(printed), rule, hits, rate, p, best, most, luck, _follows(p, hits, len(printed), elsewhere))


def _luck(printed: Sequence[str], sizes: tuple[int, int], most: int) -> int:
    """Of TRIALS sets of random values like the printed ones, how many fit as many values at their best size and rule."""
    source = np.random.default_rng(0)
    values = [float(v) for v in printed]
    low, high = max(0.0, min(values) - NEAR), min(100.0, max(values) + NEAR)
    counts = np.zeros((len(RULES), sizes[1] - sizes[0] + 1, TRIALS), np.int32)
    for v in printed:
        scale = 10 ** places(v)
        counts += _masks(*sizes, places(v))[:, :, source.integers(int(low * scale), int(high * scale) + 1, TRIALS)]
    return int((counts.max(axis=(0, 1)) >= most).sum())


def _tail(rates: Sequence[float], hits: int) -> float:
    """How likely at least so many of independent values with these rates are."""
    chances = np.ones(1)
    for rate in rates:
        chances = np.convolve(chances, [1 - rate, rate])
    return float(chances[hits:].sum())


def _follows(p: float, hits: int, values: int, elsewhere: bool) -> str:
    if p < SURE:
        return "single runs on the full list" if hits == values else "mostly single runs on the full list"
    if hits == values:
        return "undecidable"
    return "single runs on another number of items" if elsewhere else "averages, or another number of items"
