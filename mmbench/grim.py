"""GRIM: can a printed percentage be k of N items? What can tell single runs from averages (decisions E6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, floor

REACH = 0.1  # how far from the true size other sizes are tried
SURE = 0.01  # a fit this unlikely by chance means single runs


@dataclass(frozen=True)
class Fit:
    """values printed; hits of them are k/N; chance: the share of all values of this precision that are; best: another size that fits
    more of them, and how many; p: how likely so many hits are by chance; follows: what it means."""

    items: int
    values: int
    hits: int
    chance: float
    best: int
    best_hits: int
    p: float
    follows: str


def reachable(printed: str, items: int) -> bool:
    """Is the printed percentage some k/N, rounded or cut to its decimals?"""
    decimals = len(printed.partition(".")[2])
    value, unit = float(printed), 10**-decimals
    k = floor(value * items / 100)
    return any(
        abs(round(100 * j / items, decimals) - value) < unit / 4 or abs(floor(100 * j / items / unit + 1e-9) * unit - value) < unit / 4
        for j in (k - 1, k, k + 1, k + 2)
        if 0 <= j <= items
    )


def chance(items: int, decimals: int) -> float:
    """The share of the values 0 to 100 of this precision that are k/N, rounded or cut."""
    scale = 10**decimals
    found = {round(100 * k / items * scale) for k in range(items + 1)} | {floor(100 * k / items * scale + 1e-9) for k in range(items + 1)}
    return len(found) / (100 * scale + 1)


def fit(printed: Sequence[str], items: int) -> Fit:
    """All values of one test set. Values are strings, as printed."""
    hits = sum(reachable(v, items) for v in printed)
    decimals = max(len(v.partition(".")[2]) for v in printed)
    rate = chance(items, decimals)
    sizes = range(max(2, round(items * (1 - REACH))), round(items * (1 + REACH)) + 1)
    counts = {size: sum(reachable(v, size) for v in printed) for size in sizes}
    best = max(counts, key=lambda size: (counts[size], -abs(size - items)))
    p = sum(comb(len(printed), k) * rate**k * (1 - rate) ** (len(printed) - k) for k in range(hits, len(printed) + 1))
    if p < SURE:
        follows = "single runs on the full list" if hits == len(printed) else "mostly single runs on the full list"
    else:  # single runs would all be k/N
        follows = "undecided" if hits == len(printed) else "not single runs on the full list: averages, or another number of items"
    return Fit(items, len(printed), hits, rate, best, counts[best], p, follows)
