"""A claim and the runs behind it -> a verdict (decisions E3, F2). What each form means, and which fields it reads:

better             every row of `rows` beats every row of `than` (without `than`: all other rows of the column).
best               one of `rows` is the best of them and `than` (without `than`: of all rows of the column).
rises-then-falls   `rows`, in the order given, strictly rise to an inner maximum and strictly fall after it.
monotone           `rows`, in the order given, strictly get better.
flat               the values of `rows` lie within `amount` of each other (the column's unit; without it, the column's margin).
gain               `rows[i]` beats `than[i]` (or the one row of `than`); with `amount`: by as much as is printed there.
cost               `rows[i]` over `than[i]` of the column's metric, a ratio, is `amount` ("0.96"); "lower" or nothing: it is
                   below 1; "higher": it is above 1.
value              the one row of `rows` has the value `amount`.
curve              `quantity` is "a < b" or "a > b" of two recorded quantities at the last epoch, or "at first"; or "a rises" / "a
                   falls" from the first epoch to the last; or several of these, joined by "and"; in every row of `rows`. Names as in
                   a record's selections ("log.k.audio"). The first epoch's values are those of the selection "first".

Each form is asked in every column of `columns`; `over` says whether "all" comparisons must hold or "any". What is better follows the
column's direction. Rows that a paper only cites, and cells without a number, are never among "all other rows".

Differences are paired by seed: the error is the residual of the layout cell x seed, over the seeds that all rows have. holds: the
one-sided 95 % bound (for a shape: a probability of .9) is on the claim's side; fails: on the other side; else undecided. Of m
comparisons of which one is enough (to hold with "any", to fail with "all") the bound is at 1 - .05/m. Comparisons between the same
runs, as of two data sets with one stand-in, count once. The bounds of a verdict are those that its word was read off.
A printed amount is one pair of runs. It fits if it lies in their 95 % prediction interval, half a printed unit added, or if our 90 %
interval lies within the column's margin about it; if it does not fit, the claim fails. A gain that fits holds if its direction does; a
cost or a value holds if the interval lies within the margin, else it is undecided.
On a stand-in only directions are looked for: not best, rises-then-falls, flat, value, and of an amount only its direction. A claim
that is not looked for there gives its reason (`transfers = "..."`, or that of its form).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from mmbench import tested
from mmbench.forms import FORMS, RISK, Finding, Question, Runs
from mmbench.sample import Sample
from mmbench.spec import NOT_ON_A_STAND_IN, Claim, ClaimVerdict, Comparison, Table

STAND_IN = {"holds": "seen", "fails": "not seen", "undecided": "unclear"}
NOTHING: Mapping[str, str] = {}


def evaluate(
    claim: Claim, table: Table, runs: Runs, *, stand_in: bool, looks: int = 1, absent: Mapping[str, str] = NOTHING
) -> ClaimVerdict:
    """The claim's verdict. runs: `sample.gather`. Diverged seeds are left out, and named. looks: see `judge.verdicts`. absent: key ->
    why nothing could be run."""
    if stand_in and (not claim.transfers or claim.form in NOT_ON_A_STAND_IN):
        return ClaimVerdict(claim, "not judged on a stand-in", claim.stays or NOT_ON_A_STAND_IN.get(claim.form, ""))
    risk = RISK / looks
    findings = _ask(claim, table, runs, risk, risk, stand_in, looks)
    several = len({_same(f.of, runs) for f in findings if f.of})
    if several > 1:  # a lucky one of many is no news
        risks = (risk, risk / several) if claim.over == "all" else (risk / several, risk)
        findings = _ask(claim, table, runs, *risks, stand_in, looks)
    found, asked = _together(findings, claim.over), _involved(claim, runs)
    if found.word == "missing":
        found = replace(found, why=_unable(asked, absent) or found.why)
    elif not stand_in:
        found = _hindered(found, claim, asked)
    gone = [
        f"{tested.row(table, s.cell.row)} diverged with {len(s.diverged)} of {len(s.diverged) + len(s.values)} seeds"
        for s in asked
        if s.diverged
    ]
    why = "; ".join(part for part in (found.why, *gone) if part)
    word = STAND_IN.get(found.word, found.word) if stand_in else found.word
    of = found.of and _everywhere(found.of, findings, runs)
    numbers = (found.estimate, found.low, found.high, found.probability, found.df, found.n)
    return ClaimVerdict(claim, word, why, *numbers, of, several, found.risks)


def _ask(claim: Claim, table: Table, runs: Runs, holds: float, fails: float, stand_in: bool, looks: int) -> list[Finding]:
    asked = [Question(claim, table, column, runs, holds, fails, stand_in, looks) for column in claim.columns]
    return [finding for question in asked for finding in FORMS[claim.form](question)]


def _same(of: Comparison, runs: Runs) -> Hashable:
    """What a comparison is of: runs, and how they are read. Equal for data sets that one stand-in imitates."""
    cells = [runs[row, of.columns[0]].cell for row in of.rows]
    return tuple((c.key, c.view, c.versus and c.column) for c in cells), of.quantity


def _everywhere(of: Comparison, findings: Sequence[Finding], runs: Runs) -> Comparison:
    """The comparison with all columns in which the same runs are compared."""
    twins = [f.of for f in findings if f.of and _same(f.of, runs) == _same(of, runs)]
    return replace(of, columns=tuple(dict.fromkeys(column for twin in twins for column in twin.columns)))


def _unable(asked: Sequence[Sample], absent: Mapping[str, str]) -> str:
    """Why runs lack, if none of those that lack could be made; "" else."""
    lacking = [s.cell.key for s in asked if not s.values and not s.diverged]
    whys = [absent.get(key, "") for key in lacking]
    return "; ".join(dict.fromkeys(whys)).replace("; blocked: ", "; ") if all(whys) else ""


def _involved(claim: Claim, runs: Runs) -> list[Sample]:
    return [sample for place, sample in runs.items() if claim.concerns(*place)]


def _hindered(found: Finding, claim: Claim, asked: Sequence[Sample]) -> Finding:
    """Runs on other data than the paper's say nothing of it. On an incomplete test set our own runs can still be compared among
    themselves, but not with a printed amount."""
    foreign, hindrance = (next(filter(None, reasons), "") for reasons in ([s.foreign for s in asked], [s.hindrance for s in asked]))
    amount = claim.form in ("gain", "cost", "value") and re.search(r"\d", claim.amount)
    if foreign or (hindrance and amount):
        return replace(found, word="undecided", why=f"not comparable: {foreign or hindrance}")
    return replace(found, why="; ".join(filter(None, (found.why, hindrance))))


def _together(findings: Sequence[Finding], over: str) -> Finding:
    """All must hold, or any may. The numbers are those of the finding that decides: the weakest for all, the strongest for any."""
    absent = [f for f in findings if f.word == "missing"]
    present = [f for f in findings if f.word != "missing"]
    if not present:
        return absent[0] if absent else Finding("missing", why="no cell to ask")
    order = {"fails": 0, "undecided": 1, "holds": 2}

    def strength(f: Finding) -> tuple[int, float]:
        inner = f.probability if f.probability is not None else f.low if f.low is not None else 0.0
        return order[f.word], inner

    decides = max(present, key=strength) if over == "any" else min(present, key=strength)
    settled = "holds" if over == "any" else "fails"
    return absent[0] if absent and decides.word != settled else decides
