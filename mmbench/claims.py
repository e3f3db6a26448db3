"""A claim and the runs behind it -> a verdict (decisions E3, F2). What each form means, and which fields it reads:

better             every row of `rows` beats every row of `than` (without `than`: all other rows of the column).
best               one of `rows` is the best of all rows of the column.
rises-then-falls   `rows`, in the order given, strictly rise to an inner maximum and strictly fall after it.
monotone           `rows`, in the order given, strictly get better.
flat               the values of `rows` lie within `amount` of each other (the column's unit; without it, the column's margin).
gain               `rows[i]` beats `than[i]` (or the one row of `than`), by `amount` as printed.
cost               `rows[i]` over `than[i]` of the column's metric is `amount` ("0.96": a ratio; "lower": it is below 1).
value              the one row of `rows` has the value `amount`.
curve              `quantity` is "a < b" or "a > b" of two recorded quantities at the last epoch, or "a rises" / "a falls" from the
                   first epoch to the last, in every row of `rows`; names as in a record's selections ("log.k.audio").

Each form is asked in every column of `columns`; `over` says whether "all" must hold or "any". `better` follows the column's direction.
Differences are paired by seed: the error is the residual of the layout cell x seed. holds: the one-sided 95 % bound (for a shape:
a probability of .9) is on the claim's side; fails: on the other side; else undecided. An amount holds if the direction does and
the amount lies in the 90 % interval.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmbench import stats
from mmbench.spec import Claim, ClaimVerdict, Table

Series = Mapping[int, float]  # seed -> value
Read = Callable[[str, str], Series]  # (row, column) -> series of the cell
ReadQuantity = Callable[[str, str, str, str], Series]  # (row, column, quantity, selection)
STAND_IN = {"holds": "seen", "fails": "not seen", "undecided": "unclear"}
CERTAIN = 0.9


@dataclass(frozen=True)
class Finding:
    """One question answered: word, and the numbers behind it. `low` and `high` are one-sided 95 % bounds."""

    word: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    df: float | None = None
    n: int = 0
    why: str = ""


def evaluate(claim: Claim, table: Table, read: Read, quantity: ReadQuantity, *, stand_in: bool) -> ClaimVerdict:
    """The claim's verdict. read: the per-seed values of a cell at the table's selection, diverged runs left out."""
    if stand_in and not claim.transfers:
        return ClaimVerdict(claim, "not judged on a stand-in", "only directions transfer")
    findings = [f for column in claim.columns for f in FORMS[claim.form](claim, table, column, read, quantity)]
    found = _together(findings, claim.over)
    word = STAND_IN.get(found.word, found.word) if stand_in else found.word
    return ClaimVerdict(claim, word, found.why, found.estimate, found.low, found.high, found.probability, found.df, found.n)


def _together(findings: Sequence[Finding], over: str) -> Finding:
    """All must hold, or any may. The numbers are those of the finding that decides: the weakest for all, the strongest for any."""
    if not findings:
        return Finding("missing", why="no cell to ask")
    absent = [f for f in findings if f.word == "missing"]
    present = [f for f in findings if f.word != "missing"]
    order = {"fails": 0, "undecided": 1, "holds": 2}

    def strength(f: Finding) -> tuple[int, float]:
        inner = f.probability if f.probability is not None else f.low if f.low is not None else 0.0
        return order[f.word], inner

    if over == "any":
        if present and max(map(strength, present))[0] == 2:
            return max(present, key=strength)
        return absent[0] if absent else max(present, key=strength)
    if present and min(map(strength, present))[0] == 0:
        return min(present, key=strength)
    return absent[0] if absent else min(present, key=strength)


def layout(rows: Sequence[str], column: str, read: Read) -> tuple[np.ndarray, str]:
    """R x n over the seeds that all rows have, and what is missing ("" if nothing)."""
    series = [read(row, column) for row in rows]
    lacking = [row for row, values in zip(rows, series, strict=True) if not values]
    if lacking:
        return np.empty((0, 0)), f"no runs of {', '.join(lacking)} in {column}"
    seeds = sorted(set.intersection(*(set(values) for values in series)))
    if len(seeds) < 2:
        return np.empty((0, 0)), f"{len(seeds)} common seed{'s' * (len(seeds) != 1)} in {column}, two are needed"
    return np.array([[values[s] for s in seeds] for values in series]), ""


def _sign(table: Table, column: str) -> float:
    return 1.0 if table.column(column).better == "higher" else -1.0


def _others(claim: Claim, table: Table, column: str) -> list[str]:
    """Rows of the column that are ours to run and not in the claim."""
    return [r.id for r in table.rows if r.id not in claim.rows and not r.cited and (r.id, column) in table.published]


def _difference(values: np.ndarray, first: int, second: int, sign: float) -> Finding:
    weights = np.zeros(len(values))
    weights[first], weights[second] = sign, -sign
    estimate, low, high, df = stats.contrast(values, weights)
    word = "holds" if low > 0 else "fails" if high < 0 else "undecided"
    return Finding(word, estimate, low, high, df=df, n=values.shape[1])


def _better(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    than = list(claim.than) or _others(claim, table, column)
    values, lacks = layout([*claim.rows, *than], column, read)
    if lacks:
        return [Finding("missing", why=lacks)]
    sign, own = _sign(table, column), len(claim.rows)
    return [_difference(values, i, own + j, sign) for i in range(own) for j in range(len(than))]


def _shape(
    rows: Sequence[str], column: str, read: Read, sign: float, holds: Callable[[np.ndarray], np.ndarray], fewest: int = 2
) -> list[Finding]:
    if len(rows) < fewest:
        return [Finding("missing", why=f"{len(rows)} rows are no shape")]
    values, lacks = layout(rows, column, read)
    if lacks:
        return [Finding("missing", why=lacks)]
    probability = stats.shape(sign * values, holds)
    word = "holds" if probability >= CERTAIN else "fails" if probability <= 1 - CERTAIN else "undecided"
    return [Finding(word, probability=probability, df=stats.two_way(values)[1], n=values.shape[1])]


def _best(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    own = len(claim.rows)
    rows = [*claim.rows, *(claim.than or _others(claim, table, column))]
    return _shape(rows, column, read, _sign(table, column), lambda means: means.argmax(1) < own)


def _rises_then_falls(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    return _shape(claim.rows, column, read, _sign(table, column), stats.rises_then_falls, 3)


def _monotone(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    return _shape(claim.rows, column, read, _sign(table, column), stats.rises)


def _flat(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    margin = table.column(column).margin
    width = number(claim.amount) if claim.amount else margin.value if margin else None
    if width is None:
        return [Finding("missing", why="no amount and no margin say how flat")]
    return _shape(claim.rows, column, read, 1.0, lambda means: np.ptp(means, axis=1) <= width)


def _gain(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    than = claim.than if len(claim.than) == len(claim.rows) else claim.than * len(claim.rows)
    found = []
    for row, other in zip(claim.rows, than, strict=True):
        values, lacks = layout([row, other], column, read)
        if lacks:
            found.append(Finding("missing", why=lacks))
            continue
        gain = _difference(values, 0, 1, _sign(table, column))
        if claim.amount and gain.word == "holds" and gain.low is not None and gain.high is not None:
            word = "holds" if gain.low <= abs(number(claim.amount)) <= gain.high else "fails"
            gain = replace(gain, word=word, why=f"stated {claim.amount}")
        found.append(gain)
    return found


def _cost(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    found = []
    for row, other in zip(claim.rows, claim.than if len(claim.than) == len(claim.rows) else claim.than * len(claim.rows), strict=True):
        values, lacks = layout([row, other], column, read)
        if lacks or np.any(values <= 0):
            found.append(Finding("missing", why=lacks or f"a cost of {row} or {other} is not above 0"))
            continue
        logs = np.log(values)
        estimate, low, high, df = stats.contrast(logs, np.array([1.0, -1.0]))
        if claim.amount in ("lower", "higher", ""):
            sign = 1 if claim.amount == "higher" else -1
            word = "holds" if min(sign * low, sign * high) > 0 else "fails" if max(sign * low, sign * high) < 0 else "undecided"
        else:
            word = "holds" if low <= np.log(number(claim.amount)) <= high else "fails"
        found.append(Finding(word, *(float(np.exp(v)) for v in (estimate, low, high)), df=df, n=values.shape[1]))
    return found


def _value(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    values, lacks = layout(claim.rows[:1], column, read)
    if lacks:
        return [Finding("missing", why=lacks)]
    runs = values[0]
    mean, half = float(runs.mean()), float(stats.stats.t.ppf(0.95, len(runs) - 1) * runs.std(ddof=1) / np.sqrt(len(runs)))
    stated, slack = number(claim.amount), half_unit(claim.amount)
    word = "holds" if mean - half - slack <= stated <= mean + half + slack else "fails"
    return [Finding(word, mean, mean - half, mean + half, df=len(runs) - 1, n=len(runs), why=f"stated {claim.amount}")]


def _curve(claim: Claim, table: Table, column: str, read: Read, quantity: ReadQuantity) -> list[Finding]:
    match = re.fullmatch(r"(\S+) (?:([<>]) (\S+)|(rises|falls))", claim.quantity)
    if match is None:
        return [Finding("missing", why=f"no rule '{claim.quantity}'")]
    left, relation, right, trend = match.groups()
    larger, smaller = ((right, "last"), (left, "last")) if relation == "<" else ((left, "last"), (right, "last"))
    if trend:
        ends = (left, "last"), (left, "first")
        larger, smaller = ends if trend == "rises" else ends[::-1]
    found = []
    for row in claim.rows:
        pair = [quantity(row, column, *end) for end in (larger, smaller)]
        values, lacks = layout(("0", "1"), column, lambda end, _, pair=pair: pair[int(end)])
        lacks = lacks and f"{claim.quantity}: not recorded for {row} in {column}"
        found.append(Finding("missing", why=lacks) if lacks else _difference(values, 0, 1, 1.0))
    return found


def number(text: str) -> float:
    """A printed amount as a number: "+18.14", "0.96x" and "2 %" are 18.14, 0.96 and 2."""
    return float(re.sub(r"[^0-9.eE-]", "", text))


def half_unit(text: str) -> float:
    """Half a unit of the last printed digit: 0.005 for "71.90", 0.5 for "72"."""
    digits = re.sub(r"[^0-9.]", "", text)
    return 0.5 * 10 ** -(len(digits.partition(".")[2]))


FORMS: dict[str, Callable[[Claim, Table, str, Read, ReadQuantity], list[Finding]]] = {
    "better": _better, "best": _best, "rises-then-falls": _rises_then_falls, "monotone": _monotone, "flat": _flat,
    "gain": _gain, "cost": _cost, "value": _value, "curve": _curve,
}  # fmt: skip
