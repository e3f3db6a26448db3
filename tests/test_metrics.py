"""Metrics by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.metrics import eer, errors, min_dcf

SAME, TWO = True, False


def trials(*pairs: tuple[float, bool]) -> tuple[np.ndarray, np.ndarray]:
    scores, same = zip(*pairs, strict=True)
    return np.array(scores), np.array(same)


def test_all_right_and_all_wrong():
    right = trials((0.9, SAME), (0.8, SAME), (0.2, TWO), (0.1, TWO))
    assert eer(*right) == 0
    assert min_dcf(*right) == 0
    wrong = trials((0.9, TWO), (0.8, TWO), (0.2, SAME), (0.1, SAME))
    assert eer(*wrong) == 100
    assert min_dcf(*wrong) == 1, "no worse than refusing all"


def test_equal_scores_are_accepted_together_whatever_their_order():
    """Accepting none (1, 0) or all (0, 1): the line between them crosses at a half."""
    tied = trials((0.5, SAME), (0.5, TWO), (0.5, TWO), (0.5, SAME), (0.5, SAME))
    assert eer(*tied) == 50
    assert eer(tied[0], tied[1][::-1]) == 50
    assert min_dcf(*tied) == 1


def test_one_error_of_each_kind_among_four():
    """Accepting two of the four pairs of one speaker and none of two, then a wrong one, then a third: it crosses where both are a half
    less what lies on the straight line from (.5, 0) over (.5, .25) to (.25, .25)."""
    scores = trials((8, SAME), (7, SAME), (6, TWO), (5, SAME), (4, SAME), (3, TWO), (2, TWO), (1, TWO))
    refused, accepted = errors(*scores)
    assert refused.tolist() == [1, 0.75, 0.5, 0.5, 0.25, 0, 0, 0, 0]
    assert accepted.tolist() == [0, 0, 0, 0.25, 0.25, 0.25, 0.5, 0.75, 1]
    assert eer(*scores) == 25


def test_the_crossing_lies_on_the_line_between_two_thresholds():
    """Of three pairs of one speaker and two of others: (2/3, 0), then (1/3, 1/2) for a tie of one each. On that line both are 2/5."""
    scores = trials((4, SAME), (3, SAME), (3, TWO), (2, SAME), (1, TWO))
    assert eer(*scores) == pytest.approx(100 * 2 / 5)


def test_min_dcf_weighs_alarms_99_times_as_much():
    """Accepting the best pair of one speaker: cost .01 * 3/4 of .01. A wrong one more costs .99 / 4."""
    scores = trials((8, SAME), (7, TWO), (6, SAME), (5, SAME), (4, SAME), (3, TWO), (2, TWO), (1, TWO))
    assert min_dcf(*scores) == pytest.approx(0.75)
    even = min_dcf(*scores, prior=0.5)
    assert even == pytest.approx(0.25), "all four and one wrong: (0 + 1/4) / 2 of 1/2"


def test_scores_that_are_no_numbers_have_no_rate():
    assert np.isnan(eer(*trials((np.nan, SAME), (1, TWO))))
    assert np.isnan(min_dcf(*trials((np.inf, SAME), (1, TWO))))


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2).filter(lambda t: len({same for _, same in t}) == 2))
def test_turning_every_score_around_turns_the_rate_around(pairs):
    scores, same = trials(*pairs)
    found = eer(scores, same)
    assert 0 <= found <= 100
    assert eer(-scores, same) == pytest.approx(100 - found)
    assert eer(3 * scores + 7.0, same) == pytest.approx(found), "only the order counts"
