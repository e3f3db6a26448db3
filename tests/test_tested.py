"""What claims were tested by, in the labels of their tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench import published, tested
from mmbench.spec import FORMS, Claim, ClaimVerdict, Column, Comparison, Row, Table

COLUMNS = (Column("ks", "KS", "accuracy", "%", "higher"), Column("gap", "CD, gap", "gap", "%", "lower"))
ROWS = (Row("base", "Concat"), Row("drop", "Modality drop"), Row("f2", "f"), Row("f3", "f"), Row("t8", "8", 8.0), Row("t12", "12", 12.0))
TABLE = Table("toy", "toy", "", "", "results", "accuracy", "%", "higher", ROWS, COLUMNS, {}, frozenset(), (), (), "", x_label="T")
ONE = replace(TABLE, columns=COLUMNS[:1])


def line(form, table=TABLE, word="holds", direction_only=False, **fields):
    claim = Claim("toy", "says", form, **{"rows": ("drop",), "columns": ("ks", "gap"), **fields})
    return tested.line(ClaimVerdict(claim, word), table, direction_only)


LINES = [
    ("better", {"rows": ("drop", "t8"), "than": ("base",)}, "Modality drop and T = 8 better than Concat"),
    ("better", {}, "Modality drop better than all other rows"),
    ("best", {"rows": ("t8",)}, "T = 8 the best of all rows"),
    ("best", {"rows": ("drop", "t8"), "than": ("base",)}, "Modality drop or T = 8 the best of Modality drop, T = 8 and Concat"),
    ("rises-then-falls", {"rows": ("base", "t8", "t12")}, "Concat, T = 8 and T = 12, in this order, get better, then worse"),
    ("monotone", {"rows": ("t8", "t12")}, "T = 8 and T = 12, in this order, get better at every step"),
    ("flat", {"rows": ("f2", "f3")}, "f (f2) and f (f3) within the column's margin of each other"),
    ("flat", {"rows": ("t8", "t12"), "amount": "1.5"}, "T = 8 and T = 12 within 1.5 of each other"),
    ("gain", {"rows": ("t8", "t12"), "than": ("drop", "base")}, "T = 8 better than Modality drop and T = 12 better than Concat"),
    ("gain", {"than": ("base",), "amount": "18.14"}, "Modality drop better than Concat, by 18.14 points"),
    ("cost", {"than": ("base",)}, "Modality drop / Concat is below 1"),
    ("cost", {"than": ("base",), "amount": "higher"}, "Modality drop / Concat is above 1"),
    ("cost", {"rows": ("t8", "t12"), "than": ("base",), "amount": "2.68x"}, "T = 8 / Concat is 2.68x and T = 12 / Concat is 2.68x"),
    ("value", {"amount": "0.06"}, "Modality drop is 0.06"),
    ("curve", {"quantity": "zeta rises"}, "ζ rises from the first epoch to the last, for Modality drop"),
]


@pytest.mark.parametrize(("form", "fields", "told"), LINES)
def test_each_form_has_its_sentence(form, fields, told):
    assert line(form, ONE, columns=("ks",), **fields) == f"tested: {told}"
    assert line(form, **fields) == f"tested: {told}, in KS and “CD, gap”"


def test_every_form_is_tried():
    assert {form for form, *_ in LINES} == set(FORMS) == set(tested.TESTS)


def test_of_an_amount_only_the_side_is_tested_on_a_stand_in():
    assert line("gain", ONE, than=("base",), amount="18.14", direction_only=True) == "tested: Modality drop better than Concat"
    assert line("cost", ONE, than=("base",), amount="2.68x", direction_only=True) == "tested: Modality drop / Concat is above 1"


def test_what_was_not_tested_and_what_is_weaker_say_so():
    assert line("value", ONE, "missing", amount="1") == "test: Modality drop is 1"
    assert line("value", ONE, "not judged on a stand-in", amount="1") == "test: Modality drop is 1"
    assert line("curve", ONE, quantity="zeta rises", weaker=True).startswith("tested only: ζ rises")


def test_any_is_said():
    assert line("better", ONE, than=("base",), over="any", columns=("ks",)) == "tested: Modality drop better than Concat"
    assert line("better", than=("base",), over="any").startswith("tested: at least one of: Modality drop better")


def test_swept_columns_are_said_with_what_is_swept():
    views = replace(TABLE, columns=tuple(Column(str(n), str(n), "accuracy", "%", "higher", x=float(n)) for n in (2, 3)), x_label="views")
    assert line("better", views, columns=("2", "3")) == "tested: Modality drop better than all other rows, in views 2 and 3"


def compared(form, rows, columns=("ks",), ran=None, quantity=""):
    claim = Claim("toy", "says", form, quantity=quantity)
    verdict = ClaimVerdict(claim, "holds", of=Comparison(rows, columns, quantity))
    return tested.compared(verdict, TABLE, ran or {}), tested.unit(verdict, TABLE)


def test_the_comparison_that_decides_is_named_with_its_unit():
    assert compared("better", ("drop", "base")) == ("Modality drop minus Concat in KS", " points")
    assert compared("gain", ("drop", "base"), ("gap",)) == ("Concat minus Modality drop in “CD, gap”", " points"), "lower is better there"
    assert compared("cost", ("drop", "base")) == ("Modality drop / Concat in KS", "")
    assert compared("value", ("drop",)) == ("Modality drop in KS", " %")
    assert compared("best", ("drop", "base")) == ("in KS", " points")
    assert compared("curve", ("drop",), quantity="log.valued < log.drawn") == (
        "samples drawn minus samples valued at the last epoch, Modality drop in KS",
        " samples",
    )
    assert tested.compared(ClaimVerdict(Claim("toy", "says", "best"), "missing"), TABLE, {}) == ""


def test_what_it_ran_on_is_said_once():
    ran = {(row, column): "av-digits" for row in ("drop", "base") for column in ("ks", "gap")}
    assert compared("better", ("drop", "base"), ("ks", "gap"), ran)[0] == "Modality drop minus Concat in KS and “CD, gap”, on av-digits"
    assert compared("better", ("drop", "base"), ran=ran | {("base", "ks"): "views"})[0].endswith("on av-digits and views")


def test_every_claim_of_the_papers_has_its_line():
    for table in map(published.load, published.ids()):
        for claim in table.claims:
            told = tested.line(ClaimVerdict(claim, "holds"), table, False)
            assert told.startswith("tested only: " if claim.weaker else "tested: ")
            assert all(tested.row(table, row) in told for row in claim.rows), (claim.says, told)
