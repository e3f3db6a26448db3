"""Numbers and verdicts as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench import wording
from mmbench.spec import ClaimVerdict, Column, Comparison, Margin
from tests import made_up


@pytest.mark.parametrize(
    ("printed", "digits"),
    [(["76.68", "9.8"], 2), (["15", "31"], 0), ([".06"], 2), (["2.96x"], 2), (["Not converge", None], 2), (["128x128"], 0), ([], 2)],
)
def test_decimals_are_those_printed(printed, digits):
    assert wording.decimals(printed) == digits


@pytest.mark.parametrize(("number", "text"), [(0.416, "+0.42"), (-1.3, "-1.30"), (0.0, "0.00"), (-0.001, "0.00"), (None, "")])
def test_signed(number, text):
    assert wording.signed(number, 2) == text


def evidence(claim, ran=None, **found):
    return wording.evidence(ClaimVerdict(claim, "holds", **found), made_up.TABLE, ran or {})


def test_evidence_of_an_estimate_and_of_a_shape():
    both = {"estimate": 4.3, "low": 3.9, "high": 4.7, "n": 5, "of": Comparison(("s-4", "vanilla"), ("acc",)), "comparisons": 1}
    assert evidence(made_up.CLAIM, **both) == "s = 4 minus vanilla: +4.30 points, 90 % interval +3.90 to +4.70, 5 seeds"
    ran = {(row, "acc"): "av-digits" for row in ("s-4", "vanilla")}
    assert evidence(made_up.CLAIM, ran, **both).startswith("s = 4 minus vanilla, on av-digits: +4.30 points")
    shape = {"probability": 0.97, "df": 16, "n": 1, "of": Comparison(("s-4", "s-2"), ("acc",)), "comparisons": 1}
    assert evidence(made_up.PEAK, **shape) == "probability of the shape 0.97, 16 degrees of freedom, 1 seed"
    assert evidence(made_up.PEAK) == ""


def test_evidence_says_which_of_several_comparisons_it_is_of():
    found = {"estimate": 1.0, "of": Comparison(("s-4", "vanilla"), ("acc",)), "comparisons": 12}
    assert evidence(made_up.CLAIM, **found) == "weakest of 12 comparisons: s = 4 minus vanilla: +1.00 points"
    assert evidence(replace(made_up.CLAIM, over="any"), **found).startswith("strongest of 12 comparisons")


def test_bounds_at_two_levels_say_so():
    found = {"estimate": -6.04, "low": -8.6, "high": 0.35, "risks": (0.05, 0.05 / 12)}
    assert evidence(made_up.CLAIM, **found) == "-6.04, interval -8.60 to +0.35 (lower end at 5 %, upper end at 0.42 %)"
    looks = {"estimate": 1.0, "low": 0.5, "high": 1.5, "risks": (0.0125, 0.0125)}
    assert evidence(made_up.CLAIM, **looks) == "+1.00, 97.5 % interval +0.50 to +1.50"


@pytest.mark.parametrize(
    ("low", "high", "text"), [(0.001, 0.9, "+0.001 to +0.900"), (-0.9, -0.00002, "-0.90000 to -0.00002"), (0.0, 0.5, "0.00 to +0.50")]
)
def test_a_bound_is_never_rounded_to_the_edge(low, high, text):
    assert f"interval {text}" in evidence(made_up.CLAIM, estimate=(low + high) / 2, low=low, high=high)


def test_a_ratio_has_no_sign_and_no_unit():
    cost = replace(made_up.CLAIM, form="cost")
    found = {"estimate": 0.93, "low": 0.9, "high": 0.96, "of": Comparison(("s-4", "s-2"), ("acc",))}
    assert evidence(cost, **found) == "s = 4 / s = 2: 0.93, 90 % interval 0.90 to 0.96"
    assert "0.900 to 0.999" in evidence(cost, **(found | {"high": 0.999})), "not 1.00"


def test_a_relative_margin_is_a_share_of_the_published_value():
    column = Column("mse", "MSE", "mse", "", "lower", margin=Margin(0.2, "decided before", "2026-11-21", relative=True))
    assert (
        wording.margin(column)
        == "Margin within which two values count as equal: 20% of the published value (decided before; fixed 2026-11-21)."
    )
