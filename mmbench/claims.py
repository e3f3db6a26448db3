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
curve              `quantity` is "a < b" or "a > b" of two recorded quantities at the last epoch, or "a rises" / "a falls" from the
                   first epoch to the last, in every row of `rows`; names as in a record's selections ("log.k.audio"). The first
                   epoch's values are those of the selection "first".

Each form is asked in every column of `columns`; `over` says whether "all" comparisons must hold or "any". What is better follows the
column's direction. Rows that a paper only cites, and cells without a number, are never among "all other rows".

Differences are paired by seed: the error is the residual of the layout cell x seed, over the seeds that all rows have. holds: the
one-sided 95 % bound (for a shape: a probability of .9) is on the claim's side; fails: on the other side; else undecided. Of m
comparisons of which one is enough (to hold with "any", to fail with "all") the bound is at 1 - .05/m.
A printed amount is one pair of runs. It fits if it lies in their 95 % prediction interval, half a printed unit added, or if our 90 %
interval lies within the column's margin about it; if it does not fit, the claim fails. A gain that fits holds if its direction does; a
cost or a value holds if the interval lies within the margin, else it is undecided.
On a stand-in only directions are looked for: not best, rises-then-falls, flat, value, and of an amount only its direction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mmbench.forms import FORMS, RISK, Finding, Question, Runs
from mmbench.sample import Sample
from mmbench.spec import Claim, ClaimVerdict, Table

STAND_IN = {"holds": "seen", "fails": "not seen", "undecided": "unclear"}
NEVER_ON_A_STAND_IN = ("best", "rises-then-falls", "flat", "value")


def evaluate(claim: Claim, table: Table, runs: Runs, *, stand_in: bool, looks: int = 1) -> ClaimVerdict:
    """The claim's verdict. runs: `sample.gather`. Diverged seeds are left out, and named. looks: see `judge.verdicts`."""
    if stand_in and (not claim.transfers or claim.form in NEVER_ON_A_STAND_IN):
        return ClaimVerdict(claim, "not judged on a stand-in", "only directions transfer")
    risk = RISK / looks
    findings = _ask(claim, table, runs, risk, risk, stand_in, looks)
    if len(findings) > 1:  # a lucky one of many is no news
        shared = risk / len(findings)
        risks = (risk, shared) if claim.over == "all" else (shared, risk)
        findings = _ask(claim, table, runs, *risks, stand_in, looks)
    found = _together(findings, claim.over)
    asked = _involved(claim, runs)
    if found.word != "missing" and not stand_in:
        found = _hindered(found, claim, asked)
    gone = [f"{s.cell.row} diverged with {len(s.diverged)} of {len(s.diverged) + len(s.values)} seeds" for s in asked if s.diverged]
    why = "; ".join(part for part in (found.why, *gone) if part)
    word = STAND_IN.get(found.word, found.word) if stand_in else found.word
    return ClaimVerdict(claim, word, why, found.estimate, found.low, found.high, found.probability, found.df, found.n)


def _ask(claim: Claim, table: Table, runs: Runs, holds: float, fails: float, stand_in: bool, looks: int) -> list[Finding]:
    asked = [Question(claim, table, column, runs, holds, fails, stand_in, looks) for column in claim.columns]
    return [finding for question in asked for finding in FORMS[claim.form](question)]


def _involved(claim: Claim, runs: Runs) -> list[Sample]:
    named = {*claim.rows, *claim.than}
    everyone = claim.form in ("better", "best") and not claim.than
    return [s for (row, column), s in runs.items() if column in claim.columns and (everyone or row in named)]


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
