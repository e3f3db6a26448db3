"""Intervals and shapes by hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy

from mmbench import stats


def test_one_cell_pools_to_its_own_spread():
    sd, df = stats.pooled(np.array([[1.0, 2.0, 3.0, 6.0]]))
    assert sd == pytest.approx(np.std([1, 2, 3, 6], ddof=1))
    assert df == 3


def test_identical_cells_bring_no_new_degrees_of_freedom_and_independent_ones_do():
    row = np.random.default_rng(0).standard_normal(5)
    sd, df = stats.pooled(np.array([row, row, row, row]))
    assert sd == pytest.approx(row.std(ddof=1))
    assert df == pytest.approx(4, abs=2.1), "near m = 4, not 16"
    independent = [stats.pooled(np.random.default_rng(i).standard_normal((8, 5)))[1] for i in range(200)]
    assert np.mean(independent) > 20


def test_pooled_formula_by_hand():
    """Two cells, three seeds: deviations (-1, 0, 1) and (1, -2, 1) give S = [[1, 0], [0, 3]], m = 2, tr S = 4, tr S^2 = 10;
    T = 4/(4 * 1) * (10 - 16/2) = 2; df = 2 * 16 / 2 = 16, clipped to m R = 4."""
    sd, df = stats.pooled(np.array([[9.0, 10.0, 11.0], [11.0, 8.0, 11.0]]))
    assert (sd, df) == (pytest.approx(np.sqrt(2)), 4)


@given(st.integers(1, 6), st.integers(2, 8), st.integers(0, 10_000))
def test_degrees_of_freedom_stay_between_one_cells_and_all_cells(cells, seeds, start):
    sd, df = stats.pooled(np.random.default_rng(start).standard_normal((cells, seeds)))
    assert sd >= 0
    assert seeds - 1 <= df <= (seeds - 1) * cells


def test_no_spread_at_all_is_no_crash():
    assert stats.pooled(np.ones((3, 4))) == (0.0, 3.0)
    assert stats.consistency(60.0, 60.004, 0.005, 0.0, 3.0, 1, 4) == (0.005, 1.0)
    assert stats.consistency(60.0, 61.0, 0.005, 0.0, 3.0, 1, 4)[1] == 0.0


def test_the_band_is_the_prediction_interval_plus_half_a_printed_unit():
    width, p = stats.consistency(60.0, 63.0, 0.005, 1.0, 4.0, k=1, n=5)
    assert width == pytest.approx(scipy.t.ppf(0.975, 4) * np.sqrt(1.2) + 0.005)
    assert p == pytest.approx(2 * scipy.t.sf(2.995 / np.sqrt(1.2), 4))
    assert stats.consistency(60.0, 60 + width, 0.005, 1.0, 4.0, 1, 5)[1] == pytest.approx(0.05)


def test_a_best_of_k_is_expected_above_the_mean():
    """One run at 1.16 standard deviations up is common among the best of 5, and so is one at the mean among single runs."""
    high = stats.best_of(60.0, 61.16, 0.005, 1.0, 30.0, 5, 5, "higher")[3]
    assert high > 0.8
    assert stats.best_of(60.0, 58.84, 0.005, 1.0, 30.0, 5, 5, "lower")[3] == pytest.approx(high)
    assert stats.best_of(60.0, 58.84, 0.005, 1.0, 30.0, 5, 5, "higher")[3] < 0.05


def test_the_best_of_one_is_one_run():
    low, high, middle, p = stats.best_of(60.0, 61.0, 0.005, 1.0, 4.0, 1, 5, "higher")
    width, same = stats.consistency(60.0, 61.0, 0.005, 1.0, 4.0, 1, 5)
    assert (low, high, middle) == (pytest.approx(60 - width), pytest.approx(60 + width), pytest.approx(60))
    assert p == pytest.approx(same)


@given(st.integers(1, 9), st.floats(0.01, 5), st.integers(2, 9), st.sampled_from(["higher", "lower"]))
def test_the_band_of_a_best_of_k_is_where_its_test_turns(k, sd, n, better):
    low, high, middle, _ = stats.best_of(60.0, 60.0, 0.005, sd, n - 1, k, n, better)
    assert low < middle < high
    for end, outward in ((low, -1e-6), (high, 1e-6)):
        assert stats.best_of(60.0, end - outward, 0.005, sd, n - 1, k, n, better)[3] > 0.05
        assert stats.best_of(60.0, end + outward, 0.005, sd, n - 1, k, n, better)[3] < 0.05


def test_the_best_of_k_by_simulation():
    """Two true normals: 5 runs of ours, the best of 5 of theirs; 5 % fall outside, give or take the t-predictive's approximation."""
    source, outside = np.random.default_rng(5), 0
    for _ in range(1000):
        ours, theirs = source.standard_normal(5), source.standard_normal(5).max()
        outside += stats.best_of(ours.mean(), theirs, 0.0, 1.0, 1e6, 5, 5, "higher")[3] <= 0.05
    assert 0.02 <= outside / 1000 <= 0.08


def test_equivalence_and_the_seeds_it_would_take():
    assert stats.equivalent(0.1, 1.0, 0.5, 10.0, 5)
    assert not stats.equivalent(0.7, 1.0, 0.5, 10.0, 5)
    assert stats.seeds_needed(0.5, 1.0, 1.0, 10.0) == 14, "(t(.95, 10) / 0.5)^2 = 13.1; the margin alone would take 4"
    assert stats.seeds_needed(0.0, 1.0, 1.0, 1000.0) == 4
    assert stats.seeds_needed(1.5, 1.0, 1.0, 10.0) is None
    assert stats.too_fine(0.5, 1.0, 5)
    assert not stats.too_fine(0.9, 1.0, 5)


def test_two_way_residual_by_hand():
    """Rows differ by a constant: nothing is left. One cell moved by 1 leaves 1 - 1/2 - 1/3 + 1/6 of it in place."""
    assert stats.two_way(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])) == (pytest.approx(0), 2)
    moved = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
    assert stats.two_way(moved)[0] == pytest.approx((2 * (1 / 3) ** 2 + 4 * (1 / 6) ** 2) / 2)


def test_a_contrast_of_two_cells_is_the_paired_t_test():
    layout = np.random.default_rng(3).standard_normal((2, 6))
    difference = layout[0] - layout[1]
    estimate, error, df = stats.contrast(layout, np.array([1.0, -1.0]))
    assert (estimate, df) == (pytest.approx(difference.mean()), 5)
    assert error == pytest.approx(difference.std(ddof=1) / np.sqrt(6))
    *interval, p = stats.paired(layout[0], layout[1])
    half = scipy.t.ppf(0.975, 5) * error
    assert interval == [pytest.approx(estimate), pytest.approx(estimate - half), pytest.approx(estimate + half)]
    assert p == pytest.approx(scipy.ttest_rel(layout[0], layout[1]).pvalue)


def test_identical_runs_differ_by_nothing():
    same = np.array([60.0, 61.0, 62.0])
    assert stats.paired(same, same) == (0.0, 0.0, 0.0, 1.0)
    assert stats.paired(same + 1, same)[3] == 0.0


def test_a_residual_below_what_can_be_measured_is_not_believed():
    """Two seeds whose differences happen to be equal: without the floor the error would be 0."""
    lucky = np.array([[61.0, 62.0], [60.0, 61.0]])
    assert stats.contrast(lucky, np.array([1.0, -1.0]))[1] == 0
    assert stats.contrast(lucky, np.array([1.0, -1.0]), floor=0.04)[1] == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ((1, 2, 3, 1), True),
        ((1, 3, 2, 1), True),
        ((1, 2, 3, 4), False),
        ((4, 3, 2, 1), False),
        ((1, 3, 2, 4), False),
        ((3, 1, 2, 0), False),
    ],
)
def test_rises_then_falls(means, expected):
    assert bool(stats.rises_then_falls(np.array([means]))[0]) is expected


def test_shapes_are_certain_without_noise_and_a_coin_without_difference():
    clear = np.array([[1.0, 1.001], [2.0, 2.001], [1.5, 1.501]])
    assert stats.shape(clear, stats.rises_then_falls) == 1.0
    level = np.random.default_rng(0).standard_normal((2, 50))
    level -= level.mean(1, keepdims=True)
    assert stats.shape(level, stats.rises) == pytest.approx(0.5, abs=0.02)
    assert stats.shape(level, stats.rises) == stats.shape(level, stats.rises), "a fixed stream"


def test_holm_steps_down():
    assert stats.holm({"a": 0.01, "b": 0.02, "c": 0.04}) == {"a": True, "b": True, "c": True}
    assert stats.holm({"a": 0.02, "b": 0.001, "c": 0.03}) == {"b": True, "a": True, "c": True}
    assert stats.holm({"a": 0.03, "b": 0.001, "c": 0.02}) == {"b": True, "c": True, "a": True}
    assert stats.holm({"a": 0.03, "b": 0.04}) == {"a": False, "b": False}


@given(st.dictionaries(st.integers(0, 20), st.floats(0, 1), max_size=8))
def test_holm_lies_between_bonferroni_and_no_adjustment(p):
    found = stats.holm(p)
    assert set(found) == set(p)
    for name, rejected in found.items():
        assert rejected <= (p[name] <= 0.05)
        assert rejected >= (p[name] <= 0.05 / len(p))


@pytest.mark.parametrize(("printed", "half"), [("71.90", 0.005), ("71.9", 0.05), ("72", 0.5), ("0.96x", 0.005), ("+18.14", 0.005)])
def test_half_a_unit_of_the_last_printed_digit(printed, half):
    assert stats.half_unit(printed) == pytest.approx(half)


def test_quantiles_are_those_of_scipy():
    for df in (1, 2.5, 4, 33.3):
        assert stats.quantile(0.975, df) == pytest.approx(scipy.t.ppf(0.975, df))


def test_mcnemar_and_kendall():
    first, second = np.array([1, 1, 1, 1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 0, 0, 0, 1, 0], bool)
    assert stats.mcnemar(first, second) == (5, 1, pytest.approx(2 * 7 / 64))
    assert stats.mcnemar(first, first) == (0, 0, 1.0)
    assert stats.kendall(np.array([1.0, 2, 3]), np.array([2.0, 4, 9])) == 1.0
    assert stats.kendall(np.array([1.0, 2]), np.array([2.0, 4])) is None
    assert stats.kendall(np.array([1.0, 2, 3]), np.array([5.0, 5, 5])) is None, "all equal: no order"
