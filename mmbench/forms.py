"""The nine forms of claims, each a function from a question to its comparisons. What a form means stands in `mmbench.claims`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, sqrt

import numpy as np

from mmbench import stats
from mmbench.sample import Sample
from mmbench.spec import WORDS, Claim, Table

Runs = Mapping[tuple[str, str], Sample]  # (row, column) -> the runs behind the cell
CERTAIN = 0.9  # a shape holds from this probability on
RISK = 0.05


@dataclass(frozen=True)
class Finding:
    """One comparison: its word and the numbers behind it. `low` and `high` are one-sided 95 % bounds."""

    word: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    df: float | None = None
    n: int = 0
    why: str = ""


@dataclass(frozen=True)
class Question:
    """A claim in one column. holds, fails: the risks at which a comparison may be called so. looks: how often, at most, it is asked
    as seeds are added: each time at that part of the risk (E5)."""

    claim: Claim
    table: Table
    column: str
    runs: Runs
    holds: float
    fails: float
    direction_only: bool
    looks: int = 1

    @property
    def sign(self) -> float:
        return 1.0 if self.table.column(self.column).better == "higher" else -1.0

    @property
    def others(self) -> list[str]:
        """`than`, or the rows of the column that are not in the claim and have a number of ours to be."""
        if self.claim.than:
            return list(self.claim.than)
        rows = [r.id for r in self.table.rows if r.id not in self.claim.rows and not r.cited]
        return [r for r in rows if (r, self.column) in self.runs and self.table.published.get((r, self.column)) not in WORDS]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        than = self.claim.than if len(self.claim.than) == len(self.claim.rows) else self.claim.than * len(self.claim.rows)
        return list(zip(self.claim.rows, than, strict=True))

    def samples(self, rows: Sequence[str]) -> list[Sample]:
        return [self.runs[row, self.column] for row in rows if (row, self.column) in self.runs]


@dataclass(frozen=True)
class Layout:
    """R x n values over the seeds that all rows have, the least spread believed; `lacks`: why there is none, "" if there is."""

    values: np.ndarray
    floor: float = 0.0
    lacks: str = ""


def layout(question: Question, rows: Sequence[str]) -> Layout:
    """The values of some rows of a column, paired by seed."""
    nothing, column = np.empty((0, 0)), question.column
    samples = question.samples(rows)
    ran = {s.cell.row for s in samples if s.values}
    lacking = list(dict.fromkeys(row for row in rows if row not in ran))
    if lacking:
        return Layout(nothing, lacks=f"no runs of {', '.join(lacking)} in {column}")
    if len({s.conditions for s in samples}) > 1:
        return Layout(nothing, lacks=f"runs in {column} are on different data or devices, and are never paired")
    seeds = sorted(set.intersection(*(set(s.values) for s in samples)))
    if len(seeds) < 2:
        return Layout(nothing, lacks=f"{len(seeds)} common seed{'s' * (len(seeds) != 1)} in {column}, two are needed")
    return Layout(np.array([[s.values[seed] for seed in seeds] for s in samples]), max(s.floor for s in samples))


def _difference(question: Question, values: np.ndarray, first: int, second: int, sign: float, floor: float = 0.0) -> Finding:
    weights = np.zeros(len(values))
    weights[first], weights[second] = sign, -sign
    return _bounded(question, *stats.contrast(values, weights, floor), values.shape[1])


def _bounded(question: Question, estimate: float, error: float, df: float, n: int) -> Finding:
    """Is it above 0?"""
    half = stats.quantile(1 - RISK, df) * error
    holds = estimate - stats.quantile(1 - question.holds, df) * error > 0
    fails = estimate + stats.quantile(1 - question.fails, df) * error < 0
    return Finding("holds" if holds else "fails" if fails else "undecided", estimate, estimate - half, estimate + half, df=df, n=n)


def _stated(question: Question, direction: Finding, error: float, low: float, high: float, amount: str, close: bool) -> Finding:
    """The direction and a printed amount together. error: of our mean; low, high: where the amount may lie by its rounding;
    close: our interval lies within the column's margin about the amount."""
    assert direction.estimate is not None
    assert direction.df is not None
    one_more = error * sqrt(1 + direction.n)  # of one pair of runs more: sqrt(1/n) -> sqrt(1 + 1/n)
    half = stats.quantile(1 - RISK / 2 / question.looks, direction.df) * one_more
    fits = direction.estimate - half <= high and low <= direction.estimate + half
    why = f"{amount} is {'' if fits else 'not '}what one more pair of runs could give{', but within the margin' * (close and not fits)}"
    return replace(direction, word=direction.word if fits or close else "fails", why=why)


def _close(question: Question, low: float | None, high: float | None, stated: float) -> bool:
    """The 90 % interval lies within the column's margin about a printed amount, half a printed unit added."""
    margin = question.table.column(question.column).margin
    if margin is None or low is None or high is None:
        return False
    width = (margin.value * abs(stated) if margin.relative else margin.value) + stats.half_unit(question.claim.amount)
    return stated - width <= low and high <= stated + width


def _better(question: Question) -> list[Finding]:
    own, than = list(question.claim.rows), question.others
    found = layout(question, [*own, *than])
    if found.lacks:
        return [Finding("missing", why=found.lacks)]
    pairs = [(i, len(own) + j) for i in range(len(own)) for j in range(len(than))]
    return [_difference(question, found.values, *pair, question.sign, found.floor) for pair in pairs]


def _shape(
    question: Question, rows: Sequence[str], fewest: int, holds: Callable[[np.ndarray], np.ndarray], sign: float = 1.0
) -> list[Finding]:
    if len(rows) < fewest:
        return [Finding("missing", why=f"of {len(rows)} rows it cannot be said")]
    found = layout(question, rows)
    if found.lacks:
        return [Finding("missing", why=found.lacks)]
    probability = stats.shape(sign * found.values, holds, found.floor)
    doubt = (1 - CERTAIN) / question.looks
    word = "holds" if probability >= 1 - doubt else "fails" if probability <= doubt else "undecided"
    return [Finding(word, probability=probability, df=stats.two_way(found.values)[1], n=found.values.shape[1])]


def _best(question: Question) -> list[Finding]:
    own = len(question.claim.rows)
    return _shape(question, [*question.claim.rows, *question.others], own + 1, lambda means: means.argmax(1) < own, question.sign)


def _rises_then_falls(question: Question) -> list[Finding]:
    return _shape(question, question.claim.rows, 3, stats.rises_then_falls, question.sign)


def _monotone(question: Question) -> list[Finding]:
    return _shape(question, question.claim.rows, 2, stats.rises, question.sign)


def _flat(question: Question) -> list[Finding]:
    margin, amount = question.table.column(question.column).margin, question.claim.amount
    if not amount and margin is None:
        return [Finding("missing", why="no amount and no margin say how flat")]
    width = number(amount) if amount or margin is None else margin.value
    relative = not amount and margin is not None and margin.relative

    def flat(means: np.ndarray) -> np.ndarray:
        scale = np.abs(means.mean(1)) if relative else 1.0
        return np.ptp(means, axis=1) <= width * scale

    return _shape(question, question.claim.rows, 2, flat)


def _gain(question: Question) -> list[Finding]:
    found, amount = [], question.claim.amount
    for pair in question.pairs:
        values = layout(question, pair)
        if values.lacks:
            found.append(Finding("missing", why=values.lacks))
            continue
        gain = _difference(question, values.values, 0, 1, question.sign, values.floor)
        if amount and not question.direction_only:
            error = stats.contrast(values.values, np.array([1.0, -1.0]), values.floor)[1]
            stated, half = abs(number(amount)), stats.half_unit(amount)
            close = _close(question, gain.low, gain.high, stated)
            gain = _stated(question, gain, error, stated - half, stated + half, amount, close)
        found.append(gain)
    return found


def _cost(question: Question) -> list[Finding]:
    amount = question.claim.amount
    ratio = number(amount) if re.search(r"\d", amount) else None
    sign = 1.0 if amount == "higher" or (ratio is not None and ratio > 1) else -1.0
    return [_ratio(question, pair, ratio, sign) for pair in question.pairs]


def _ratio(question: Question, pair: tuple[str, str], ratio: float | None, sign: float) -> Finding:
    """On the scale of logarithms, where a ratio is a difference; the numbers given are ratios again."""
    values, amount = layout(question, pair), question.claim.amount
    if values.lacks or np.any(values.values <= 0):
        return Finding("missing", why=values.lacks or f"a cost of {' or '.join(pair)} is not above 0")
    estimate, error, df = stats.contrast(np.log(values.values), np.array([1.0, -1.0]))
    found = _bounded(question, sign * estimate, error, df, values.values.shape[1])
    half = stats.quantile(1 - RISK, df) * error
    found = replace(found, estimate=estimate, low=exp(estimate - half), high=exp(estimate + half))
    if ratio is not None and not question.direction_only:
        slack, close = stats.half_unit(amount), _close(question, found.low, found.high, ratio)
        low = log(ratio - slack) if ratio > slack else -inf
        found = _stated(question, replace(found, word="holds" if close else "undecided"), error, low, log(ratio + slack), amount, close)
    return replace(found, estimate=exp(estimate))


def _value(question: Question) -> list[Finding]:
    row, amount = question.claim.rows[0], question.claim.amount
    runs = np.array([v for s in question.samples([row]) for v in s.values.values()])
    if len(runs) < 2:
        return [Finding("missing", why=f"{len(runs)} runs of {row} in {question.column}, two are needed")]
    n, mean = len(runs), float(runs.mean())
    error = max(float(runs.std(ddof=1)), *(s.floor for s in question.samples([row]))) / sqrt(n)
    width = stats.quantile(1 - RISK / question.looks, n - 1) * error
    stated, half = number(amount), stats.half_unit(amount)
    close = _close(question, mean - width, mean + width, stated)
    found = Finding("holds" if close else "undecided", mean, mean - width, mean + width, df=n - 1, n=n)
    return [_stated(question, found, error, stated - half, stated + half, amount, close)]


def _curve(question: Question) -> list[Finding]:
    quantity = question.claim.quantity
    match = re.fullmatch(r"(\S+) (?:([<>]) (\S+)|(rises|falls))", quantity)
    if match is None:
        return [Finding("missing", why=f"no rule '{quantity}'")]
    left, relation, right, trend = match.groups()
    ends = ((left, "last"), (left, "first")) if trend else ((left, "last"), (right, "last"))
    larger, smaller = ends[::-1] if relation == "<" or trend == "falls" else ends
    found = []
    for row in question.claim.rows:
        samples = question.samples([row])
        high, low = ([s.quantity(*end) for s in samples] for end in (larger, smaller))
        seeds = sorted(set(high[0]) & set(low[0])) if samples else []
        if len(seeds) < 2:
            found.append(Finding("missing", why=f"{quantity}: recorded for {len(seeds)} seeds of {row}, two are needed"))
            continue
        values = np.array([[side[0][seed] for seed in seeds] for side in (high, low)])
        found.append(_difference(question, values, 0, 1, 1.0))
    return found


def number(text: str) -> float:
    """A printed amount as a number: "+18.14", "0.96x" and "2 %" are 18.14, 0.96 and 2."""
    match = re.search(r"-?\d+(\.\d+)?", text)
    if match is None:
        raise ValueError(f"no number in the amount '{text}'")  # `tables` has checked it
    return float(match.group())


FORMS: dict[str, Callable[[Question], list[Finding]]] = {
    "better": _better, "best": _best, "rises-then-falls": _rises_then_falls, "monotone": _monotone, "flat": _flat,
    "gain": _gain, "cost": _cost, "value": _value, "curve": _curve,
}  # fmt: skip
