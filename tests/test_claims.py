"""Every form of claim on runs whose answer is plain, on runs that leave it open, and where runs are missing."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench import claims
from mmbench.spec import FORMS, Claim, Column, Margin, Row, Table

ROWS = ("base", "a", "b", "c")


def table(better="higher"):
    margin = Margin(0.5, "half of 1.0", "2026-11-21")
    return Table(
        "toy", "toy", "", "", "results", "accuracy", "%", better, tuple(Row(r, r) for r in ROWS),
        (Column("x", "x", "accuracy", "%", better, margin=margin), Column("y", "y", "accuracy", "%", better)),
        {(r, c): "1.0" for r in ROWS for c in "xy"}, frozenset(), (), (), "",
    )  # fmt: skip


def runs(base=60.0, a=61.0, b=64.0, c=62.0, noise=0.05, seeds=5):
    source = np.random.default_rng(0)
    means = dict(zip(ROWS, (base, a, b, c), strict=True))
    noises = {(r, col): source.standard_normal(seeds) for r in ROWS for col in "xy"}  # about 0, so that a row's mean is as given
    return {at: {s: means[at[0]] + noise * (drawn[s] - drawn.mean()) for s in range(seeds)} for at, drawn in noises.items()}


def judged(form, values=None, better="higher", stand_in=False, quantities=None, **fields):
    fields = {"columns": ("x",), **fields}
    found = values or runs()
    return claims.evaluate(
        Claim("toy", "says", form, **fields), table(better), lambda r, c: found.get((r, c), {}),
        lambda r, c, name, selection: (quantities or {}).get((r, name, selection), {}), stand_in=stand_in,
    )  # fmt: skip


CLEAR = [
    ("better", {"rows": ("a",), "than": ("base",)}, "holds"),
    ("better", {"rows": ("base",), "than": ("a",)}, "fails"),
    ("better", {"rows": ("b",)}, "holds"),  # than all others
    ("better", {"rows": ("a", "b"), "than": ("c",)}, "fails"),
    ("better", {"rows": ("a", "b"), "than": ("c",), "over": "any"}, "holds"),
    ("best", {"rows": ("b",)}, "holds"),
    ("best", {"rows": ("a",)}, "fails"),
    ("best", {"rows": ("a", "b")}, "holds"),
    ("rises-then-falls", {"rows": ("base", "a", "b", "c")}, "holds"),
    ("rises-then-falls", {"rows": ("base", "a", "c", "b")}, "fails"),
    ("monotone", {"rows": ("base", "a", "c", "b")}, "holds"),
    ("monotone", {"rows": ("base", "a", "b", "c")}, "fails"),
    ("flat", {"rows": ("a", "c"), "amount": "1.5"}, "holds"),
    ("flat", {"rows": ("a", "c")}, "fails"),  # the column's margin, 0.5
    ("gain", {"rows": ("b",), "than": ("base",), "amount": "+4.0"}, "holds"),
    ("gain", {"rows": ("b",), "than": ("base",), "amount": "+18.14"}, "fails"),
    ("gain", {"rows": ("a", "b"), "than": ("base",)}, "holds"),
    ("cost", {"rows": ("base",), "than": ("b",), "amount": "lower"}, "holds"),
    ("cost", {"rows": ("b",), "than": ("base",), "amount": "lower"}, "fails"),
    ("cost", {"rows": ("base",), "than": ("b",), "amount": "0.9375x"}, "holds"),
    ("cost", {"rows": ("base",), "than": ("b",), "amount": "2.68x"}, "fails"),
    ("value", {"rows": ("a",), "amount": "61.0"}, "holds"),
    ("value", {"rows": ("a",), "amount": "63.0"}, "fails"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "fields", "word"), CLEAR)
def test_plain_cases(form, fields, word):
    assert judged(form, **fields).word == word


def test_every_form_has_a_plain_case():
    assert {case[0] for case in CLEAR} | {"curve"} == set(FORMS) == set(claims.FORMS)


@pytest.mark.parametrize(
    ("form", "fields"),
    [("better", {"rows": ("a",), "than": ("c",)}), ("best", {"rows": ("b",)}), ("rises-then-falls", {"rows": ("base", "b", "c")})],
)
def test_noise_leaves_it_undecided(form, fields):
    assert judged(form, runs(61.5, 61.5, 62, 61.5, noise=2.0), **fields).word == "undecided"


def test_lower_is_better_turns_everything_round():
    assert judged("better", better="lower", rows=("base",), than=("b",)).word == "holds"
    assert judged("best", better="lower", rows=("base",)).word == "holds"
    assert judged("monotone", better="lower", rows=("b", "c", "a", "base")).word == "holds"


def test_it_must_hold_in_all_columns_or_in_any():
    values = runs()
    values |= {("a", "y"): {s: 50.0 + s / 10 for s in range(5)}}
    fields = {"rows": ("a",), "than": ("base",), "columns": ("x", "y")}
    assert judged("better", values, **fields).word == "fails"
    assert judged("better", values, **fields, over="any").word == "holds"


def test_missing_runs_and_single_seeds_are_said_not_guessed():
    values = runs()
    del values["a", "x"]
    found = judged("better", values, rows=("a",), than=("base",))
    assert (found.word, found.why) == ("missing", "no runs of a in x")
    assert judged("better", runs(seeds=1), rows=("a",), than=("base",)).word == "missing"
    disjoint = runs()
    disjoint["a", "x"] = {100 + s: v for s, v in disjoint["a", "x"].items()}
    assert "0 common seeds" in judged("better", disjoint, rows=("a",), than=("base",)).why


def test_a_failing_part_decides_even_where_another_part_is_missing():
    values = runs()
    del values["c", "x"]
    both = {"rows": ("base",), "than": ("b", "c")}
    assert judged("better", values, **both).word == "missing", "one layout for all rows of a column"
    values = runs()
    values |= {("a", "y"): {}}
    assert judged("better", values, rows=("a",), than=("b",), columns=("x", "y")).word == "fails"


def test_on_a_stand_in_only_directions_are_looked_for_in_their_own_words():
    fields = {"rows": ("a",), "than": ("base",)}
    assert judged("better", stand_in=True, transfers=True, **fields).word == "seen"
    assert judged("better", stand_in=True, transfers=True, rows=("base",), than=("a",)).word == "not seen"
    assert judged("better", stand_in=True, **fields).word == "not judged on a stand-in"


def test_pairing_by_seed_finds_what_unpaired_noise_would_hide():
    """Seeds move all rows together by 5; the difference of 0.5 is the same in each."""
    shift = {s: 5.0 * s for s in range(5)}
    values = {("a", "x"): {s: 60.5 + shift[s] + 0.01 * (-1) ** s for s in range(5)}, ("base", "x"): {s: 60 + shift[s] for s in range(5)}}
    assert judged("better", values, rows=("a",), than=("base",)).word == "holds"


def series(value):
    return {s: value + 0.01 * s * (-1) ** s for s in range(5)}


@pytest.mark.parametrize(
    ("quantity", "word"),
    [("log.k rises", "holds"), ("log.k falls", "fails"), ("log.k < log.d", "holds"), ("log.k > log.d", "fails"),
     ("log.none rises", "missing"), ("log.k wobbles", "missing")],
)  # fmt: skip
def test_curves_compare_ends_or_two_quantities(quantity, word):
    recorded = {("a", "log.k", "last"): series(0.7), ("a", "log.k", "first"): series(0.5), ("a", "log.d", "last"): series(0.9)}
    assert judged("curve", rows=("a",), quantity=quantity, quantities=recorded).word == word


def test_printed_amounts_are_read():
    assert [claims.number(t) for t in ("+18.14", "0.96x", "2 %", "-3")] == [18.14, 0.96, 2.0, -3.0]
    assert [claims.half_unit(t) for t in ("71.90", "71.9", "72", "0.96x")] == [0.005, 0.05, 0.5, 0.005]
