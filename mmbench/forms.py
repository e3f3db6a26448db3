"""The nine forms of claims, each a function from a question to its comparisons. What a form means stands in `mmbench.claims`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, sqrt

import numpy as np

from mmbench import relations, stats, tested
from mmbench.sample import Sample
from mmbench.spec import WORDS, Claim, Comparison, Table

Runs = Mapping[tuple[str, str], Sample]  # (row, column) -> the runs behind the cell
CERTAIN = 0.9  # a shape holds from this probability on
RISK = 0.05


@dataclass(frozen=True)
class Finding:
    """One comparison: its word and the numbers behind it. `low` and `high` are one-sided bounds at `risks`: the word was read off them."""

    word: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    df: float | None = None
    n: int = 0
    why: str = ""
    of: Comparison | None = None
    risks: tuple[float, float] = (RISK, RISK)


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

    def of(self, rows: Sequence[str], quantity: str = "") -> Comparison:
        return Comparison(tuple(rows), (self.column,), quantity)

    def said(self, rows: Sequence[str], word: str = "and") -> str:
        return tested.listed((tested.row(self.table, row) for row in rows), word)

    @property
    def where(self) -> str:
        return tested.column(self.table, self.column)

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
    nothing, where = np.empty((0, 0)), question.where
    samples = question.samples(rows)
    ran = {s.cell.row for s in samples if s.values}
    lacking = list(dict.fromkeys(row for row in rows if row not in ran))
    if lacking:
        return Layout(nothing, lacks=f"no runs of {question.said(lacking)} in {where}")
    if len({s.conditions for s in samples}) > 1:
        return Layout(nothing, lacks=f"runs in {where} are on different data or devices, and are never paired")
    seeds = sorted(set.intersection(*(set(s.values) for s in samples)))
    if len(seeds) < 2:
        return Layout(nothing, lacks=f"{len(seeds)} common seed{'s' * (len(seeds) != 1)} in {where}, two are needed")
    return Layout(np.array([[s.values[seed] for seed in seeds] for s in samples]), max(s.floor for s in samples))


def _difference(question: Question, of: Comparison, values: np.ndarray, pair: tuple[int, int], sign: float, floor: float = 0.0) -> Finding:
    """The first of a pair of rows of `values` minus the second, times the sign."""
    weights = np.zeros(len(values))
    weights[list(pair)] = sign, -sign
    return replace(_bounded(question, *stats.contrast(values, weights, floor), values.shape[1]), of=of)


def _bounded(question: Question, estimate: float, error: float, df: float, n: int) -> Finding:
    """Is it above 0?"""
    low = estimate - stats.quantile(1 - question.holds, df) * error
    high = estimate + stats.quantile(1 - question.fails, df) * error
    word = "holds" if low > 0 else "fails" if high < 0 else "undecided"
    return Finding(word, estimate, low, high, df=df, n=n, risks=(question.holds, question.fails))


def _stated(question: Question, direction: Finding, error: float, low: float, high: float, amount: str, close: bool) -> Finding:
    """The direction and a printed amount together. error: of our mean; low, high: where the amount may lie by its rounding;
    close: our interval lies within the column's margin about the amount."""
    assert direction.estimate is not None
    assert direction.df is not None
    one_more = error * sqrt(1 + direction.n)  # of one pair of runs more: sqrt(1/n) -> sqrt(1 + 1/n)
    half = stats.quantile(1 - question.fails / 2, direction.df) * one_more
    fits = direction.estimate - half <= high and low <= direction.estimate + half
    why = f"{amount} is {'' if fits else 'not '}what one more pair of runs could give{', but within the margin' * (close and not fits)}"
    return replace(direction, word=direction.word if fits or close else "fails", why=why)


def _close(question: Question, low: float, high: float, stated: float) -> bool:
    """Our interval lies within the column's margin about a printed amount, half a printed unit added."""
    margin = question.table.column(question.column).margin
    if margin is None:
        return False
    width = (margin.value * abs(stated) if margin.relative else margin.value) + stats.half_unit(question.claim.amount)
    return stated - width <= low and high <= stated + width


def _better(question: Question) -> list[Finding]:
    own, than = list(question.claim.rows), question.others
    found = layout(question, [*own, *than])
    if found.lacks:
        return [Finding("missing", why=found.lacks)]
    pairs = [(i, len(own) + j) for i in range(len(own)) for j in range(len(than))]
    rows = (*own, *than)
    return [
        _difference(question, question.of((rows[i], rows[j])), found.values, (i, j), question.sign, found.floor) for i, j in pairs
    ]  # fmt: skip


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
    of = question.of(tuple(rows))
    return [Finding(word, probability=probability, df=stats.two_way(found.values)[1], n=found.values.shape[1], of=of)]


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
        gain = _difference(question, question.of(pair), values.values, (0, 1), question.sign, values.floor)
        if amount and not question.direction_only:
            mean, error, df = stats.contrast(values.values, np.array([question.sign, -question.sign]), values.floor)
            width = stats.quantile(1 - question.holds, df) * error
            stated, half = abs(number(amount)), stats.half_unit(amount)
            close = _close(question, mean - width, mean + width, stated)
            gain = _stated(question, gain, error, stated - half, stated + half, amount, close)
        found.append(gain)
    return found


def _cost(question: Question) -> list[Finding]:
    amount = question.claim.amount
    ratio = number(amount) if re.search(r"\d", amount) else None
    return [_ratio(question, pair, ratio, tested.sign_of_cost(amount)) for pair in question.pairs]


def _ratio(question: Question, pair: tuple[str, str], ratio: float | None, sign: float) -> Finding:
    """On the scale of logarithms, where a ratio is a difference; the numbers given are ratios again."""
    values, amount = layout(question, pair), question.claim.amount
    if values.lacks or np.any(values.values <= 0):
        return Finding("missing", why=values.lacks or f"a cost of {question.said(pair, 'or')} is not above 0")
    estimate, error, df = stats.contrast(np.log(values.values), np.array([1.0, -1.0]))
    found = replace(_bounded(question, sign * estimate, error, df, values.values.shape[1]), estimate=estimate, of=question.of(pair))
    assert found.low is not None
    assert found.high is not None
    low, high = sorted((sign * found.low, sign * found.high))
    risks = found.risks if sign > 0 else found.risks[::-1]
    if ratio is not None and not question.direction_only:
        width, risks = stats.quantile(1 - question.holds, df) * error, (question.holds, question.holds)
        low, high = estimate - width, estimate + width
        slack, close = stats.half_unit(amount), _close(question, exp(low), exp(high), ratio)
        least = log(ratio - slack) if ratio > slack else -inf
        found = _stated(question, replace(found, word="holds" if close else "undecided"), error, least, log(ratio + slack), amount, close)
    return replace(found, estimate=exp(estimate), low=exp(low), high=exp(high), risks=risks)


def _value(question: Question) -> list[Finding]:
    row, amount = question.claim.rows[0], question.claim.amount
    runs = np.array([v for s in question.samples([row]) for v in s.values.values()])
    if len(runs) < 2:
        return [Finding("missing", why=f"{len(runs)} runs of {question.said([row])} in {question.where}, two are needed")]
    n, mean = len(runs), float(runs.mean())
    error = max(float(runs.std(ddof=1)), *(s.floor for s in question.samples([row]))) / sqrt(n)
    width = stats.quantile(1 - question.holds, n - 1) * error
    stated, half = number(amount), stats.half_unit(amount)
    close = _close(question, mean - width, mean + width, stated)
    word, risks = "holds" if close else "undecided", (question.holds, question.holds)
    found = Finding(word, mean, mean - width, mean + width, df=n - 1, n=n, of=question.of([row]), risks=risks)
    return [_stated(question, found, error, stated - half, stated + half, amount, close)]


def _curve(question: Question) -> list[Finding]:
    said = relations.parsed(question.claim.quantity)
    if not said:
        return [Finding("missing", why=f"no rule '{question.claim.quantity}'")]
    parts = question.claim.quantity.split(" and ")
    return [_related(question, row, *one) for row in question.claim.rows for one in zip(said, parts, strict=True)]


def _related(question: Question, row: str, relation: relations.Relation, rule: str) -> Finding:
    """Of one row, the one end of a relation minus the other, seed by seed."""
    ends = (relation.larger, relation.smaller)
    high, low = ([s.quantity(end.name, end.selection) for s in question.samples([row])] for end in ends)
    seeds = sorted(set(high[0]) & set(low[0])) if high else []
    if len(seeds) < 2:
        count = f"{len(seeds)} seed{'s' * (len(seeds) != 1)}"
        return Finding("missing", why=f"{relation.text}: recorded for {count} of {question.said([row])}, two are needed")
    values = np.array([[side[0][seed] for seed in seeds] for side in (high, low)])
    return _difference(question, question.of([row], rule), values, (0, 1), 1.0)


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
