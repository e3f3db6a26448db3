"""Numbers and verdicts as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench import wording
from mmbench.spec import ClaimVerdict, Column, Margin
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


def test_evidence_of_an_estimate_and_of_a_shape():
    both = ClaimVerdict(made_up.CLAIM, "holds", estimate=4.3, low=3.9, high=4.7, n=5)
    assert wording.evidence(both) == "difference +4.30, 90 % interval +3.90 to +4.70, 5 seeds"
    shape = ClaimVerdict(made_up.PEAK, "holds", probability=0.97, df=16, n=1)
    assert wording.evidence(shape) == "probability of the shape 0.97, 16 degrees of freedom, 1 seed"
    assert wording.evidence(ClaimVerdict(made_up.PEAK, "missing")) == ""


def test_evidence_says_which_of_several_comparisons_it_is_of():
    several = replace(made_up.CLAIM, rows=("s-2", "s-4"))
    assert wording.evidence(ClaimVerdict(several, "holds", estimate=1.0)) == "weakest difference +1.00"
    assert wording.evidence(ClaimVerdict(replace(several, over="any"), "holds", estimate=1.0)) == "strongest difference +1.00"


def test_a_ratio_has_no_sign():
    cost = replace(made_up.CLAIM, form="cost")
    assert wording.evidence(ClaimVerdict(cost, "holds", estimate=0.93, low=0.9, high=0.96)) == "ratio 0.93, 90 % interval 0.90 to 0.96"


def test_a_relative_margin_is_a_share_of_the_published_value():
    column = Column("mse", "MSE", "mse", "", "lower", margin=Margin(0.2, "decided before", "2026-11-21", relative=True))
    assert (
        wording.margin(column)
        == "Margin within which two values count as equal: 20% of the published value (decided before; fixed 2026-11-21)."
    )
